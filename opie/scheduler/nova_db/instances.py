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

"""What records nova has of single servers and hosts, and in which cells.

A function that takes a ``cell_context`` reads the cell that the context is
targeted at.  The others find the cells.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
import typing

from nova import context as nova_context
from nova import objects
from nova.compute import task_states
from nova.compute import vm_states
from nova.db.api import api as api_db
from nova.db.api import models as api_models
from nova.db.main import api as main_db
from nova.db.main import models as main_models
from oslo_log import log as logging
import sqlalchemy as sa

from opie.scheduler import steps
from opie.scheduler import waiting

LOG = logging.getLogger(__name__)

# The instance action that a victim's owner sees before nova's own deletion.
ACTION = 'preempt'

# How long nova may take from asking placement to delete a server's allocations
# to the end of the server's record.
_PATIENCE_SECONDS = 5

# NOTE: as nova/db/main/api.py lists them for
# MigrationList.get_in_progress_by_instance.
_MIGRATION_IN_PROGRESS = ('queued', 'preparing', 'running', 'post-migrating')
# NOTE: as nova/compute/api.py looks for a resize to confirm.
_MIGRATION_UNCONFIRMED = ('finished', 'confirming')


@api_db.context_manager.reader
def has_build_request(
    context: nova_context.RequestContext, preemptor: str
) -> bool:
    """Tell whether a preemptor still waits for its first host."""
    build = api_models.BuildRequest
    query = context.session.query(build.id)
    return query.filter(build.instance_uuid == preemptor).first() is not None


def cell_of(
    context: nova_context.RequestContext, server: str
) -> objects.CellMapping | None:
    """Return the cell that a server is in, None while it is in none.

    :raises nova.exception.InstanceMappingNotFound: if nova does not know it.
    """
    mapping = objects.InstanceMapping.get_by_instance_uuid(context, server)
    return mapping.cell_mapping


def cells_of(
    context: nova_context.RequestContext, servers: Collection[str]
) -> dict[str, objects.CellMapping]:
    """Return uuid to cell, of those of some servers that are in one."""
    if not servers:
        return {}
    mappings = objects.InstanceMappingList.get_by_instance_uuids(
        context, sorted(servers)
    )
    return {
        mapping.instance_uuid: mapping.cell_mapping
        for mapping in mappings
        if mapping.cell_mapping
    }


def cell_of_host(
    context: nova_context.RequestContext, host: str
) -> objects.CellMapping:
    """Return the cell that a host is in.

    :raises nova.exception.HostMappingNotFound: if the host is in none.
    """
    return objects.HostMapping.get_by_host(context, host).cell_mapping


def may_be_deleting(context: nova_context.RequestContext, server: str) -> bool:
    """Tell whether nova may have marked a server for deletion, or deleted it.

    When that cannot be seen, it may.
    """
    try:
        state = states_of(context, [server]).get(server)
    except Exception:
        LOG.exception('Cannot see whether %s is being deleted.', server)
        return True
    return state is None or state[1] == task_states.DELETING


def without_record(uuids: Collection[str]) -> set[str]:
    """Return those of some servers that nova has no record of any more."""
    context = nova_context.get_admin_context()
    there: set[str] = set()
    for cell_context, some in by_cell(context, uuids):
        there |= states_of(cell_context, some).keys()
    return set(uuids) - there


def deleted_servers(
    context: nova_context.RequestContext, uuids: Collection[str]
) -> set[str]:
    """Return those of some uuids that are of servers, and deleted.

    Others may be of migrations, or of nothing that nova knows any more.
    """
    deleted: set[str] = set()
    for cell_context, some in by_cell(context, uuids):
        deleted |= deleted_of(cell_context, some)
    return deleted


def being_deleted(
    context: nova_context.RequestContext, uuids: Collection[str]
) -> set[str]:
    """Return those of some servers that nova is deleting, however long."""
    return {
        uuid
        for uuid, (vm_state, task_state) in _states(context, uuids)
        if task_state == task_states.DELETING or vm_state == vm_states.DELETED
    }


def ending(
    context: nova_context.RequestContext, uuids: Collection[str]
) -> set[str]:
    """Return those of some servers that will be gone in a moment.

    NOTE: nova/compute/manager.py gives a server this state, removes its
    allocations, and ends its record, in this order.
    """
    return {
        uuid
        for uuid, (vm_state, _) in _states(context, uuids)
        if vm_state == vm_states.DELETED
    }


def _states(
    context: nova_context.RequestContext, uuids: Collection[str]
) -> Iterator[tuple[str, tuple[str, str | None]]]:
    """Yield (uuid, (vm_state, task_state)) of servers that have a record."""
    for cell_context, some in by_cell(context, uuids):
        yield from states_of(cell_context, some).items()


@steps.polling
def wait_until_gone(uuids: set[str]) -> None:
    """Give nova a moment to end deletions.

    If a cell cannot be asked, the whole time is waited without asking again,
    because the other cells end their deletions meanwhile.
    """
    patience = waiting.Deadline.after(_PATIENCE_SECONDS)
    for _ in waiting.tries(waiting.FOR_RECORDS, patience):
        try:
            gone = without_record(uuids)
        except Exception:
            LOG.exception('Cannot see which deletions have ended.')
            patience.sleep()
            return
        if gone >= uuids:
            return


def by_cell(
    context: nova_context.RequestContext, uuids: Collection[str]
) -> Iterator[tuple[nova_context.RequestContext, list[str]]]:
    """Yield (context targeted at a cell, those of some servers there)."""
    found: dict[str, tuple[objects.CellMapping, list[str]]] = {}
    for uuid, cell in cells_of(context, uuids).items():
        found.setdefault(cell.uuid, (cell, []))[1].append(uuid)
    for cell, some in found.values():
        with nova_context.target_cell(context, cell) as cell_context:
            yield cell_context, some


def is_on_node() -> typing.Any:
    """Return the condition that joins a server with its compute node."""
    server, node = main_models.Instance, main_models.ComputeNode
    return sa.and_(
        node.deleted == 0,
        node.host == server.host,
        node.hypervisor_hostname == server.node,
    )


@main_db.pick_context_manager_reader
def states_of(
    cell_context: nova_context.RequestContext, uuids: Collection[str]
) -> dict[str, tuple[str, str | None]]:
    """Return uuid to (vm_state, task_state) of the servers not yet gone."""
    columns = main_models.Instance
    query = cell_context.session.query(
        columns.uuid, columns.vm_state, columns.task_state
    ).filter(columns.uuid.in_(uuids), columns.deleted == 0)
    return {row.uuid: (row.vm_state, row.task_state) for row in query}


@main_db.pick_context_manager_reader
def deleted_of(
    cell_context: nova_context.RequestContext, uuids: Collection[str]
) -> set[str]:
    """Return those of some uuids whose servers have been deleted."""
    server = main_models.Instance
    query = cell_context.session.query(server.uuid).filter(
        server.uuid.in_(uuids), server.deleted != 0
    )
    return {row.uuid for row in query}


@main_db.pick_context_manager_reader
def in_migration(
    cell_context: nova_context.RequestContext,
    uuids: Collection[str] | None = None,
) -> set[str]:
    """Return the uuids of servers with a migration in progress.

    The migration may be a stale one, of a server whose state was reset.

    :param uuids: servers to ask about, None for all of the cell.
    """
    migration = main_models.Migration
    query = cell_context.session.query(migration.instance_uuid).filter(
        migration.deleted == 0, migration.status.in_(_MIGRATION_IN_PROGRESS)
    )
    if uuids is not None:
        query = query.filter(migration.instance_uuid.in_(uuids))
    return {row.instance_uuid for row in query}


@main_db.pick_context_manager_reader
def resized_from(
    cell_context: nova_context.RequestContext, uuid: str
) -> set[str]:
    """Return the hosts that a server's unconfirmed resizes came from."""
    migration = main_models.Migration
    query = cell_context.session.query(migration.source_compute).filter(
        migration.deleted == 0,
        migration.instance_uuid == uuid,
        migration.status.in_(_MIGRATION_UNCONFIRMED),
    )
    return {row.source_compute for row in query}
