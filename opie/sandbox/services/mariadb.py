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

"""MariaDB: a data directory, a socket and a port of its own.

The server reads no configuration file and touches no other server's data.  It
has a folder of its own for temporary tables, because a server that starts
removes all temporary tables that are in that folder.
"""

import os
import pwd

import pymysql

from opie.sandbox import ports
from opie.sandbox import programs
from opie.sandbox import site as site_module
from opie.sandbox.services import service

NAME = 'mariadb'

_OPTIONS = (
    '--max-connections=800',
    '--innodb-buffer-pool-size=128M',
    '--innodb-log-file-size=48M',
    # The process may die at any time; what is lost with the machine is a
    # second of a cloud to try things on.
    '--innodb-flush-log-at-trx-commit=2',
)


def commands(folder):
    """Return the command that makes a data directory and the one that serves.

    :param folder: a pathlib.Path, for the data directory and the socket.
    :raises errors.Missing: if MariaDB is not installed.
    """
    user = _user()
    # Both commands need these options first.
    common = (
        '--no-defaults',
        '--user=' + user,
        '--datadir=%s/data' % folder,
        '--tmpdir=%s' % folder,
    )
    install = (
        programs.find('mariadb-install-db'),
        *common,
        '--auth-root-authentication-method=socket',
        '--auth-root-socket-user=' + user,
        '--skip-test-db',
    )
    serve = (
        programs.find('mariadbd'),
        *common,
        '--socket=%s' % socket(folder),
        '--pid-file=%s/pid' % folder,
        '--bind-address=' + ports.LOOPBACK,
    )
    return install, serve


def _user():
    # The server compares it with who really connects.
    return pwd.getpwuid(os.geteuid()).pw_name


def socket(folder):
    return folder / 'sock'


def connect(folder):
    """Return a connection as the server's administrator."""
    return pymysql.connect(
        unix_socket=str(socket(folder)),
        user=_user(),
        autocommit=True,
    )


def execute(connection, *statements):
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def statements(user, password, databases):
    """Return the SQL that makes empty databases and their user."""
    yield "CREATE OR REPLACE USER %s@'%s' IDENTIFIED BY '%s'" % (
        user,
        ports.LOOPBACK,
        password,
    )
    yield "GRANT ALL ON *.* TO %s@'%s'" % (user, ports.LOOPBACK)
    for name in databases:
        yield 'CREATE DATABASE %s CHARSET utf8mb3' % name


def folder(site):
    return site.home.data / NAME


def make_service(site, options=_OPTIONS):
    """Return the service.

    :param options: where it differs from MariaDB's defaults.
    """
    home = folder(site)
    _, command = commands(home)
    return service.Service(
        NAME,
        (
            *command,
            '--port=%d' % site.ports[NAME],
            *options,
        ),
        lambda since: connect(home).close(),
        needs=('database files',),
    )


def preparation(site):
    """Return what makes its data directory."""
    return service.Preparation(
        'database files',
        (commands(folder(site))[0],),
        folders=(folder(site),),
    )


def create_databases(site, databases):
    execute(
        connect(folder(site)),
        *statements(site_module.DATABASE_USER, site.password(NAME), databases),
    )
