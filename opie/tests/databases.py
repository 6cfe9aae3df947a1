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

"""Lets the databases of all tests in a process share costly work.

Each test has databases of its own, and with them engines.  SQLAlchemy keeps
compiled statements by engine and dialect, so every test would compile all of
them again, which is an eighth of its time.  And oslo.db has each transaction
open a file of SQLite anew, which reads its whole schema: as much again.
"""

import types

from oslo_db.sqlalchemy import engines
from sqlalchemy import pool

_create_engine = engines.create_engine
_first = []


def share():
    """Have engines of SQLite keep connections, and share what is compiled.

    Such engines differ in nothing but where their database is.
    """
    engines.create_engine = _create_sharing_engine
    # NOTE: oslo_db/sqlalchemy/engines.py, _init_connection_args: NullPool is
    # for files of SQLite only.
    engines.pool = types.SimpleNamespace(**dict(vars(pool), NullPool=_Pool))


class _Pool(pool.QueuePool):
    """A pool that opens as many connections as are wanted at once."""

    def __init__(self, creator, **kwargs):
        super().__init__(creator, **dict(kwargs, pool_size=0))


def _create_sharing_engine(*args, **kwargs):
    engine = _create_engine(*args, **kwargs)
    if engine.dialect.name == 'sqlite':
        if not _first:
            _first.append(engine)
        # NOTE: sqlalchemy/sql/elements.py, _compile_w_cache: the dialect is
        # part of the key, and is compared by identity.
        engine.dialect = _first[0].dialect
        engine._compiled_cache = _first[0]._compiled_cache
    return engine
