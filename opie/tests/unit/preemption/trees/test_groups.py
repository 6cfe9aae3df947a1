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

"""What opie's core proposes for a group, and placement with it."""

from opie.tests.unit.preemption.trees import base

provider = base.provider


class SpreadTest(base.TreesTestCase):
    """The group without a suffix may be spread over a tree."""

    def test_each_class_comes_from_any_provider_of_one_tree(self):
        self.have(
            provider('host', VCPU=4),
            provider('numa0', 'host', MEMORY_MB=4),
            provider('numa1', 'host', MEMORY_MB=4),
            provider('other', VCPU=4),
        )
        self.assertProposed(
            {'=host,numa0', '=host,numa1'}, 'resources=VCPU:1,MEMORY_MB:1'
        )

    def test_the_providers_have_the_traits_together(self):
        self.have(
            provider('host', VCPU=4, traits=[base.AVX]),
            provider('numa0', 'host', MEMORY_MB=4, traits=[base.AVX2]),
            provider('numa1', 'host', MEMORY_MB=4, traits=[base.SSD]),
        )
        text = 'resources=VCPU:1,MEMORY_MB:1&required=%s,%s'
        self.assertProposed({'=host,numa0'}, text % (base.AVX, base.AVX2))
        self.assertProposed(
            {'=host,numa0', '=host,numa1'},
            'resources=VCPU:1,MEMORY_MB:1&required=%s&required=in:%s,%s'
            % (base.AVX, base.AVX2, base.SSD),
        )

    def test_traits_of_providers_that_give_nothing_do_not_count(self):
        self.have(
            provider('host', traits=[base.AVX]),
            provider('numa0', 'host', VCPU=4),
        )
        self.assertProposed(set(), 'resources=VCPU:1&required=' + base.AVX)
        self.assertProposed(
            {'=numa0'}, 'resources=VCPU:1&required=!' + base.AVX
        )

    def test_none_of_the_providers_has_a_forbidden_trait(self):
        self.have(
            provider('host', VCPU=4),
            provider('numa0', 'host', MEMORY_MB=4, traits=[base.AVX]),
            provider('numa1', 'host', MEMORY_MB=4),
        )
        self.assertProposed(
            {'=host,numa1'},
            'resources=VCPU:1,MEMORY_MB:1&required=!' + base.AVX,
        )

    def test_aggregates_of_a_root_are_those_of_its_tree(self):
        self.have(
            provider('host', aggregates=['blue'], VCPU=4),
            provider('numa0', 'host', MEMORY_MB=4),
            provider('other', VCPU=4),
            provider('numa1', 'other', aggregates=['blue'], MEMORY_MB=4),
        )
        text = 'resources=VCPU:1,MEMORY_MB:1&member_of='
        self.assertProposed({'=host,numa0'}, text + 'blue')
        self.assertProposed({'=host,numa0'}, text + 'in:blue,green')
        self.assertProposed(set(), text + 'blue&member_of=green')
        self.assertProposed(set(), text + '!blue')
        self.assertProposed({'=host,numa0', '=numa1,other'}, text + '!green')

    def test_any_provider_of_a_tree_names_it(self):
        self.have(
            provider('host', VCPU=4),
            provider('numa0', 'host', VCPU=4),
            provider('other', VCPU=4),
        )
        for name in ('host', 'numa0'):
            self.assertProposed(
                {'=host', '=numa0'}, 'resources=VCPU:1&in_tree=' + name
            )
        self.assertProposed(set(), 'resources=VCPU:1&in_tree=unknown')


class GranularTest(base.TreesTestCase):
    """A group with a suffix comes from one provider."""

    def test_it_has_all_the_classes_and_traits_itself(self):
        self.have(
            provider('host', VCPU=4, MEMORY_MB=4),
            provider('numa0', 'host', VCPU=4, traits=[base.AVX]),
            provider('numa1', 'host', VCPU=4, MEMORY_MB=4, traits=[base.AVX]),
        )
        self.assertProposed(
            {'1=host', '1=numa1'}, 'resources1=VCPU:1,MEMORY_MB:1'
        )
        self.assertProposed(
            {'_a=numa1'},
            'resources_a=VCPU:1,MEMORY_MB:1&required_a=' + base.AVX,
        )
        self.assertProposed(
            {'1=host'}, 'resources1=VCPU:1&required1=!' + base.AVX
        )

    def test_aggregates_of_a_root_are_not_those_of_its_tree(self):
        self.have(
            provider('host', aggregates=['blue'], VCPU=4),
            provider('numa0', 'host', VCPU=4),
        )
        self.assertProposed({'1=host'}, 'resources1=VCPU:1&member_of1=blue')
        self.assertProposed({'1=numa0'}, 'resources1=VCPU:1&member_of1=!blue')

    def test_all_groups_come_from_one_tree(self):
        self.have(
            provider('host', VCPU=4),
            provider('gpu0', 'host', VGPU=1),
            provider('gpu1', 'host', VGPU=1),
            provider('other', VCPU=4),
            provider('gpu2', 'other', VGPU=1),
        )
        self.assertProposed(
            {'=host 1=gpu0', '=host 1=gpu1', '=other 1=gpu2'},
            'resources=VCPU:1&resources1=VGPU:1',
        )

    def test_groups_may_share_a_provider_unless_they_are_isolated(self):
        self.have(
            provider('host', VGPU=1),
            provider('gpu0', 'host', VGPU=2),
            provider('gpu1', 'host', VGPU=1),
        )
        text = 'resources1=VGPU:1&resources2=VGPU:1&group_policy='
        apart = {
            '1=%s 2=%s' % (one, other)
            for one in ('host', 'gpu0', 'gpu1')
            for other in ('host', 'gpu0', 'gpu1')
            if one != other
        }
        self.assertProposed(apart, text + 'isolate')
        self.assertProposed(apart | {'1=gpu0 2=gpu0'}, text + 'none')

    def test_the_spread_group_is_never_isolated(self):
        self.have(provider('host', VCPU=4, VGPU=1))
        self.assertProposed(
            {'=host 1=host'},
            'resources=VCPU:1&resources1=VGPU:1&group_policy=isolate',
        )

    def test_a_group_without_resources_asks_for_something_positive(self):
        self.have(
            provider('host', VCPU=4, traits=[base.AVX]),
            provider('numa0', 'host', traits=[base.SSD], aggregates=['blue']),
        )
        text = 'resources1=VCPU:1&same_subtree=1,2&group_policy=none'
        for condition, expected in (
            ('required2=' + base.SSD, {'1=host 2=numa0'}),
            ('required2=!' + base.AVX, set()),
            ('member_of2=blue', {'1=host 2=numa0'}),
            ('member_of2=!green', set()),
            ('in_tree2=host', set()),
            # A tree says nothing of a group without resources.
            ('required2=%s&in_tree2=other' % base.SSD, set()),
        ):
            self.assertProposed(expected, text + '&' + condition)

    def test_a_tree_says_nothing_of_a_group_without_resources(self):
        self.have(
            provider('host', VCPU=4, traits=[base.AVX]), provider('other')
        )
        self.assertProposed(
            {'1=host 2=host'},
            'resources1=VCPU:1&required2=%s&in_tree2=other&same_subtree=1,2'
            '&group_policy=none' % base.AVX,
        )

    def test_one_provider_of_a_subtree_is_above_the_others(self):
        self.have(
            provider('host', traits=[base.SSD]),
            provider('numa0', 'host', traits=[base.AVX], VCPU=4),
            provider('numa1', 'host', traits=[base.AVX], VCPU=4),
            provider('gpu0', 'numa0', VGPU=1),
            provider('gpu1', 'numa1', VGPU=1),
        )
        text = 'resources1=VCPU:1&resources2=VGPU:1&group_policy=none'
        together = {'1=numa0 2=gpu0', '1=numa1 2=gpu1'}
        apart = {'1=numa0 2=gpu1', '1=numa1 2=gpu0'}
        self.assertProposed(together | apart, text)
        self.assertProposed(together, text + '&same_subtree=1,2')
        self.assertProposed(
            {one + ' 3=host' for one in together | apart},
            text + '&required3=%s&same_subtree=1,2,3' % base.SSD,
        )
