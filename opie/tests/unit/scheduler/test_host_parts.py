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

"""What is left of a host's NUMA cells and PCI devices without some servers."""

import copy

from nova import objects
from nova.pci import stats as pci_stats
from oslo_utils.fixture import uuidsentinel as uuids
import testtools

from opie.scheduler import host_parts
from opie.scheduler import host_state
from opie.tests.unit.planning import test_protection
from opie.tests.unit.preemption import builders

objects.register_all()

_GPU = {
    'vendor_id': '10de',
    'product_id': '20b0',
    'dev_type': 'type-PCI',
    'numa_node': 0,
}
_VF = {**_GPU, 'dev_type': 'type-VF'}
_PF = {**_GPU, 'dev_type': 'type-PF'}


def _cell(number, pinned=(), pages_used=0, memory_usage=0):
    cpus = set(range(4 * number, 4 * number + 4))
    return objects.NUMACell(
        id=number,
        cpuset=set(),
        pcpuset=cpus,
        cpu_usage=0,
        memory=4096,
        memory_usage=memory_usage,
        pinned_cpus=set(pinned),
        siblings=[{cpu} for cpu in cpus],
        mempages=[
            objects.NUMAPagesTopology(
                size_kb=2048, total=1024, used=pages_used, reserved=0
            )
        ],
        socket=0,
    )


def _topology(cell, *pinned, memory=512, pagesize=2048):
    """Return what a server takes of one cell of its host."""
    return objects.InstanceNUMATopology(
        cells=[
            objects.InstanceNUMACell(
                id=cell,
                cpuset=set(),
                pcpuset=set(range(len(pinned))),
                memory=memory,
                pagesize=pagesize,
                cpu_policy='dedicated',
                cpu_pinning=dict(enumerate(pinned)),
            )
        ]
    )


def _asked(cpus=4):
    """Return the NUMA topology that a request asks for."""
    return objects.InstanceNUMATopology(
        cells=[
            objects.InstanceNUMACell(
                id=0,
                cpuset=set(),
                pcpuset=set(range(cpus)),
                memory=512,
                pagesize=2048,
                cpu_policy='dedicated',
                cpu_pinning={},
            )
        ]
    )


def _device(server, address='0000:81:00.0', parent=None, tags=(), **kind):
    return host_parts.Device(
        server, address, parent, **{**_GPU, **kind}, tags=tags
    )


def _stats(*pools):
    stats = pci_stats.PciDeviceStats(None, dev_filter=object())
    stats.pools = [dict(pool) for pool in pools]
    return stats


def _spec(topology=None, devices=0, **spec):
    return objects.RequestSpec(
        flavor=objects.Flavor(
            root_gb=1, ephemeral_gb=0, memory_mb=512, vcpus=4, extra_specs={}
        ),
        numa_topology=topology,
        pci_requests=devices
        and objects.InstancePCIRequests(
            requests=[
                objects.InstancePCIRequest(
                    count=devices,
                    alias_name='gpu',
                    request_id='request',
                    spec=[{'vendor_id': '10de', 'product_id': '20b0', **spec}],
                )
            ]
        )
        or None,
    )


class StateCase(testtools.TestCase):
    """A host whose two NUMA cells and GPUs preemptible servers have."""

    def setUp(self):
        super().setUp()
        self.state = host_state.HostState('host', 'node', 'cell')
        self.state.cpu_allocation_ratio = 1.0
        self.state.ram_allocation_ratio = 1.0
        self.state.numa_topology = objects.NUMATopology(
            cells=[
                _cell(0, (0, 1, 2, 3), 512, 1024),
                _cell(1, (4, 5), 256, 512),
            ]
        )
        self.state.pci_stats = _stats(
            {**_GPU, 'address': '0000:81:00.0', 'count': 0}
        )
        self.state.preemptibles = tuple(
            test_protection.server(uuid=uuid) for uuid in ('a', 'b', 'c')
        )
        self.state.parts = host_parts.HostParts(
            {
                'a': _topology(0, 0, 1),
                'b': _topology(0, 2, 3),
                'c': _topology(1, 4, 5),
            },
            [_device('a'), _device('b', '0000:82:00.0')],
        )
        self.before = copy.deepcopy(
            (self.state.numa_topology, self.state.pci_stats.pools)
        )

    def assertUnchanged(self):
        topology, pools = self.before
        self.assertEqual(
            [cell.pinned_cpus for cell in topology.cells],
            [cell.pinned_cpus for cell in self.state.numa_topology.cells],
        )
        self.assertEqual(
            [cell.mempages[0].used for cell in topology.cells],
            [cell.mempages[0].used for cell in self.state.numa_topology.cells],
        )
        self.assertEqual(pools, self.state.pci_stats.pools)

    def pinned(self, state):
        return [set(cell.pinned_cpus) for cell in state.numa_topology.cells]

    def pages(self, state):
        return [cell.mempages[0].used for cell in state.numa_topology.cells]


class WithoutTest(StateCase):
    def test_exactly_what_the_victims_have_is_free(self):
        state = self.state.without(['b'])
        self.assertEqual([{0, 1}, {4, 5}], self.pinned(state))
        self.assertEqual([256, 256], self.pages(state))
        self.assertEqual(512, state.numa_topology.cells[0].memory_usage)
        self.assertEqual(
            [0, 1], [pool['count'] for pool in state.pci_stats.pools]
        )
        self.assertUnchanged()

    def test_a_copy_of_a_copy_frees_the_rest(self):
        state = self.state.without(['b']).without(['a', 'b'])
        self.assertEqual([set(), {4, 5}], self.pinned(state))
        self.assertEqual([0, 256], self.pages(state))
        self.assertEqual(
            [1, 1], [pool['count'] for pool in state.pci_stats.pools]
        )
        self.assertUnchanged()

    def test_a_leaving_server_frees_its_own(self):
        leaving = test_protection.server(uuid='c')
        self.state.preemptibles = ()
        state = self.state.without(['c'], [leaving])
        self.assertEqual([{0, 1, 2, 3}, set()], self.pinned(state))
        self.assertUnchanged()

    def test_what_was_not_read_stays_taken(self):
        self.state.parts = None
        state = self.state.without(['a', 'b', 'c'])
        self.assertIs(self.state.numa_topology, state.numa_topology)
        self.assertIs(self.state.pci_stats, state.pci_stats)

    def test_cpus_that_are_free_already_are_freed_once(self):
        """nova's record of the host is newer than the server's."""
        self.state.numa_topology.cells[1].pinned_cpus = set()
        state = self.state.without(['a', 'c'])
        self.assertEqual([{2, 3}, set()], self.pinned(state))

    def test_cells_that_are_not_known_may_all_be_free(self):
        self.state.parts = host_parts.HostParts(None)
        state = self.state.without(['c'])
        self.assertEqual([set(), set()], self.pinned(state))
        self.assertEqual([0, 0], self.pages(state))
        self.assertIs(
            self.state.numa_topology, self.state.without(()).numa_topology
        )
        self.assertUnchanged()

    def test_a_host_that_tells_of_neither_has_neither(self):
        self.state.numa_topology = self.state.pci_stats = None
        state = self.state.without(['a'])
        self.assertEqual((None, None), (state.numa_topology, state.pci_stats))


class CountTest(StateCase):
    def test_a_preemptor_takes_the_cell_and_the_device_of_its_victims(self):
        spec = _spec(_asked(), 1)
        state = self.state.without(['a', 'b'])
        copied = copy.copy(state)
        copied.add('preemptor', spec, {})
        self.assertEqual([{0, 1, 2, 3}, {4, 5}], self.pinned(copied))
        self.assertEqual([256, 256], self.pages(copied))
        self.assertEqual(1, sum(one['count'] for one in copied.pci_stats))
        self.assertEqual(state.num_instances + 1, copied.num_instances)
        self.assertEqual(state.vcpus_used + 4, copied.vcpus_used)
        # Nothing that others read has changed.
        self.assertEqual([set(), {4, 5}], self.pinned(state))
        self.assertEqual(2, sum(one['count'] for one in state.pci_stats))
        self.assertEqual({}, spec.numa_topology.cells[0].cpu_pinning)
        self.assertUnchanged()

    def test_the_second_preemptor_takes_another_cell(self):
        spec, state = _spec(_asked()), self.state.without(['a', 'b', 'c'])
        for preemptor in ('one', 'two'):
            state.add(preemptor, spec, {})
        self.assertEqual([{0, 1, 2, 3}, {4, 5, 6, 7}], self.pinned(state))

    def test_a_preemptor_takes_the_device_that_placement_gives_it(self):
        self.state.pci_stats = _stats(
            *(
                {**_GPU, 'address': name, 'rp_uuid': uuid, 'count': 1}
                for name, uuid in (('1', uuids.ONE), ('2', uuids.TWO))
            )
        )
        spec = _spec(None, 1)
        spec.requested_resources = [
            objects.RequestGroup(requester_id='request-0')
        ]
        for mappings, left in (
            ({'request-0': [uuids.TWO]}, ['1']),
            # Of a pending preemptor it is not known.
            (None, ['2']),
        ):
            state = self.state.without(())
            state.count(spec, mappings)
            self.assertEqual(left, [one['address'] for one in state.pci_stats])

    @staticmethod
    def _too_much():
        return (
            ('its cell is in use', _spec(_asked())),
            ('its devices are in use', _spec(None, 3)),
            ('of both one is in use', _spec(_asked(2), 3)),
        )

    def test_one_that_waits_for_others_counts_and_takes_no_part(self):
        for why, spec in self._too_much():
            state = self.state.without(())
            state.count(spec)
            self.assertEqual(self.pinned(self.state), self.pinned(state), why)
            self.assertEqual(0, sum(one['count'] for one in state.pci_stats))
            self.assertEqual((4, 1), (state.vcpus_used, state.num_instances))
            self.assertEqual(1, state.num_io_ops, why)
        self.assertUnchanged()


class DevicesOfTest(testtools.TestCase):
    """A saved RequestSpec does not say which providers serve it."""

    def of(self, spec, units):
        copied = host_parts.with_devices_of(spec, units)
        (request,) = copied.pci_requests.requests
        return request.spec

    def test_they_are_told(self):
        spec = _spec(devices=2)
        (item,) = self.of(spec, {'a': 1, 'b': 1})
        self.assertEqual('a,b', item['rp_uuids'])
        (request,) = spec.pci_requests.requests
        self.assertNotIn('rp_uuids', request.spec[0])

    def test_several_devices_of_one_provider_are_told_one_by_one(self):
        (item,) = self.of(_spec(devices=3), {'a': 2, 'b': 1})
        self.assertEqual('a,a,b', item['rp_uuids'])

    def test_bandwidth_beside_a_device_is_not_told_unit_by_unit(self):
        (item,) = self.of(_spec(devices=1), {'nic': 10_000_000, 'a': 1})
        self.assertEqual('nic,a', item['rp_uuids'])

    def test_placement_may_have_none(self):
        spec = _spec(devices=1)
        for units in (None, {}):
            self.assertIs(spec, host_parts.with_devices_of(spec, units))

    def test_a_server_may_ask_for_none(self):
        spec = _spec()
        self.assertIs(spec, host_parts.with_devices_of(spec, {'a': 1}))


@builders.scenarios(
    {
        'a device goes back to its pool': (
            [{**_GPU, 'address': '0000:81:00.0', 'a': 'b', 'count': 1}],
            [_device('victim')],
            [{**_GPU, 'address': '0000:81:00.0', 'a': 'b', 'count': 2}],
        ),
        'one of another kind has a pool of its own': (
            [{**_GPU, 'address': '0000:81:00.0', 'count': 1}],
            [_device('victim', product_id='1515')],
            [
                {**_GPU, 'address': '0000:81:00.0', 'count': 1},
                {
                    **_GPU,
                    'product_id': '1515',
                    'address': '0000:81:00.0',
                    'count': 1,
                },
            ],
        ),
        'an empty pool is there again with what is known': (
            [],
            [_device('victim', tags=(('physical_network', 'one'),))],
            [
                {
                    **_GPU,
                    'address': '0000:81:00.0',
                    'physical_network': 'one',
                    'count': 1,
                }
            ],
        ),
        'virtual functions are in the pool of their card': (
            [{**_VF, 'address': 'card', 'a': 'b', 'count': 1}],
            [
                _device('victim', '1', 'card', **_VF),
                _device('other', '2', 'card', **_VF),
                _device(None, 'card', None, **_PF),
            ],
            [{**_VF, 'address': 'card', 'a': 'b', 'count': 2}],
        ),
        'a card is free with the last of its functions': (
            [],
            [
                _device('victim', '1', 'card', **_VF),
                _device('victim', '2', 'card', **_VF),
                _device(None, 'card', None, **_PF),
            ],
            [
                {**_VF, 'address': 'card', 'count': 2},
                {**_PF, 'address': 'card', 'count': 1},
            ],
        ),
        'a device of a server that stays stays': (
            [],
            [_device('other'), _device(None, '0000:83:00.0')],
            [],
        ),
    }
)
class PoolsTest(testtools.TestCase):
    def check(self, pools, devices, expected):
        stats = _stats(*pools)
        parts = host_parts.HostParts({}, devices)
        found = parts.pools_without(stats, {'victim'})
        self.assertCountEqual(expected, found.pools)
        self.assertEqual(pools, stats.pools)
