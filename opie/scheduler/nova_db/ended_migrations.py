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

"""Which consumers are migrations that hold nothing any more.

A migration holds the old place of its server until nova confirms the move, or
deletes the server.  Then nova removes what the migration holds.  What is given
back to it in that moment may stay; see give_back.empty.
"""

from __future__ import annotations

from collections.abc import Collection

from nova import context as nova_context
from nova import objects
from nova.db.main import api as main_db
from nova.db.main import models as main_models
import sqlalchemy as sa

from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import instances


def among(
    context: nova_context.RequestContext, uuids: Collection[str]
) -> set[str]:
    """Return those of some consumers that are migrations that have ended.

    No cell is asked if all of them are servers.

    :raises errors.SilentCells: if a cell does not answer.
    """
    others = set(uuids) - instances.cells_of(context, uuids).keys()
    if not others:
        return set()
    mappings = [
        cell
        for cell in objects.CellMappingList.get_all(context)
        if not cell.is_cell0()
    ]
    answers, silent = cells.ask(
        mappings, lambda cell_context: _read(cell_context, others)
    )
    cells.check_all_answered(silent)
    return set().union(*answers.values())


@main_db.pick_context_manager_reader
def _read(
    context: nova_context.RequestContext, uuids: Collection[str]
) -> set[str]:
    migration, server = main_models.Migration, main_models.Instance
    query = (
        context.session.query(migration.uuid)
        .outerjoin(server, server.uuid == migration.instance_uuid)
        .filter(
            migration.uuid.in_(uuids),
            sa.or_(
                migration.status == 'confirmed',
                server.uuid.is_(None),
                server.deleted != 0,
            ),
        )
    )
    return {row.uuid for row in query}
