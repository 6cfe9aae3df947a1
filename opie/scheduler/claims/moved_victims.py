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

"""Which consumer gets back what was taken from a victim that is being moved.

NOTE: nova/conductor/tasks/migrate.py hands what a server holds over to its
migration, entries of the journal as well, and then lets the server hold its
new place.  A server that has nothing left on its host is an exception: nova
finds nothing to hand over, and the entries stay with the server.  Then this
module tells which consumer would hold the old place if nothing was taken.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses

from nova import context as nova_context
from nova.compute import task_states
from nova.compute import vm_states
from nova.db.main import api as main_db
from nova.db.main import models as main_models
import sqlalchemy as sa

from opie.scheduler.nova_db import instances

# States of a migration that is to hold the old place: nova reads what the
# migration holds when the move ends.
_HANDED_OVER = (
    'finished',
    'migrating',
    'post-migrating',
    'preparing',
    'queued',
    'running',
)
# States in which nova is about to hand over, or is ending the move.
_CHANGING = ('accepted', 'pre-migrating', 'confirming', 'reverting')
_TASKS = (
    task_states.MIGRATING,
    task_states.RESIZE_CONFIRMING,
    task_states.RESIZE_FINISH,
    task_states.RESIZE_MIGRATED,
    task_states.RESIZE_MIGRATING,
    task_states.RESIZE_PREP,
    task_states.RESIZE_REVERTING,
)
_TYPES = ('live-migration', 'migration', 'resize')


class Changing(Exception):
    """nova is just changing which consumer holds a place."""


@dataclasses.dataclass(frozen=True)
class Place:
    """What is to become of what a server held on a host.

    :ivar holder: the uuid of the consumer that is to hold it; None if the
        server has left the host for good.
    :ivar strays: uuids of other hosts' providers, where the server holds what
        it is not to hold: nova forgets it when a move is reverted.
    """

    holder: str | None
    strays: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class _Server:
    """Where a server is, and the migration that it is in, if any.

    :ivar provider: of the host where it is.
    :ivar is_idle: whether nova does nothing at all to it.
    :ivar source: provider of the host from which it is being moved.
    :ivar status: of its migration.
    """

    provider: str | None
    is_idle: bool
    migration: str | None = None
    source: str | None = None
    status: str | None = None

    def place(self, uuid: str, provider: str, hosts: frozenset[str]) -> Place:
        """Return what is to become of what the server held on a host.

        :param provider: of that host.
        :param hosts: providers of all hosts where the server holds anything.
        :raises Changing: if nova is just changing which consumer holds it.
        """
        if self.source == provider and self.status in _CHANGING:
            raise Changing('%s is being moved' % uuid)
        if self.source == provider:
            return Place(self.migration)
        if self.provider != provider:
            return Place(None)
        return Place(uuid, hosts - {provider} if self.is_idle else frozenset())


def places(
    servers: Mapping[str, tuple[str, Collection[str]]],
) -> dict[str, Place]:
    """Return uuid to :class:`Place` of servers with nothing left on a host.

    :param servers: uuid to (the host's provider, other providers where it
        holds something).  A consumer that is no server of nova's is to hold
        its place itself.
    :raises Changing: if nova is just changing which consumer holds one.
    """
    found = {uuid: Place(uuid) for uuid in servers}
    if not servers:
        return found
    context = nova_context.get_admin_context()
    for cell_context, uuids in instances.by_cell(context, servers):
        for uuid, server in _servers(cell_context, uuids).items():
            provider, others = servers[uuid]
            hosts = _hosts_among(cell_context, others)
            found[uuid] = server.place(uuid, provider, hosts)
    return found


@main_db.pick_context_manager_reader
def _hosts_among(
    context: nova_context.RequestContext, providers: Iterable[str]
) -> frozenset[str]:
    """Return those of some providers that are compute nodes."""
    node = main_models.ComputeNode
    query = context.session.query(node.uuid).filter(node.uuid.in_(providers))
    return frozenset(row.uuid for row in query)


@main_db.pick_context_manager_reader
def _servers(
    context: nova_context.RequestContext, uuids: Iterable[str]
) -> dict[str, _Server]:
    """Return uuid to :class:`_Server` of a cell's servers."""
    server, node = main_models.Instance, main_models.ComputeNode
    rows = (
        context.session.query(
            server.uuid, server.vm_state, server.task_state, node.uuid
        )
        .outerjoin(node, instances.is_on_node())
        .filter(server.deleted == 0, server.uuid.in_(uuids))
        .all()
    )
    moving = {
        uuid
        for uuid, vm_state, task_state, _ in rows
        if vm_state == vm_states.RESIZED or task_state in _TASKS
    }
    migrations = _migrations(context, moving)
    return {
        uuid: _Server(
            provider,
            task_state is None and uuid not in moving,
            *migrations.get(uuid, ()),
        )
        for uuid, _, task_state, provider in rows
    }


def _migrations(
    context: nova_context.RequestContext, uuids: Iterable[str]
) -> dict[str, tuple[str, str, str]]:
    """Return server to (uuid, source's provider, status) of its migration."""
    migration, node = main_models.Migration, main_models.ComputeNode
    rows = (
        context.session.query(
            migration.instance_uuid,
            migration.uuid,
            node.uuid,
            migration.status,
        )
        .join(
            node,
            sa.and_(
                node.deleted == 0,
                node.host == migration.source_compute,
                node.hypervisor_hostname == migration.source_node,
            ),
        )
        .filter(
            migration.deleted == 0,
            migration.instance_uuid.in_(uuids),
            migration.migration_type.in_(_TYPES),
            migration.status.in_(_HANDED_OVER + _CHANGING),
        )
        # Of several the last one counts; the others are stale.
        .order_by(migration.id)
    )
    return {uuid: tuple(others) for uuid, *others in rows}
