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

"""The servers that nova was asked to delete, and that are still there.

It does not matter whether they are preemptible, or who has asked.
"""

from __future__ import annotations

from collections.abc import Iterable
import dataclasses
import datetime
import sys

from nova import context as nova_context
from nova import objects
from nova.compute import task_states
from nova.compute import vm_states
from nova.db.main import api as main_db
from nova.db.main import models as main_models
import sqlalchemy as sa

from opie.scheduler.nova_db import cells


@dataclasses.dataclass(frozen=True, slots=True)
class DeletedServer:
    """A server that nova is deleting, as its cell's database has it.

    Sizes are those of its flavor: MiB of memory, GiB of disk.

    :ivar updated_at: when its deletion was asked for, or its guest was gone;
        naive, in UTC.
    """

    uuid: str
    host: str
    node: str
    vm_state: str
    memory_mb: int
    vcpus: int
    root_gb: int
    ephemeral_gb: int
    updated_at: datetime.datetime

    @property
    def has_io_workload(self) -> bool:
        """Whether the server counts in its host's I/O workload."""
        return self.vm_state == vm_states.BUILDING


def read(
    cell_mappings: Iterable[objects.CellMapping], since: datetime.datetime
) -> tuple[list[tuple[str, DeletedServer]], list[str]]:
    """Return ((cell uuid, server) pairs, cells that did not answer).

    :param since: leave out servers whose time is before; a naive
        datetime in UTC.
    """
    answers, silent = cells.ask(
        cell_mappings, lambda context: _read_cell(context, since)
    )
    return [
        (uuid, server)
        for uuid, servers in answers.items()
        for server in servers
    ], silent


_COLUMNS = tuple(
    getattr(main_models.Instance, field.name)
    for field in dataclasses.fields(DeletedServer)
)


@main_db.pick_context_manager_reader
def _read_cell(
    context: nova_context.RequestContext, since: datetime.datetime
) -> list[DeletedServer]:
    # NOTE: nova/db/main/models.py has an index of the task state and the time
    # of the last change.  nova/compute/manager.py takes the task state away
    # when the guest is gone, and frees what the server holds afterwards.
    server = main_models.Instance
    rows = (
        context.session.query(*_COLUMNS)
        .filter(
            sa.or_(
                server.task_state == task_states.DELETING,
                sa.and_(
                    server.task_state.is_(None),
                    server.vm_state == vm_states.DELETED,
                ),
            ),
            server.updated_at >= since,
            server.deleted == 0,
            server.host.isnot(None),
            server.node.isnot(None),
        )
        .all()
    )
    return [
        DeletedServer(
            row.uuid, sys.intern(row.host), sys.intern(row.node), *row[3:]
        )
        for row in rows
    ]
