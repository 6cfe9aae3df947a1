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


"""Server groups and hints hold for the servers that stay."""

import time

from nova.compute import manager as compute_manager
import nova.conf
from testtools import testcase

from opie.tests.functional import base

CONF = nova.conf.CONF

_LINGER_SECONDS = 2


class GroupCase(base.CloudTestCase):
    def group(self, policy, **rules):
        """Return the hints of a member of a new group."""
        body = {'name': 'a', 'policy': policy}
        if rules:
            body['rules'] = rules
        return {'group': self.api.post_server_groups(body)['id']}


class AntiAffinityTest(GroupCase):
    @testcase.attr('smoke')
    def test_a_member_gives_way_where_no_other_host_can_serve(self):
        group = self.group('anti-affinity')
        full = self.boot(10, 'host1')
        member = self.boot_preemptible(2, hints=group)
        other = self.boot_preemptible(8)
        # Without the member there would be too many of one group.
        preemptor = self.boot(1, hints=group)
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertGone(member)
        self.assertUntouched(full, other, preemptor)

    def test_a_member_gives_way_besides_those_whose_room_is_needed(self):
        group = self.group('anti-affinity')
        self.boot(10, 'host1')
        member = self.boot_preemptible(2, hints=group)
        other = self.boot_preemptible(8)
        preemptor = self.boot(10, hints=group)
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertGone(member, other)
        self.assertUntouched(preemptor)

    def test_a_member_gives_way_although_there_is_room_beside_it(self):
        group = self.group('anti-affinity')
        self.boot(10, 'host1')
        member = self.boot_preemptible(2, hints=group)
        preemptor = self.boot(2, hints=group)
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertGone(member)
        self.assertUntouched(preemptor)

    def test_a_member_is_waited_for_until_its_record_is_gone(self):
        """A server that comes earlier is one too many for its compute."""

        def linger(real, *args):
            real(*args)
            time.sleep(_LINGER_SECONDS)

        self.wrap_once(
            compute_manager.ComputeManager, '_complete_deletion', linger
        )
        group = self.group('anti-affinity')
        self.boot(10, 'host1')
        member = self.boot_preemptible(2, hints=group)
        preemptor = self.boot(2, hints=group)
        self.assertGone(member)
        self.assertUntouched(preemptor)

    def test_a_member_stays_where_another_host_is_as_cheap(self):
        group = self.group('anti-affinity')
        member = self.boot_preemptible(5, 'host1', hints=group)
        beside = self.boot_preemptible(5, 'host1')
        victim = self.boot_preemptible(10, 'host2')
        preemptor = self.boot(5, hints=group)
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertGone(victim)
        self.assertUntouched(member, beside, preemptor)

    def test_a_normal_member_keeps_its_host_for_itself(self):
        group = self.group('anti-affinity')
        self.boot(10, 'host1')
        member = self.boot(2, hints=group)
        bystander = self.boot_preemptible(8)
        refused = self.boot(2, hints=group, state='ERROR')
        self.assertNoValidHost(refused)
        self.assertUntouched(member, bystander)

    def test_preemptors_of_one_request_keep_apart(self):
        group = self.group('anti-affinity')
        victims = [
            self.boot_preemptible(10, host) for host in ('host1', 'host2')
        ]
        refused = self.boot(2, hints=group, min_count=3, state='ERROR')
        self.assertNoValidHost(refused)
        self.assertUntouched(*victims)
        self.boot(2, hints=group, min_count=2)
        self.assertGone(*victims)

    def test_two_members_may_share_a_host_by_its_rule(self):
        group = self.group('anti-affinity', max_server_per_host=2)
        self.boot(10, 'host1')
        normal = self.boot(2, hints=group)
        member = self.boot_preemptible(2, hints=group)
        other = self.boot_preemptible(6)
        # The second normal one takes the place of a member, and no third may.
        preemptor = self.boot(2, hints=group)
        self.assertGone(member)
        self.assertUntouched(normal, other, preemptor)
        self.assertNoValidHost(self.boot(2, hints=group, state='ERROR'))
        self.assertUntouched(other)

    def test_a_member_is_kept_where_the_rule_has_room_for_it(self):
        group = self.group('anti-affinity', max_server_per_host=2)
        self.boot(10, 'host1')
        member = self.boot_preemptible(5, hints=group)
        victim = self.boot_preemptible(5)
        self.has_run(member, 3000)
        preemptor = self.boot(5, hints=group)
        self.assertGone(victim)
        self.assertUntouched(member, preemptor)


class AffinityTest(GroupCase):
    def test_preemptibles_give_way_on_the_only_host_of_the_group(self):
        group = self.group('affinity')
        member = self.boot(2, 'host1', hints=group)
        victims = [self.boot_preemptible(4, 'host1') for _ in range(2)]
        elsewhere = self.boot_preemptible(10, 'host2')
        preemptor = self.boot(8, hints=group)
        self.assertEqual('host1', self.host_of(preemptor))
        self.assertGone(*victims)
        self.assertUntouched(member, elsewhere, preemptor)

    def test_the_only_member_stays_although_it_is_the_cheapest(self):
        group = self.group('affinity')
        member = self.boot_preemptible(5, 'host1', hints=group)
        dear = self.boot_preemptible(5, 'host1')
        elsewhere = self.boot_preemptible(10, 'host2')
        self.has_run(dear, 3000)
        preemptor = self.boot(5, hints=group)
        self.assertEqual('host1', self.host_of(preemptor))
        self.assertGone(dear)
        self.assertUntouched(member, elsewhere, preemptor)

    def test_the_only_member_is_not_evicted_for_its_companion(self):
        group = self.group('affinity')
        member = self.boot_preemptible(10, 'host1', hints=group)
        elsewhere = self.boot_preemptible(10, 'host2')
        refused = self.boot(5, hints=group, state='ERROR')
        self.assertNoValidHost(refused)
        self.assertUntouched(member, elsewhere)

    def test_preemptors_of_one_request_keep_together(self):
        group = self.group('affinity')
        small = [self.boot_preemptible(10, 'host1'), self.boot(5, 'host2')]
        victim = self.boot_preemptible(5, 'host2')
        self.has_run(small[0], 3000)
        self.boot(5, hints=group, min_count=2)
        self.assertGone(small[0])
        self.assertUntouched(victim)
        self.assertEqual(10, self.used_vcpus('host1'))


class CompanionTest(GroupCase):
    def configure(self):
        self.flags(
            enabled_filters=[
                *CONF.filter_scheduler.enabled_filters,
                'SameHostFilter',
                'DifferentHostFilter',
            ],
            group='filter_scheduler',
        )

    def test_a_preemptible_companion_stays_although_it_is_the_cheapest(self):
        companion = self.boot_preemptible(5, 'host1')
        dear = self.boot_preemptible(5, 'host1')
        elsewhere = self.boot_preemptible(10, 'host2')
        self.has_run(dear, 3000)
        preemptor = self.boot(5, hints={'same_host': companion['id']})
        self.assertEqual('host1', self.host_of(preemptor))
        self.assertGone(dear)
        self.assertUntouched(companion, elsewhere, preemptor)

    def test_one_of_two_companions_is_enough(self):
        companions = [self.boot_preemptible(5, 'host1') for _ in range(2)]
        elsewhere = self.boot_preemptible(10, 'host2')
        self.has_run(companions[0], 3000)
        preemptor = self.boot(
            5, hints={'same_host': [item['id'] for item in companions]}
        )
        self.assertEqual('host1', self.host_of(preemptor))
        self.assertGone(companions[1])
        self.assertUntouched(companions[0], elsewhere, preemptor)

    def test_a_companion_is_not_evicted_for_a_server_that_wants_it_near(self):
        companion = self.boot_preemptible(10, 'host1')
        elsewhere = self.boot_preemptible(10, 'host2')
        refused = self.boot(
            5, hints={'same_host': companion['id']}, state='ERROR'
        )
        self.assertNoValidHost(refused)
        self.assertUntouched(companion, elsewhere)

    def test_a_request_for_another_host_than_a_normal_servers_gets_it(self):
        self.boot(5, 'host1')
        other = self.boot(1, 'host1')
        cheap = self.boot_preemptible(4, 'host1')
        dear = [self.boot_preemptible(5, 'host2') for _ in range(2)]
        for server in dear:
            self.has_run(server, 3000)
        preemptor = self.boot(3, hints={'different_host': other['id']})
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertUntouched(other, cheap, preemptor)
        self.assertEqual(1, sum(self.is_alive(server) for server in dear))
