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


import hypothesis
from hypothesis import strategies
import testtools

from opie.scheduler import resources

_AMOUNTS = strategies.dictionaries(
    strategies.sampled_from(('VCPU', 'MEMORY_MB', 'DISK_GB')),
    strategies.integers(0, 9),
)
_ALLOCATIONS = strategies.dictionaries(
    strategies.sampled_from(('host', 'numa0', 'numa1')), _AMOUNTS
)


class TotalTest(testtools.TestCase):
    def test_classes_are_added_one_by_one(self):
        self.assertEqual(
            {'VCPU': 3, 'DISK_GB': 1},
            resources.total([{'VCPU': 1, 'DISK_GB': 1}, {'VCPU': 2}]),
        )

    def test_a_class_that_nothing_has_counts_zero(self):
        total = resources.total([{'VCPU': 0}])
        self.assertEqual({}, total)
        self.assertEqual(0, total['VCPU'])


class AddTest(testtools.TestCase):
    def test_providers_are_added_one_by_one(self):
        self.assertEqual(
            {'numa0': {'VCPU': 3}, 'numa1': {'VCPU': 4, 'DISK_GB': 5}},
            resources.add(
                {'numa0': {'VCPU': 1}, 'numa1': {'VCPU': 4}},
                {'numa0': {'VCPU': 2}, 'numa1': {'DISK_GB': 5}},
            ),
        )

    def test_neither_zeros_nor_empty_providers_are_left(self):
        self.assertEqual(
            {'host': {'VCPU': 1}},
            resources.add(
                {'host': {'VCPU': 1, 'DISK_GB': 0}, 'numa0': {'VCPU': 0}},
                {'numa1': {}},
            ),
        )


class SubtractTest(testtools.TestCase):
    def test_a_part_is_taken(self):
        self.assertEqual(
            {'host': {'VCPU': 3, 'DISK_GB': 5}},
            resources.subtract(
                {'host': {'VCPU': 4, 'DISK_GB': 5}}, {'host': {'VCPU': 1}}
            ),
        )

    def test_a_class_that_is_taken_wholly_goes(self):
        self.assertEqual(
            {'host': {'DISK_GB': 5}},
            resources.subtract(
                {'host': {'VCPU': 4, 'DISK_GB': 5}}, {'host': {'VCPU': 4}}
            ),
        )

    def test_a_provider_of_which_all_is_taken_goes(self):
        self.assertEqual(
            {'storage': {'DISK_GB': 5}},
            resources.subtract(
                {'host': {'VCPU': 4}, 'storage': {'DISK_GB': 5}},
                {'host': {'VCPU': 4}},
            ),
        )

    def test_more_than_there_is_cannot_be_taken(self):
        for taken in ({'host': {'VCPU': 5}}, {'other': {'VCPU': 1}}):
            self.assertRaises(
                ValueError, resources.subtract, {'host': {'VCPU': 4}}, taken
            )


class PropertiesTest(testtools.TestCase):
    @hypothesis.given(_ALLOCATIONS, _ALLOCATIONS)
    def test_what_was_added_can_be_taken_away(self, one, other):
        before = repr((one, other))
        both = resources.add(one, other)
        self.assertEqual(both, resources.add(other, one))
        self.assertEqual(resources.add(one), resources.subtract(both, other))
        self.assertEqual(before, repr((one, other)))
        self.assertTrue(all(both.values()))
        for amounts in both.values():
            self.assertTrue(all(amounts.values()))
