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

"""What records nova has of single servers and hosts, and in which cells."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator

from nova import context as nova_context
from nova import objects
from nova.compute import task_states
from nova.compute import vm_states
from nova.db.api import api as api_db
from nova.db.api import models as api_models
from oslo_log import log as logging

from opie.scheduler import steps
from opie.scheduler import waiting
from opie.scheduler.nova_db import server_states

LOG = logging.getLogger(__name__)

# The instance action that a victim's owner sees before nova's own deletion.
ACTION = 'preempt'

# How long nova may take from asking placement to delete a server's allocations
# to the end of the server's record.
_PATIENCE_SECONDS = 5


@api_db.context_manager.reader
def has_build_request(
    context: nova_context.RequestContext, preemptor: str
) -> bool:
    """Tell whether the owner of a server still waits for its first host."""
    build = api_models.BuildRequest
    query = context.session.query(build.id)
    return query.filter(build.instance_uuid == preemptor).first() is not None


def cell_of(
    context: nova_context.RequestContext, victim: str
) -> objects.CellMapping:
    """Return the cell that a server is in, None while it is in none.

    :raises nova.exception.InstanceMappingNotFound: if nova does not know it.
    """
    mapping = objects.InstanceMapping.get_by_instance_uuid(context, victim)
    return mapping.cell_mapping


def cells_of(
    context: nova_context.RequestContext, victims: Collection[str]
) -> dict[str, objects.CellMapping]:
    """Return uuid to cell of those servers that are in one."""
    if not victims:
        return {}
    mappings = objects.InstanceMappingList.get_by_instance_uuids(
        context, sorted(victims)
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


def may_be_deleting(context: nova_context.RequestContext, victim: str) -> bool:
    """Tell whether nova may have marked a server for deletion, or deleted it.

    When that cannot be seen, it may.
    """
    try:
        state = server_states.states_of(context, [victim]).get(victim)
    except Exception:
        LOG.exception('Cannot see whether %s is being deleted.', victim)
        return True
    return state is None or state[1] == task_states.DELETING


def without_record(victims: Collection[str]) -> set[str]:
    """Return those of some uuids that nova has no record of any more."""
    context = nova_context.get_admin_context()
    there: set[str] = set()
    for cell_context, uuids in by_cell(context, victims):
        there |= server_states.states_of(cell_context, uuids).keys()
    return set(victims) - there


def deleted_servers(
    context: nova_context.RequestContext, uuids: Collection[str]
) -> set[str]:
    """Return those of some uuids that are of servers, and deleted.

    Others may be of migrations, or of nothing that nova knows any more.
    """
    deleted: set[str] = set()
    for cell_context, some in by_cell(context, uuids):
        deleted |= server_states.deleted_of(cell_context, some)
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
        yield from server_states.states_of(cell_context, some).items()


@steps.polling
def wait_until_gone(uuids: set[str]) -> None:
    """Give nova a moment to end deletions.

    A cell that does not answer takes no time from the others.
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
