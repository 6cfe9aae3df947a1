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

"""Makes SQLite do for services that use one database at once."""

import sqlite3

import fixtures
from nova import context as nova_context
from nova.db.api import api as api_db
from nova.db.main import api as main_db
from oslo_db import exception
from oslo_db.sqlalchemy import exc_filters
from placement.db.sqlalchemy import models
from sqlalchemy import exc

# NOTE: placement/objects/allocation.py deletes by ids that it has read before.
# MySQL and PostgreSQL use none twice; SQLite would give those of deleted rows
# to new ones, which would be deleted in their place.
models.Allocation.__table__.dialect_options['sqlite']['autoincrement'] = True


@exc_filters.filters(
    'sqlite', exc.OperationalError, '^.*database is locked.*$'
)
def _deadlock(error, match, engine_name, is_disconnect):
    """Let nova try again, as it does after a deadlock in MySQL."""
    raise exception.DBDeadlock(error)


class KeptOpen(fixtures.Fixture):
    """Keeps nova's databases open.

    The thread that closes the last connection to a database locks it for a
    moment, and other threads that open a connection then get an error.

    :param cell_mappings: the cells.
    """

    def __init__(self, cell_mappings):
        self._cell_mappings = cell_mappings

    def _setUp(self):
        for path in self._paths():
            connection = sqlite3.connect(path)
            self.addCleanup(connection.close)
            # It is open once something was read.
            connection.execute('SELECT count(*) FROM sqlite_master').fetchone()

    def _paths(self):
        engines = [api_db.get_engine(), main_db.get_engine()]
        context = nova_context.get_admin_context()
        for cell_mapping in self._cell_mappings:
            with nova_context.target_cell(context, cell_mapping) as cell:
                engines.append(cell.db_connection.writer.get_engine())
        return {engine.url.database for engine in engines} - {None, ''}
