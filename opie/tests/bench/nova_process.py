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

"""nova in this process: configured, with empty databases and one cell.

Import it before anything else of nova: it chooses native threads.
"""

import logging
import os

# NOTE: sets up the threading model before anything imports eventlet.
import nova.cmd.scheduler  # isort: skip

from nova import config
from nova import context as nova_context
from nova import objects
import nova.conf
from nova.db import migration

import opie.conf
from opie.tests.bench import placement_http

CONF = nova.conf.CONF
CELL = 'cell1'

_CONF = """\
[DEFAULT]
host = scheduler
state_path = %(folder)s
transport_url = fake:///
# Nothing here reports that it is alive.
service_down_time = 1000000
default_log_levels =

[api_database]
connection = %(api)s

[database]
connection = %(cell)s

[placement]
auth_type = admin_token
endpoint = %(placement)s
token = %(token)s

[quota]
instances = -1
cores = -1
ram = -1

[opie]
# The first plan over thousands of hosts takes long.
preemption_timeout_seconds = 1200

[oslo_concurrency]
lock_path = %(folder)s
"""


def start(folder, database, placement_url):
    """Configure nova, make its tables, and map its two cells.

    :param database: a :class:`database.Database`.
    :returns: the CellMapping of the cell that has the hosts.
    """
    path = os.path.join(folder, 'nova.conf')
    with open(path, 'w') as conf:
        conf.write(
            _CONF
            % {
                'folder': folder,
                'api': database.url('nova_api'),
                'cell': database.url('nova_cell1'),
                'placement': placement_url,
                'token': placement_http.TOKEN,
            }
        )
    configure(path)
    migration.db_sync(database='api')
    migration.db_sync(database='main')
    cells = [
        _map_cell(objects.CellMapping.CELL0_UUID, 'cell0', database),
        _map_cell('5a3c9a52-8a9c-4a5e-9a31-6f1f1e3d7c11', CELL, database),
    ]
    with nova_context.target_cell(
        nova_context.get_admin_context(), cells[0]
    ) as context:
        migration.db_sync(database='main', context=context)
    return cells[1]


def configure(path):
    """Let this process know a nova.conf, and nova's objects."""
    opie.conf.register_opts(CONF)
    config.parse_args(['nova-scheduler', '--config-file', path])
    # As in a service, lines below WARNING are not even formatted.
    logging.getLogger().setLevel(logging.WARNING)
    # stevedore complains of a cache that is not used, and urllib3 of more
    # threads than connections are kept for.
    for name in ('stevedore', 'urllib3.connectionpool'):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    objects.register_all()


def _map_cell(uuid, name, database):
    cell = objects.CellMapping(
        nova_context.get_admin_context(),
        uuid=uuid,
        name=name,
        transport_url='fake:///',
        database_connection=database.url('nova_' + name),
        disabled=False,
    )
    cell.create()
    return cell
