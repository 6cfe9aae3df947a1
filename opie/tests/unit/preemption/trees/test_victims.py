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

"""The least victims that make room for a request on whole trees."""

from oslo_utils.fixture import uuidsentinel as uuids
import testtools

from opie.preemption import model
from opie.preemption import shortfall
from opie.preemption.trees import query
from opie.preemption.trees import victims
from opie.tests.trees import clouds
from opie.tests.unit.preemption.trees import base

provider = base.provider
ONE_GPU = 'resources=VCPU:1&resources1=VGPU:1'


def gpus(number):
    return [provider('gpu%d' % n, 'host', VGPU=1) for n in range(number)]


class VictimsTest(testtools.TestCase):
    def choose(self, cloud, text, keys=None, **limits):
        """Return the names of the victims, None if there is no choice.

        :param keys: preemptible server to key, where it is not 1.
        """
        names = {getattr(uuids, name): name for name in self.names}
        found = victims.choose(
            cloud.forest(),
            query.read(clouds.pairs_of(text)),
            [
                victims.PotentialVictim(
                    uuid,
                    cloud.servers[uuid],
                    (keys or {}).get(names[uuid], 1),
                )
                for uuid in sorted(cloud.preemptible)
            ],
            **limits,
        )
        self.found = found
        return found and {names[server.uuid] for server in found.victims}

    def cloud(self, *some, preemptible, **servers):
        self.names = preemptible
        return base.cloud(*some, preemptible=preemptible, **servers)

    def test_the_one_preemptible_holder_of_a_device_goes(self):
        cloud = self.cloud(
            provider('host', VCPU=8),
            *gpus(4),
            normal0={'host': {'VCPU': 1}, 'gpu0': {'VGPU': 1}},
            normal1={'host': {'VCPU': 1}, 'gpu1': {'VGPU': 1}},
            normal2={'host': {'VCPU': 1}, 'gpu3': {'VGPU': 1}},
            victim={'host': {'VCPU': 1}, 'gpu2': {'VGPU': 1}},
            plain={'host': {'VCPU': 4}},
            preemptible=['victim', 'plain'],
        )
        self.assertEqual({'victim'}, self.choose(cloud, ONE_GPU))
        self.assertEqual(
            {uuids.host: {'VCPU': 1}, uuids.gpu2: {'VGPU': 1}},
            self.found.proposal.allocations,
        )
        # Both have to go for more VCPU than the first one has.
        self.assertEqual(
            {'victim', 'plain'},
            self.choose(cloud, 'resources=VCPU:5&resources1=VGPU:1'),
        )

    def test_both_servers_of_one_cell_go(self):
        cells = [provider('cell%d' % n, 'host', PCPU=4) for n in range(2)]
        held = {
            name: {cell: {'PCPU': 2}}
            for name, cell in (
                ('a', 'cell0'),
                ('b', 'cell1'),
                ('c', 'cell0'),
                ('d', 'cell1'),
            )
        }
        for normal, expected in (('a', {'b', 'd'}), ('d', {'a', 'c'})):
            cloud = self.cloud(
                provider('host'),
                *cells,
                preemptible=sorted({*'abcd'} - {normal}),
                **held,
            )
            self.assertEqual(expected, self.choose(cloud, 'resources1=PCPU:4'))

    def test_the_cheapest_choice_counts_over_all_proposals(self):
        cloud = self.cloud(
            provider('host', VCPU=4),
            *gpus(2),
            both={'host': {'VCPU': 2}, 'gpu0': {'VGPU': 1}},
            other={'gpu1': {'VGPU': 1}},
            plain={'host': {'VCPU': 2}},
            preemptible=['both', 'other', 'plain'],
        )
        for keys, expected in (
            ({}, {'both'}),
            ({'both': 3}, {'other', 'plain'}),
            ({'both': 3, 'plain': 9}, {'both'}),
        ):
            self.assertEqual(expected, self.choose(cloud, ONE_GPU, keys))

    def test_none_goes_where_there_is_room(self):
        cloud = self.cloud(
            provider('host', VCPU=4),
            *gpus(2),
            victim={'gpu0': {'VGPU': 1}},
            preemptible=['victim'],
        )
        self.assertEqual(set(), self.choose(cloud, ONE_GPU))
        self.assertEqual(
            {uuids.gpu1: {'VGPU': 1}, uuids.host: {'VCPU': 1}},
            self.found.proposal.allocations,
        )

    def test_there_is_no_choice_without_room(self):
        cloud = self.cloud(
            provider('host', VCPU=4),
            *gpus(1),
            normal={'gpu0': {'VGPU': 1}},
            victim={'host': {'VCPU': 4}},
            preemptible=['victim'],
        )
        self.assertIsNone(self.choose(cloud, ONE_GPU))

    def test_a_device_that_stays_reserved_is_not_freed(self):
        cloud = self.cloud(
            provider('host', VCPU=4),
            provider('gpu0', 'host', VGPU=model.Inventory(1, reserved=1)),
            provider('gpu1', 'host', VGPU=1),
            once={'gpu0': {'VGPU': 1}},
            again={'gpu1': {'VGPU': 1}},
            preemptible=['once', 'again'],
        )
        self.assertEqual({'again'}, self.choose(cloud, ONE_GPU, {'again': 9}))

    def test_what_is_over_the_capacity_is_made_up_for(self):
        cloud = self.cloud(
            provider('host', VCPU=4),
            normal={'host': {'VCPU': 4}},
            small={'host': {'VCPU': 1}},
            large={'host': {'VCPU': 2}},
            preemptible=['small', 'large'],
        )
        self.assertIsNone(self.choose(cloud, 'resources=VCPU:1'))
        cloud = self.cloud(
            provider('host', VCPU=3),
            normal={'host': {'VCPU': 2}},
            small={'host': {'VCPU': 1}},
            large={'host': {'VCPU': 2}},
            preemptible=['small', 'large'],
        )
        self.assertEqual(
            {'small', 'large'}, self.choose(cloud, 'resources=VCPU:1')
        )

    def test_a_server_of_another_host_frees_a_pool(self):
        cloud = self.cloud(
            provider('host', aggregates=['blue'], VCPU=4),
            provider('other', aggregates=['blue'], VCPU=4),
            provider(
                'pool',
                traits=[base.SHARING],
                aggregates=['blue'],
                DISK_GB=4,
            ),
            normal={'other': {'VCPU': 4}},
            victim={'other': {'VCPU': 0}, 'pool': {'DISK_GB': 4}},
            preemptible=['victim'],
        )
        self.assertEqual(
            {'victim'}, self.choose(cloud, 'resources=VCPU:1,DISK_GB:2')
        )

    def test_no_more_go_than_may(self):
        cloud = self.cloud(
            provider('host', VCPU=4),
            one={'host': {'VCPU': 1}},
            two={'host': {'VCPU': 1}},
            large={'host': {'VCPU': 2}},
            preemptible=['one', 'two', 'large'],
        )
        keys = {'large': 9}
        for most, expected in (
            (None, {'one', 'two'}),
            (2, {'one', 'two'}),
            (1, {'large'}),
            (0, None),
        ):
            self.assertEqual(
                expected,
                self.choose(
                    cloud, 'resources=VCPU:2', keys, most_victims=most
                ),
            )

    def test_what_filters_have_taught_holds(self):
        cloud = self.cloud(
            provider('host', VCPU=4),
            one={'host': {'VCPU': 2}},
            two={'host': {'VCPU': 2}},
            preemptible=['one', 'two'],
        )
        rules = [shortfall.Rule(frozenset({uuids.two}), 1)]
        self.assertEqual(
            {'two'},
            self.choose(cloud, 'resources=VCPU:2', {'two': 9}, rules=rules),
        )

    def test_many_devices_alike_are_chosen_among(self):
        held = {'s%02d' % n: {'gpu%d' % n: {'VGPU': 1}} for n in range(12)}
        cloud = self.cloud(
            provider('host', VCPU=4),
            *gpus(12),
            preemptible=list(held),
            **held,
        )
        keys = {name: 1 + int(name[1:]) % 6 for name in held}
        groups = ['resources%d=VGPU:1' % number for number in range(6)]
        self.assertEqual(
            {'s00', 's01', 's02', 's06', 's07', 's08'},
            self.choose(
                cloud, '&'.join([*groups, 'group_policy=isolate']), keys
            ),
        )
        self.assertTrue(self.found.is_least)

    def test_a_search_that_is_over_says_so(self):
        cloud = self.cloud(
            provider('host', VCPU=4),
            *gpus(2),
            a={'gpu0': {'VGPU': 1}},
            b={'gpu1': {'VGPU': 1}},
            preemptible=['a', 'b'],
        )
        found = self.choose(
            cloud, ONE_GPU, {'b': 2}, is_search_over=lambda: True
        )
        self.assertEqual({'a'}, found)
        self.assertFalse(self.found.is_least)
