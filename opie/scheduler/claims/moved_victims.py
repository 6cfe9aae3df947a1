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


"""Who holds a victim's place on its host while its owner moves it.

NOTE: nova/conductor/tasks/migrate.py hands what a server holds over to its
migration, journal and all, and lets the server hold its place on the other
host.  A server that has nothing left on its host is an exception: nova finds
nothing to hand over, and the server holds both.  Then this tells whom nova
would have expected to hold it.
"""

import dataclasses

from nova import context as nova_context
from nova.compute import task_states
from nova.compute import vm_states
from nova.db.main import api as main_db
from nova.db.main import models as main_models
import sqlalchemy as sa

from opie.scheduler.nova_db import instances

# In these, nova has handed over what the server held, and looks at the
# migration's allocations when it is over.
_HANDED_OVER = (
    'finished',
    'migrating',
    'post-migrating',
    'preparing',
    'queued',
    'running',
)
# And in these it is just about to, or to end it.
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
    """nova is just changing who holds it."""


@dataclasses.dataclass(frozen=True)
class Place:
    """What is to become of what a server held on a host.

    :ivar holder: the uuid of who is to hold it, None for nobody.
    :ivar strays: uuids of other hosts' providers, where the server holds what
        it is not to hold: nova forgets it when a move is reverted.
    """

    holder: str | None
    strays: frozenset = frozenset()


@dataclasses.dataclass(frozen=True)
class _Server:
    """Where a server is, and the migration that it is in, if any.

    :ivar is_idle: whether nothing at all is done to it.
    """

    provider: str | None
    is_idle: bool
    migration: str | None = None
    source: str | None = None
    status: str | None = None

    def place(self, uuid, host, nodes):
        """Return the :class:`Place` of what it held on a host.

        :param nodes: the providers of hosts where it holds anything.
        """
        if self.source == host and self.status in _CHANGING:
            raise Changing('%s is being moved' % uuid)
        if self.source == host:
            return Place(self.migration)
        if self.provider != host:
            return Place(None)
        return Place(uuid, nodes - {host} if self.is_idle else frozenset())


def places(servers):
    """Return uuid to :class:`Place` of servers that have nothing on a host.

    :param servers: uuid to (the host's provider, other providers where it
        holds something); those that are not nova's hold for themselves.
    :raises Changing: if nova is just changing who holds it.
    """
    found = {uuid: Place(uuid) for uuid in servers}
    if not servers:
        return found
    context = nova_context.get_admin_context()
    for cell_context, uuids in instances.by_cell(context, servers):
        for uuid, server in _servers(cell_context, uuids).items():
            host, others = servers[uuid]
            nodes = _nodes_among(cell_context, others)
            found[uuid] = server.place(uuid, host, nodes)
    return found


@main_db.pick_context_manager_reader
def _nodes_among(context, providers):
    node = main_models.ComputeNode
    query = context.session.query(node.uuid).filter(node.uuid.in_(providers))
    return frozenset(row.uuid for row in query)


@main_db.pick_context_manager_reader
def _servers(context, uuids):
    server, node = main_models.Instance, main_models.ComputeNode
    rows = (
        context.session.query(
            server.uuid, server.vm_state, server.task_state, node.uuid
        )
        .outerjoin(
            node,
            sa.and_(
                node.deleted == 0,
                node.host == server.host,
                node.hypervisor_hostname == server.node,
            ),
        )
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


def _migrations(context, uuids):
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
        # Of several, stale ones perhaps, the last one counts.
        .order_by(migration.id)
    )
    return {uuid: tuple(others) for uuid, *others in rows}
