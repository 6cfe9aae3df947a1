# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Fill nova's databases, all of them, in one process.

``python -m`` runs this module with the arguments of nova-manage that name the
configuration files.  The commands are nova-manage's own.  One process runs all
of them, because loading nova-manage takes most of the time of a command.
"""

import sys

# NOTE: nova/cmd/manage.py comes first because it is where nova chooses
# between threads and eventlet.
from nova.cmd import manage  # isort: skip

from nova import config
from nova import objects
import nova.conf
from oslo_log import log

from opie.sandbox.services import nova as names

# The cell's record follows nova.conf, where the port may change.
_SERVER = '{scheme}://{username}:{password}@{hostname}:{port}'
_TRANSPORT_URL = _SERVER + '/{path}'


def main(argv):
    config.parse_args(['nova-manage', *argv])
    log.setup(nova.conf.CONF, 'nova')
    objects.register_all()
    cells = manage.CellV2Commands()
    _check(manage.ApiDbCommands().sync())
    _check(cells.map_cell0(_database_url(names.CELL0_DATABASE)))
    _check(manage.DbCommands().sync())
    _check(
        cells.create_cell(
            names.CELL, _database_url(names.CELL_DATABASE), _TRANSPORT_URL
        )
    )


def _database_url(name):
    return '%s/%s?{query}' % (_SERVER, name)


def _check(status):
    if status:
        sys.exit(status)


if __name__ == '__main__':
    main(sys.argv[1:])
