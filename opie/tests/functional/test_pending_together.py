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

"""Companions of preemptors that wait for their victims go beside these."""

from testtools import testcase

from opie.tests.functional import test_pending
from opie.tests.functional import two_schedulers

_LONG_SECONDS = test_pending.LONG_SECONDS


class TogetherTest(
    two_schedulers.TwoSchedulersMixin, test_pending.PendingCase
):
    def fill_unevenly(self):
        """Have the cheapest two servers on two hosts."""
        self.dear = self.boot_preemptible(5, 'host1')
        self.flags(min_runtime_seconds=_LONG_SECONDS // 2, group='opie')
        self.cheap = [self.boot_preemptible(5, host) for host in self.hosts]
        self.boot(5, 'host2')
        self.has_run(self.cheap[0], 2 * _LONG_SECONDS)
        self.has_run(self.cheap[1], _LONG_SECONDS)
        _, self.release = self.hold_deletions()

    @testcase.attr('smoke')
    def test_the_first_member_fixes_the_host_of_the_group(self):
        group = self.group('affinity')
        self.fill_unevenly()
        first = self.boot_pending(hints=group, destination='host1')
        second = self.boot_pending(hints=group, evictions=2)
        self.assertEqual(['host1', 'host1'], self.hosts_of(first, second))
        self.assertUntouched(self.cheap[1])

    def test_another_is_refused_where_that_host_has_no_room(self):
        group = self.group('affinity')
        self.boot(5, 'host1')
        self.boot_preemptible(5, 'host1')
        elsewhere = self.boot_preemptible(10, 'host2')
        _, self.release = self.hold_deletions()
        first = self.boot_pending(hints=group, destination='host1')
        refused = self.boot(5, hints=group, state='ERROR')
        self.assertNoValidHost(refused)
        self.assertEqual(['host1'], self.hosts_of(first))
        self.assertUntouched(elsewhere)

    def test_one_that_finds_room_goes_where_the_first_one_waits(self):
        group = self.group('affinity')
        self.boot(flavor=self.flavor(5, memory_mb=4000), host='host1')
        self.boot_preemptible(5, 'host1')
        self.prefer_memory()
        _, self.release = self.hold_deletions()
        first = self.boot_pending(hints=group, destination='host1')
        second = self.boot(flavor=self.flavor_for_any_room(), hints=group)
        self.assertEqual('host1', self.host_of(second))
        self.assertEqual(['host1'], self.hosts_of(first))

    def test_one_finds_no_room_where_the_host_of_the_group_is_full(self):
        group = self.group('affinity')
        self.boot(5, 'host1')
        self.boot_preemptible(5, 'host1')
        _, self.release = self.hold_deletions()
        first = self.boot_pending(hints=group, destination='host1')
        # host2 is empty.
        self.assertNoValidHost(self.boot(5, hints=group, state='ERROR'))
        self.assertEqual(['host1'], self.hosts_of(first))

    def test_members_that_would_rather_be_together_are_at_no_more_cost(self):
        self.flags(
            soft_affinity_weight_multiplier=1000, group='filter_scheduler'
        )
        group = self.group('soft-affinity')
        self.fill(dear=None, vcpu=3)
        # nova would rather place on the other host.
        self.boot(flavor=self.flavor(1, memory_mb=4000), host='host1')
        self.boot(1, 'host2')
        self.start_second_scheduler()
        first = self.boot_pending(3, hints=group, destination='host1')
        second = self.boot_pending(3, hints=group, evictions=2)
        self.assertEqual(['host1', 'host1'], self.hosts_of(first, second))

    def test_a_server_goes_beside_one_that_it_names(self):
        self.fill_unevenly()
        first = self.boot_pending(destination='host1')
        second = self.boot_pending(
            hints={'same_host': first['id']}, evictions=2
        )
        self.assertEqual(['host1', 'host1'], self.hosts_of(first, second))
        self.assertUntouched(self.cheap[1])


class TwoCellsTest(test_pending.PendingCase):
    NUMBER_OF_CELLS = 2

    def start_hosts(self):
        self.start_compute('host1', 'cell1')
        self.start_compute('host2', 'cell2')

    def test_members_keep_apart_in_two_cells(self):
        group = self.group('anti-affinity')
        self.fill()
        first = self.boot_pending(hints=group)
        second = self.boot_pending(hints=group, evictions=2)
        self.assertEqual(['host1', 'host2'], self.hosts_of(first, second))

    def test_members_keep_together_in_one_of_two_cells(self):
        group = self.group('affinity')
        self.fill()
        first = self.boot_pending(hints=group, destination='host2')
        second = self.boot_pending(hints=group, evictions=2)
        self.assertEqual(['host2', 'host2'], self.hosts_of(first, second))
