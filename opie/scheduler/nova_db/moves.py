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

"""Moves of servers that exist, and how far nova has come with each.

nova's conductor asks the scheduler for a host when it unshelves a server that
is offloaded, evacuates it, resizes it or migrates it.  What nova's records say
of the server tells which of these it is, and whether the conductor still waits
for the answer.

NOTE: nova/conductor/manager.py and nova/conductor/tasks.  A server that is
resized or migrated has handed what it held over to its migration before the
scheduler is asked, and nova's claim for it is all that the server itself
holds.  One that is evacuated holds its old place itself, and nova adds the
new one to it.  One that is offloaded holds nothing.
"""

from __future__ import annotations

import dataclasses
import enum
import typing

from nova import context as nova_context
from nova import exception
from nova import objects
from nova.compute import task_states
from nova.compute import vm_states
from nova.db.main import api as main_db
from nova.db.main import models as main_models

from opie.conf import operations
from opie.scheduler.nova_db import instances


@dataclasses.dataclass(frozen=True)
class Move:
    """A move of a server.

    :ivar operation: which of conf/operations.py it is; never a boot.
    :ivar migration: the uuid of nova's migration; None for an unshelving.
    """

    operation: str
    migration: str | None = None

    @property
    def is_held_by_migration(self) -> bool:
        """Whether the migration, not the server, holds the old place."""
        return self.migration is not None and not self.is_evacuation

    @property
    def is_evacuation(self) -> bool:
        """Whether the server holds its old place and its new one itself."""
        return self.operation == operations.EVACUATE


class Progress(enum.Enum):
    """How far nova has come with a move."""

    # The conductor waits for the scheduler's answer, or has died, or has not
    # told the compute yet.
    AWAITED = 'awaited'
    UNDER_WAY = 'under way'
    DONE = 'done'
    # It has failed, or nova has given it up.
    ENDED = 'ended'
    # The server is deleted, or being deleted.
    DELETED = 'deleted'


@dataclasses.dataclass(frozen=True)
class Moving:
    """A server for which the conductor waits.

    :ivar server: an Instance, with its flavor and its system metadata.
    :ivar cell: the mapping of its cell.
    """

    move: Move
    server: objects.Instance
    cell: objects.CellMapping


class _Migrating(typing.NamedTuple):
    """What the conductor has done before it asks for a host."""

    task: str
    type: str
    status: str
    operation: str


_MIGRATING = (
    _Migrating(
        task_states.REBUILDING, 'evacuation', 'accepted', operations.EVACUATE
    ),
    _Migrating(
        task_states.RESIZE_PREP, 'resize', 'pre-migrating', operations.RESIZE
    ),
    _Migrating(
        task_states.RESIZE_PREP,
        'migration',
        'pre-migrating',
        operations.COLD_MIGRATE,
    ),
    _Migrating(
        task_states.MIGRATING,
        'live-migration',
        'accepted',
        operations.LIVE_MIGRATE,
    ),
)
_BY_OPERATION = {one.operation: one for one in _MIGRATING}

_UNDER_WAY = (
    'pre-migrating',
    'migrating',
    'post-migrating',
    'queued',
    'preparing',
    'running',
)
_DONE = (
    'finished',
    'confirming',
    'confirmed',
    'reverting',
    'reverted',
    'completed',
    'done',
)


def find(
    context: nova_context.RequestContext,
    cell: objects.CellMapping,
    uuid: str,
) -> Moving | None:
    """Return the move that the conductor wants a host for.

    :param cell: the cell that the server is in.
    :returns: None if nova's records tell of none that opie knows.
    """
    with nova_context.target_cell(context, cell) as cell_context:
        try:
            server = objects.Instance.get_by_uuid(
                cell_context,
                uuid,
                expected_attrs=['flavor', 'system_metadata'],
            )
        except exception.InstanceNotFound:
            return None
        move = _move_of(cell_context, server)
    return Moving(move, server, cell) if move else None


def _move_of(
    cell_context: nova_context.RequestContext, server: objects.Instance
) -> Move | None:
    if _is_unshelved(server.vm_state, server.task_state):
        return Move(operations.UNSHELVE)
    asked = [one for one in _MIGRATING if one.task == server.task_state]
    if not asked:
        return None
    found = objects.MigrationList.get_by_filters(
        cell_context,
        {
            'instance_uuid': server.uuid,
            'status': [one.status for one in asked],
        },
    )
    # An older one may be stale, of a conductor that has died.
    for migration in sorted(found, key=lambda one: one.id, reverse=True):
        for one in asked:
            said = migration.migration_type, migration.status
            if said == (one.type, one.status):
                return Move(one.operation, migration.uuid)
    return None


def _is_unshelved(vm_state: str, task_state: str | None) -> bool:
    return (
        vm_state == vm_states.SHELVED_OFFLOADED
        and task_state == task_states.UNSHELVING
    )


@dataclasses.dataclass(frozen=True)
class Record:
    """What nova says of a server that is moved.

    :ivar provider: of the host that it is on; None if it is on none.
    :ivar status: of the migration.
    :ivar destination: the host that nova moves it to, once it is known.
    """

    vm_state: str
    task_state: str | None
    provider: str | None
    status: str | None
    destination: str | None

    def progress(self, move: Move) -> Progress:
        """Return how far nova has come."""
        if self.task_state == task_states.DELETING:
            return Progress.DELETED
        if move.migration is None:
            return self._progress_of_unshelving()
        asked = _BY_OPERATION[move.operation]
        if self.status == asked.status and not self._has_destination(move):
            is_waiting = self.task_state == asked.task
            return Progress.AWAITED if is_waiting else Progress.ENDED
        if self.status == asked.status or self.status in _UNDER_WAY:
            return Progress.UNDER_WAY
        return Progress.DONE if self.status in _DONE else Progress.ENDED

    def _has_destination(self, move: Move) -> bool:
        """Tell whether nova has a host for the server.

        NOTE: nova/compute/api.py notes the host that a user asks for as soon
        as an evacuation is accepted.  Its status changes when there is a host.
        """
        return bool(self.destination) and not move.is_evacuation

    def _progress_of_unshelving(self) -> Progress:
        if _is_unshelved(self.vm_state, self.task_state):
            return Progress.AWAITED
        if self.vm_state != vm_states.SHELVED_OFFLOADED:
            return Progress.DONE
        return Progress.UNDER_WAY if self.task_state else Progress.ENDED


def record(
    context: nova_context.RequestContext, uuid: str, move: Move
) -> Record | None:
    """Return what nova says of a server; None if it is deleted."""
    for cell_context, _ in instances.by_cell(context, [uuid]):
        return _record(cell_context, uuid, move)
    return None


@main_db.pick_context_manager_reader
def _record(
    cell_context: nova_context.RequestContext, uuid: str, move: Move
) -> Record | None:
    server, node = main_models.Instance, main_models.ComputeNode
    migration = main_models.Migration
    row = (
        cell_context.session.query(
            server.vm_state,
            server.task_state,
            node.uuid.label('provider'),
            migration.status,
            migration.dest_compute,
        )
        .outerjoin(node, instances.is_on_node())
        .outerjoin(migration, migration.uuid == move.migration)
        .filter(server.deleted == 0, server.uuid == uuid)
        .first()
    )
    return Record(*row) if row else None


def progress(
    context: nova_context.RequestContext, uuid: str, move: Move
) -> Progress:
    """Return how far nova has come with the move of a server."""
    found = record(context, uuid, move)
    return found.progress(move) if found else Progress.DELETED
