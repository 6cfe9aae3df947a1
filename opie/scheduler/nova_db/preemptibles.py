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

"""Which servers on which hosts are preemptible, read from nova's databases.

All are column queries, because an Instance object costs twenty times as much.
How marks are read is in opie/scheduler/nova_db/marks.py.
"""

from collections.abc import Collection
from collections.abc import Sequence
import dataclasses
import datetime
import sys
import typing

from nova import context as nova_context
from nova.compute import task_states
from nova.compute import vm_states
from nova.db.main import models as main_models
import sqlalchemy as sa

from opie.scheduler.nova_db import first_launches
from opie.scheduler.nova_db import marks
from opie.scheduler.nova_db import own_deletions

# NOTE: as nova/compute/stats.py counts the I/O workload of a host.
_IO_TASK_STATES = (
    task_states.RESIZE_MIGRATING,
    task_states.REBUILDING,
    task_states.RESIZE_PREP,
    task_states.IMAGE_SNAPSHOT,
    task_states.IMAGE_BACKUP,
    task_states.RESCUING,
    task_states.UNSHELVING,
)


# A row of the columns of PreemptibleServer, and of what marks could be.
Row = typing.Any


@dataclasses.dataclass(frozen=True, slots=True)
class PreemptibleServer:
    """A preemptible server as its cell's database has it.

    Sizes are those of its flavor: MiB of memory, GiB of disk.

    :ivar launched_at: in seconds since the epoch; None for a server that was
        never launched.
    :ivar protected_since: from when on the time of its protection counts, in
        seconds since the epoch; None while the server is being built.  See
        :func:`first_launches.protected_since`.
    :ivar why_user_bound: why only its user can delete all of it, None if an
        eviction can, or if it was not asked; see user_bound.py.
    :ivar flavor_id: of its flavor, if nothing but nova's copy of that makes it
        preemptible; None otherwise.
    :ivar asked_to_delete_at: when opie has asked nova to delete it, in seconds
        since the epoch, of a server that is being deleted or in ERROR; None
        for all others.
    """

    uuid: str
    project_id: str
    host: str
    node: str
    vm_state: str
    task_state: str | None
    launched_at: float | None
    locked_by: str | None
    disable_terminate: bool
    memory_mb: int
    vcpus: int
    root_gb: int
    ephemeral_gb: int
    protected_since: float | None = None
    flavor_id: str | None = None
    asked_to_delete_at: float | None = None
    why_user_bound: str | None = None

    @property
    def is_undeletable(self) -> bool:
        """Whether nova has failed to delete it for a preemption.

        NOTE: nova/compute/manager.py sets ERROR when a deletion fails.
        """
        return (
            self.asked_to_delete_at is not None
            and self.vm_state == vm_states.ERROR
            and self.task_state is None
        )

    @property
    def has_io_workload(self) -> bool:
        """Whether the server counts in its host's I/O workload."""
        return (
            self.vm_state == vm_states.BUILDING
            or self.task_state in _IO_TASK_STATES
        )


def rows_on_hosts(
    cell_context: nova_context.RequestContext,
    hosts: Collection[str] | None = None,
) -> list[Row]:
    """Return all servers of a cell, for :func:`only_preemptible`.

    :param cell_context: a context targeted at the cell.
    :param hosts: names of hosts, None for all of the cell.
    """
    server = main_models.Instance
    if hosts is None:
        return _rows(
            cell_context, server.deleted == 0, server.host.isnot(None)
        )
    return [
        row
        for batch in marks.batches(sorted(hosts))
        for row in _rows(
            cell_context, server.deleted == 0, server.host.in_(batch)
        )
    ]


def rows_changed_since(
    cell_context: nova_context.RequestContext, moment: datetime.datetime
) -> list[Row]:
    """Return the servers that changed, for :func:`only_preemptible`.

    Servers that are gone or have left their host are among them; see
    :func:`is_there`.

    :param cell_context: a context targeted at the cell.
    :param moment: a naive datetime in UTC.
    """
    return _rows(cell_context, main_models.Instance.updated_at >= moment)


def rows_of(
    cell_context: nova_context.RequestContext, uuids: Collection[str]
) -> list[Row]:
    """Return the servers with some uuids that have not been deleted.

    :param cell_context: a context targeted at their cell.
    """
    server = main_models.Instance
    return _rows(cell_context, server.deleted == 0, server.uuid.in_(uuids))


def is_there(row: Row) -> bool:
    """Tell whether a server is on its host and has not been deleted."""
    return (
        row.deleted == 0
        and row.host is not None
        and row.vm_state != vm_states.DELETED
    )


def only_preemptible(
    rows: Sequence[Row],
    hints: marks.HintCache,
    api_context: nova_context.RequestContext,
) -> dict[str, PreemptibleServer]:
    """Return the preemptible servers among rows of any cells, by uuid.

    :param api_context: a context for the API database.
    """
    marked = hints.marked(api_context, [row.uuid for row in rows])
    # By uuid, because nothing keeps nova from having a mark twice.
    found: dict[str, PreemptibleServer] = {}
    for row in rows:
        if row.uuid in marked or marks.has_metadata_mark(row):
            found[row.uuid] = _server_of(row, None)
            continue
        flavor_id = marks.marked_flavor_of(row)
        if flavor_id is not None:
            found.setdefault(row.uuid, _server_of(row, flavor_id))
    return found


# Those that a row has a column of.
_FIELDS = tuple(
    field.name
    for field in dataclasses.fields(PreemptibleServer)
    if field.name
    not in (
        'protected_since',
        'flavor_id',
        'asked_to_delete_at',
        'why_user_bound',
    )
)
_COLUMNS = tuple(getattr(main_models.Instance, name) for name in _FIELDS)
_SHARED_TEXTS = frozenset(
    ('project_id', 'host', 'node', 'vm_state', 'task_state', 'locked_by')
)


def _server_of(row, flavor_id):
    """Return the value of a row; texts that many rows have are kept once."""
    values = {}
    for name in _FIELDS:
        value = getattr(row, name)
        if name in _SHARED_TEXTS and value is not None:
            value = sys.intern(value)
        values[name] = value
    if row.launched_at is not None:
        values['launched_at'] = first_launches.epoch(row.launched_at)
    values['protected_since'] = first_launches.protected_since(row)
    if flavor_id is not None:
        values['flavor_id'] = sys.intern(flavor_id)
    values['asked_to_delete_at'] = own_deletions.asked_at(row)
    return PreemptibleServer(**values)


def _rows(context, *conditions):
    server = main_models.Instance
    return marks.read_servers(
        context,
        (
            *_COLUMNS,
            server.deleted,
            *first_launches.columns(),
            own_deletions.column(),
        ),
        # NOTE: while a server is resized to another cell, nova has a second
        # record of it there, or here, that is hidden from users.
        sa.or_(server.hidden == sa.false(), server.hidden.is_(None)),
        *conditions,
    )
