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

"""The MariaDB of the benchmark: that of the sandbox, but durable.

MariaDB's defaults are kept, so every commit is durable, but for the sizes of
the pool of pages and of the connections.
"""

import contextlib

from opie.sandbox import launcher
from opie.sandbox import steps
from opie.sandbox.services import mariadb

NAME = mariadb.NAME
DATABASES = ('nova_api', 'nova_cell0', 'nova_cell1', 'placement')

_OPTIONS = ('--max-connections=400', '--innodb-buffer-pool-size=1G')
_DURABLE = 'innodb_flush_log_at_trx_commit'


class Database:
    """A running server.

    :param site: a :class:`opie.sandbox.site.Site`.
    """

    def __init__(self, site):
        self._site = site

    def url(self, name):
        """Return a database's URL as oslo.db and SQLAlchemy want it."""
        return self._site.database_url(name)

    @contextlib.contextmanager
    def without_durability(self):
        """Let commits be fast while nothing is measured."""
        self._execute('SET GLOBAL %s = 0' % _DURABLE)
        yield
        self._execute('SET GLOBAL %s = 1' % _DURABLE)

    def _execute(self, statement):
        mariadb.execute(mariadb.connect(mariadb.folder(self._site)), statement)


@contextlib.contextmanager
def running(site):
    """Run a server, with the databases of nova and placement, empty.

    :raises errors.Missing: if MariaDB is not installed.
    """
    launcher.run(site.home, mariadb.preparation(site), steps.Stop())
    with launcher.running(site.home, mariadb.make_service(site, _OPTIONS)):
        mariadb.create_databases(site, DATABASES)
        yield Database(site)
