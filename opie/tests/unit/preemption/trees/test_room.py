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

"""What inventories and servers leave, and what is asked for in all."""

from oslo_utils.fixture import uuidsentinel as uuids
import testtools

from opie.preemption import errors
from opie.preemption import model
from opie.preemption.trees import providers
from opie.tests.trees import clouds
from opie.tests.unit.preemption.trees import base

provider = base.provider


class RoomTest(base.TreesTestCase):
    def test_an_amount_is_a_unit_of_the_inventory(self):
        self.have(
            provider(
                'host',
                VCPU=model.Inventory(9, min_unit=2, max_unit=6, step_size=2),
            )
        )
        for amount, expected in (
            (1, set()),
            (2, {'=host'}),
            (3, set()),
            (6, {'=host'}),
            (8, set()),
        ):
            self.assertProposed(expected, 'resources=VCPU:%d' % amount)

    def test_groups_together_take_no_more_than_the_largest_unit(self):
        self.have(
            provider('host', VCPU=model.Inventory(9, max_unit=3, min_unit=2))
        )
        text = 'resources1=VCPU:2&resources2=VCPU:2&group_policy=none'
        self.assertProposed(set(), text)
        self.have(provider('host', VCPU=model.Inventory(9, min_unit=2)))
        self.assertProposed({'1=host 2=host'}, text)

    def test_what_is_reserved_is_not_given_out(self):
        for ratio, most in ((1.0, 2), (1.5, 3), (0.5, 1)):
            self.have(
                provider(
                    'host',
                    VCPU=model.Inventory(
                        5, reserved=3, allocation_ratio=ratio
                    ),
                )
            )
            self.assertProposed({'=host'}, 'resources=VCPU:%d' % most)
            self.assertProposed(set(), 'resources=VCPU:%d' % (most + 1))

    def test_preemptible_servers_count_as_gone_on_each_provider(self):
        self.have(
            provider('host', VCPU=4),
            provider('gpu0', 'host', VGPU=1),
            provider('gpu1', 'host', VGPU=1),
            normal={'host': {'VCPU': 1}, 'gpu0': {'VGPU': 1}},
            victim={'host': {'VCPU': 3}, 'gpu1': {'VGPU': 1}},
            preemptible=['victim'],
        )
        text = 'resources=VCPU:%d&resources1=VGPU:1'
        forest = self.cloud.forest()
        self.assertEqual([], clouds.proposed(forest, base.pairs_of(text % 1)))
        self.assertProposed({'=host 1=gpu1'}, text % 3)
        self.assertProposed(set(), text % 4)

    def test_a_device_that_stays_reserved_is_not_given_out(self):
        self.have(
            provider('host', VCPU=4),
            provider('nvme0', 'host', DISK_GB=model.Inventory(1, reserved=1)),
            provider('nvme1', 'host', DISK_GB=1),
            victim={'host': {'VCPU': 1}, 'nvme0': {'DISK_GB': 1}},
            other={'host': {'VCPU': 1}, 'nvme1': {'DISK_GB': 1}},
            preemptible=['victim', 'other'],
        )
        self.assertProposed(
            {'=host 1=nvme1'}, 'resources=VCPU:1&resources1=DISK_GB:1'
        )

    def test_a_provider_that_stays_over_its_capacity_has_no_room(self):
        self.have(
            provider('host', VCPU=4),
            normal={'host': {'VCPU': 4}},
            victim={'host': {'VCPU': 1}},
            preemptible=['victim'],
        )
        self.assertProposed(set(), 'resources=VCPU:1')


class WholeRequestTest(base.TreesTestCase):
    def test_a_root_has_its_traits_itself(self):
        self.have(
            provider('host', traits=[base.AVX], VCPU=4),
            provider('other', VCPU=4),
            provider('numa', 'other', traits=[base.AVX], VCPU=4),
        )
        text = 'resources=VCPU:1&root_required='
        self.assertProposed({'=host'}, text + base.AVX)
        self.assertProposed({'=other', '=numa'}, text + '!' + base.AVX)

    def test_what_several_groups_take_of_one_inventory_is_one_amount(self):
        self.have(provider('host', VCPU=4, VGPU=4))
        (found,) = clouds.proposed(
            self.cloud.forest(),
            base.pairs_of(
                'resources=VCPU:1,VGPU:1&resources1=VGPU:1&resources2=VGPU:1'
                '&group_policy=none'
            ),
        )
        self.assertEqual(
            {uuids.host: {'VCPU': 1, 'VGPU': 3}}, found.allocations
        )

    def test_no_more_are_proposed_than_are_wanted(self):
        self.have(provider('host', VCPU=4), provider('other', VCPU=4))
        for limit, number in ((1, 1), (2, 2), (3, 2)):
            pairs = base.pairs_of('resources=VCPU:1&limit=%d' % limit)
            found = clouds.proposed(self.cloud.forest(), pairs)
            self.assertEqual(number, len(found))
            self.assertEqual(number, len(self.real.ask(pairs)[1]))


class ManyAlikeTest(testtools.TestCase):
    """There are more combinations than could ever be tried."""

    def setUp(self):
        super().setUp()
        gpus = [provider('gpu%d' % n, 'host', VGPU=1) for n in range(20)]
        self.forest = providers.Forest.of([provider('host'), *gpus])
        groups = ['resources%d=VGPU:1' % number for number in range(20)]
        self.text = '&'.join([*groups, 'group_policy=none', 'limit=5'])

    def test_no_more_are_made_than_are_wanted(self):
        found = clouds.proposed(self.forest, clouds.pairs_of(self.text))
        self.assertEqual(5, len(found))

    def test_none_is_tried_where_there_is_too_little_in_all(self):
        held = {uuids.gpu7: {'VGPU': -1}}
        found = clouds.proposed(
            self.forest.without([held]), clouds.pairs_of(self.text)
        )
        self.assertEqual([], found)


class ForestTest(testtools.TestCase):
    def test_a_tree_has_its_root(self):
        self.assertRaisesRegex(
            errors.InvalidHost,
            'its parent %s is missing' % uuids.host,
            providers.Forest.of,
            [provider('numa0', 'host')],
        )

    def test_no_provider_is_its_own_ancestor(self):
        forest = providers.Forest.of(
            [provider('host', 'numa0'), provider('numa0', 'host')]
        )
        self.assertRaisesRegex(
            errors.InvalidHost, 'its own ancestor', forest.root, uuids.host
        )

    def test_what_is_held_beyond_the_forest_does_not_count(self):
        forest = providers.Forest.of([provider('host', VCPU=4)])
        without = forest.without(
            [{uuids.host: {'VCPU': 1}, uuids.pool: {'DISK_GB': 1}}]
        )
        (host,) = without.providers.values()
        self.assertEqual(5, host.inventories['VCPU'].free)

    def test_what_is_held_has_an_inventory(self):
        forest = providers.Forest.of([provider('host', VCPU=4)])
        self.assertRaisesRegex(
            errors.InvalidHost,
            'a server holds VGPU, of which it has no inventory',
            forest.without,
            [{uuids.host: {'VGPU': 1}}],
        )
