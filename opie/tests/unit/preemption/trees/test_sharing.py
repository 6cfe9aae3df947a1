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

"""Sharing providers, and where placement proposes what it should not."""

from oslo_utils.fixture import uuidsentinel as uuids

from opie.tests.trees import clouds
from opie.tests.unit.preemption.trees import base

provider = base.provider


class SharingTest(base.TreesTestCase):
    """A sharing provider serves trees with an aggregate in common."""

    def have_pool(self):
        self.have(
            provider('host', aggregates=['blue'], VCPU=4),
            provider('other', VCPU=4),
            provider('numa', 'other', aggregates=['green']),
            provider('alone', aggregates=['red'], VCPU=4),
            provider(
                'pool',
                traits=[base.SHARING, base.SSD],
                aggregates=['blue', 'green'],
                DISK_GB=4,
            ),
        )

    def test_any_provider_of_the_tree_may_have_the_aggregate(self):
        self.have_pool()
        both = {'=host,pool', '=other,pool'}
        self.assertProposed(both, 'resources=VCPU:1,DISK_GB:1')
        self.assertProposed(
            {'=host 1=pool', '=other 1=pool'},
            'resources=VCPU:1&resources1=DISK_GB:1',
        )

    def test_alone_it_is_proposed_once(self):
        self.have_pool()
        self.assertProposed({'=pool'}, 'resources=DISK_GB:1')
        self.assertProposed({'1=pool'}, 'resources1=DISK_GB:1')

    def test_its_traits_count_for_the_spread_group(self):
        self.have_pool()
        text = 'resources=VCPU:1,DISK_GB:1&required='
        self.assertProposed({'=host,pool', '=other,pool'}, text + base.SSD)
        self.assertProposed(set(), text + '!' + base.SSD)

    def test_it_is_in_the_aggregate_itself(self):
        self.have_pool()
        text = 'resources=VCPU:1,DISK_GB:1&member_of='
        self.assertProposed({'=host,pool'}, text + 'blue')
        self.assertProposed(set(), text + 'red')
        self.assertProposed(set(), text + '!blue')

    def test_a_tree_that_is_named_leaves_it_out(self):
        self.have_pool()
        self.assertProposed(set(), 'resources=VCPU:1,DISK_GB:1&in_tree=host')
        self.assertProposed(
            {'=host 1=pool'},
            'resources=VCPU:1&in_tree=host&resources1=DISK_GB:1',
        )

    def test_the_root_of_the_tree_counts_and_not_its_own(self):
        self.have_pool()
        text = 'resources=VCPU:1&resources1=DISK_GB:1&root_required='
        self.assertProposed(set(), text + base.SSD)
        self.assertProposed(
            {'=host 1=pool', '=other 1=pool'}, text + '!' + base.SSD
        )


class MistakesTest(base.TreesTestCase):
    """What placement does not propose as it should; see compared.py."""

    def test_shared_alone_it_goes_with_the_other_groups_of_each_tree(self):
        self.have(
            provider('host', aggregates=['blue'], VGPU=1),
            provider('other', aggregates=['blue'], VGPU=1),
            provider(
                'pool',
                traits=[base.SHARING],
                aggregates=['blue'],
                DISK_GB=4,
            ),
        )
        self.assertProposed(
            {'=pool 1=host', '=pool 1=other'},
            'resources=DISK_GB:1&resources1=VGPU:1',
        )

    def test_amounts_of_one_proposal_are_not_those_of_another(self):
        self.have(provider('host', VCPU=4), provider('numa', 'host', VCPU=4))
        self.assertProposed(
            {'=host 1=host', '=host 1=numa', '=numa 1=host', '=numa 1=numa'},
            'resources=VCPU:1&resources1=VCPU:1',
        )

    def test_a_sharing_provider_of_another_tree_serves_the_spread_group(self):
        self.have(
            provider('host', aggregates=['blue'], VCPU=4),
            provider('other'),
            provider(
                'pool',
                'other',
                traits=[base.SHARING],
                aggregates=['blue'],
                DISK_GB=4,
            ),
        )
        pairs = base.pairs_of('resources=VCPU:1,DISK_GB:1')
        self.assertEqual(500, self.real.ask(pairs)[0])
        (found,) = clouds.proposed(self.cloud.forest(), pairs)
        self.assertEqual(
            {uuids.host: {'VCPU': 1}, uuids.pool: {'DISK_GB': 1}},
            found.allocations,
        )
