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

"""Programs that no Python package brings."""

import os
import shutil
import sys

from opie.sandbox import errors

INSTALL = (
    'apt-get install --no-install-recommends mariadb-server rabbitmq-server'
)

# Debian keeps the programs of servers in folders that are on root's path only.
# The rabbitmq-server there is another one, which changes the user.
_FOLDERS = ('/usr/lib/rabbitmq/bin', '/usr/sbin', '/usr/local/sbin')
NEEDED = ('mariadbd', 'mariadb-install-db', 'rabbitmq-server', 'epmd')


def find(name):
    """Return the path of a program.

    :raises errors.Missing: if there is none.
    """
    path = _which(name)
    if not path:
        raise errors.Missing(_message([name]))
    return path


def check():
    """:raises errors.Missing: which names all that is not installed."""
    missing = [name for name in NEEDED if not _which(name)]
    if missing:
        raise errors.Missing(_message(missing))


def script(name):
    """Return the path of a command of this Python's environment."""
    return os.path.join(os.path.dirname(sys.executable), name)


def _which(name):
    path = os.pathsep.join((*_FOLDERS, os.environ.get('PATH', '')))
    return shutil.which(name, path=path)


def _message(names):
    return 'There is no %s here. Install what is missing: %s' % (
        ' and no '.join(names),
        INSTALL,
    )
