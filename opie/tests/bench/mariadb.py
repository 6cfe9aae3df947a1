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

"""A MariaDB of the benchmark's own: data directory, socket and port.

It reads no configuration file and touches no other server's data.  MariaDB's
defaults are kept, so every commit is durable, but for the sizes of the pool of
pages and of the connections.
"""

import contextlib
import getpass
import os
import secrets
import shutil
import subprocess

import pymysql

from opie.tests.bench import processes

DATABASES = ('nova_api', 'nova_cell0', 'nova_cell1', 'placement')

_DURABLE = 'innodb_flush_log_at_trx_commit'


class MariaDB:
    """A running server.

    :ivar port: where it listens on the loopback interface.
    """

    def __init__(self, socket, port):
        self.port = port
        self._socket = socket
        self._password = secrets.token_hex()

    def connect(self):
        """Return a connection as the server's administrator."""
        return pymysql.connect(
            unix_socket=self._socket, user=getpass.getuser(), autocommit=True
        )

    def url(self, database):
        """Return a database's URL as oslo.db and SQLAlchemy want it."""
        return 'mysql+pymysql://bench:%s@127.0.0.1:%d/%s?charset=utf8mb3' % (
            self._password,
            self.port,
            database,
        )

    def create_databases(self):
        statements = [
            'CREATE DATABASE %s CHARSET utf8mb3' % n for n in DATABASES
        ]
        statements += [
            "CREATE USER bench@'127.0.0.1' IDENTIFIED BY '%s'"
            % self._password,
            "GRANT ALL ON *.* TO bench@'127.0.0.1'",
        ]
        self.execute(*statements)

    @contextlib.contextmanager
    def without_durability(self):
        """Let commits be fast while nobody measures."""
        self.execute('SET GLOBAL %s = 0' % _DURABLE)
        yield
        self.execute('SET GLOBAL %s = 1' % _DURABLE)

    def execute(self, *statements):
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


@contextlib.contextmanager
def running(folder):
    """Run a server, with the databases of nova and placement, empty.

    :param folder: an existing directory that it may fill.
    :raises processes.Missing: if MariaDB is not installed.
    """
    daemon = _find('mariadbd')
    install = _find('mariadb-install-db')
    data = os.path.join(folder, 'mariadb')
    user = getpass.getuser()
    subprocess.run(
        [
            install,
            '--no-defaults',
            '--auth-root-authentication-method=socket',
            '--auth-root-socket-user=' + user,
            '--skip-test-db',
            '--user=' + user,
            '--datadir=' + data,
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    server = MariaDB(
        os.path.join(folder, 'mariadb.sock'), processes.free_port()
    )
    command = [
        daemon,
        '--no-defaults',
        '--user=' + user,
        '--datadir=' + data,
        '--socket=' + server._socket,
        '--pid-file=' + os.path.join(folder, 'mariadb.pid'),
        '--bind-address=127.0.0.1',
        '--port=%d' % server.port,
        '--max-connections=400',
        '--innodb-buffer-pool-size=1G',
    ]
    log = os.path.join(folder, 'mariadb.log')
    with processes.running(command, log) as process:
        processes.wait_until(
            'MariaDB', process, log, lambda: server.connect().close()
        )
        server.create_databases()
        yield server


def _find(name):
    # Debian keeps servers where only root looks for commands.
    path = shutil.which(name, path=os.environ['PATH'] + ':/usr/sbin')
    if not path:
        raise processes.Missing(
            'There is no %s here: install the package mariadb-server.' % name
        )
    return path
