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

"""Checks what must be true of a cloud on which nothing is under way.

Nova's databases, placement and the hypervisors are compared with one another:
every server holds what its flavor says where it runs, nothing else holds
anything, no provider has given too much, and no preemption is in flight.  All
are read as they are, and not through anything of opie's.
"""

import collections
import contextlib
import io

from nova import context as nova_context
from nova import objects
from nova.cmd import manage
from nova.compute import vm_states

from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names

# NOTE: nova/db/main/api.py knows no migration that is over by another status.
_OVER = frozenset(
    (
        'cancelled',
        'completed',
        'confirmed',
        'done',
        'error',
        'failed',
        'reverted',
    )
)
# Two a second, as long as nova takes.
_CHECKS = 20


def broken(cloud):
    """Return a text for each thing that is not as it must be.

    :param cloud: a :class:`base.CloudTestCase`.  Its requests are over, and
        its reaper has had its turn.
    """
    nova, placement = _Nova(cloud), _Placement(cloud)
    return [
        *_waiting(nova),
        *_wrong_holdings(nova, placement),
        *_orphans(nova, placement),
        *_stray_guests(cloud, nova),
        *over_capacity(cloud),
        *(
            'in flight: %s' % provider['name']
            for provider in placement.providers
            if provider['parent_provider_uuid'] == journal.ROOT_UUID
            and not journal_names.is_of_waste(provider['name'])
        ),
    ]


def assert_sound(cloud):
    """Assert that all is as it must be, and so after nova's own audits.

    nova may just be ending what it has begun, so that is waited for.
    """
    cloud._wait_for_assert(
        lambda: cloud.assertEqual([], broken(cloud)), _CHECKS
    )
    cloud.audit()
    cloud.assertEqual([], [*broken(cloud), *orphans_by_nova(cloud)])


def over_capacity(cloud):
    """Return a text for each provider that has given more than it has.

    This must be true at every moment.
    """
    placement = _Placement(cloud)
    texts = []
    for provider in placement.providers:
        uuid = provider['uuid']
        used = collections.Counter()
        for holdings in placement.held.values():
            used.update(holdings.get(uuid, {}))
        for name, inventory in cloud._get_provider_inventory(uuid).items():
            free = inventory['total'] - inventory['reserved']
            capacity = free * inventory['allocation_ratio']
            if used[name] > capacity:
                texts.append(
                    '%s has given %d of %d %s'
                    % (provider['name'], used[name], capacity, name)
                )
    return texts


def orphans_by_nova(cloud):
    """Return what ``nova-manage placement audit`` has to say."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = manage.PlacementCommands().audit(verbose=True)
    return said.getvalue().splitlines() if status else []


class _Nova:
    """The records in nova's databases.

    :ivar servers: uuid to Instance, of all cells; those deleted are not there.
    :ivar migrations: uuid to Migration that is not over.
    :ivar providers: (host, node) to the uuid of its provider.
    :ivar builds: the uuids of servers that wait for a host.
    """

    def __init__(self, cloud):
        self.servers, self.migrations, self.providers = {}, {}, {}
        context = nova_context.get_admin_context()
        self.builds = {
            build.instance_uuid
            for build in objects.BuildRequestList.get_all(context)
        }
        for cell in objects.CellMappingList.get_all(context):
            with nova_context.target_cell(context, cell) as cell_context:
                self._read_cell(cell_context)

    def _read_cell(self, context):
        for server in objects.InstanceList.get_by_filters(
            context, {'deleted': False}, expected_attrs=['flavor']
        ):
            if server.vm_state != vm_states.DELETED and not server.hidden:
                self.servers[server.uuid] = server
        for migration in objects.MigrationList.get_by_filters(context, {}):
            if migration.status not in _OVER:
                self.migrations[migration.uuid] = migration
        for node in objects.ComputeNodeList.get_all(context):
            self.providers[node.host, node.hypervisor_hostname] = node.uuid


class _Placement:
    """The records in placement.

    :ivar providers: as placement lists them.
    :ivar held: consumer to provider to resource class to amount.
    """

    def __init__(self, cloud):
        self.providers = cloud._get_all_providers()
        self.held = {}
        for provider in self.providers:
            uuid = provider['uuid']
            allocations = cloud._get_allocations_by_provider_uuid(uuid)
            for consumer, item in allocations.items():
                held = self.held.setdefault(consumer, {})
                held[uuid] = item['resources']

    def by_tree(self, consumer):
        """Return root to what a consumer holds on all of the tree."""
        roots = {
            one['uuid']: one['root_provider_uuid'] for one in self.providers
        }
        found = {}
        for uuid, amounts in self.held.get(consumer, {}).items():
            of_tree = found.setdefault(roots[uuid], collections.Counter())
            of_tree.update(amounts)
        return {root: dict(amounts) for root, amounts in found.items()}


def _waiting(nova):
    for uuid in nova.builds:
        yield '%s still waits for a host' % uuid
    for server in nova.servers.values():
        if server.task_state:
            yield '%s is in task state %s' % (server.uuid, server.task_state)


def _wrong_holdings(nova, placement):
    for server in nova.servers.values():
        wanted = _wanted(nova, server)
        held = placement.by_tree(server.uuid)
        if held != wanted:
            yield '%s, %s on %s, holds %s and not %s' % (
                server.uuid,
                server.vm_state,
                server.host,
                held,
                wanted,
            )


def _wanted(nova, server):
    """Return what a server must hold: root to resource class to amount."""
    if not server.host:
        return {}
    flavor = server.flavor
    wanted = {
        'VCPU': flavor.vcpus,
        'MEMORY_MB': flavor.memory_mb,
        'DISK_GB': flavor.root_gb + flavor.ephemeral_gb,
    }
    for name, amount in flavor.extra_specs.items():
        key, _, resource_class = name.partition(':')
        if key == 'resources':
            wanted[resource_class] = int(amount)
        elif key.startswith('resources'):
            before = wanted.get(resource_class, 0)
            wanted[resource_class] = before + int(amount)
    provider = nova.providers[server.host, server.node]
    return {
        provider: {name: amount for name, amount in wanted.items() if amount}
    }


def _orphans(nova, placement):
    for uuid in placement.held.keys() - nova.servers.keys():
        if uuid not in nova.migrations:
            yield '%s is no server and holds %s' % (uuid, placement.held[uuid])


def _stray_guests(cloud, nova):
    """Compare the hypervisors' guests with the records."""
    for host, service in cloud.computes.items():
        guests = set(service.manager.driver.list_instance_uuids())
        here = {
            server.uuid: server.vm_state
            for server in nova.servers.values()
            if server.host == host
        }
        leaving = {
            migration.instance_uuid
            for migration in nova.migrations.values()
            if migration.source_compute == host
        }
        for uuid in guests - here.keys() - leaving:
            yield '%s runs on %s, and nova does not know it' % (uuid, host)
        for uuid in here.keys() - guests:
            if here[uuid] == vm_states.ACTIVE:
                yield '%s does not run on %s' % (uuid, host)
