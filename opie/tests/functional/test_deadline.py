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

"""Victims that nova cannot delete, or takes long to delete."""

import dataclasses

from testtools import testcase

from opie.scheduler import waiting
from opie.scheduler.preempting import confirmation
from opie.tests.functional import base

_TIMEOUT_SECONDS = 40


class ResizedVictimTest(base.CloudTestCase):
    """A victim was resized from host1 to host2, which is not confirmed."""

    def setUp(self):
        super().setUp()
        self.victim = self.boot_preemptible(4, 'host1')
        self.normal = self.boot(6, 'host1')
        self.api.post_server_action(
            self.victim['id'], {'resize': {'flavorRef': self.flavor(10)}}
        )
        self._wait_for_state_change(self.victim, 'VERIFY_RESIZE')
        self.assertEqual('host2', self.host_of(self.victim))

    @testcase.attr('smoke')
    def test_it_goes_from_both_hosts(self):
        preemptor = self.boot(10)
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertGone(self.victim)
        self.assertUntouched(self.normal, preemptor)
        self.assertEqual(6, self.used_vcpus('host1'))
        self.assertNoJournal()

    def test_it_is_kept_while_the_host_it_came_from_is_down(self):
        (service,) = self.api.get_services('nova-compute', 'host1')
        self.api.put_service_force_down(service['id'], True)
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        now = self.api.get_server(self.victim['id'])
        self.assertEqual('VERIFY_RESIZE', now['status'])
        self.assertIsNone(now['OS-EXT-STS:task_state'])
        provider = self._get_provider_uuid_by_host('host2')
        held = self.allocations(self.victim)[provider]['resources']
        self.assertEqual(10, held['VCPU'])
        self.assertNoJournal()
        self.assertTrue(self.logged('resized from host1'))


class DeadlineTest(base.CloudTestCase):
    hosts = ('host1',)

    def configure(self):
        super().configure()
        self.flags(preemption_timeout_seconds=_TIMEOUT_SECONDS, group='opie')

    def hold_deletions_for_too_long(self):
        """Hold deletions, and let the deadline pass when one has begun."""
        begun, release = self.hold_deletions()

        def confirm(real, work, *args):
            begun.wait(base.WAIT_SECONDS)
            # As if the preemption had begun so much earlier.
            sources = work._attempt.sources
            work._attempt.sources = dataclasses.replace(
                sources,
                deadline=waiting.Deadline(
                    sources.deadline.at - _TIMEOUT_SECONDS
                ),
            )
            return real(work, *args)

        self.wrap(confirmation.Confirmation, 'wait', confirm)
        return begun, release

    def test_room_of_a_victim_that_still_runs_is_not_sold_again(self):
        victim = self.boot_preemptible(10)
        _, release = self.hold_deletions_for_too_long()
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.assertHolds(10, victim)
        self.assertNoValidHost(self.boot(1, state='ERROR'))
        self.assertNoJournal()
        release.set()
        self._wait_until_deleted(victim)
        self.assertGone(victim)
        self.assertUntouched(self.boot(10))

    def test_a_victim_that_takes_too_long_is_not_waited_for(self):
        victim, other = self.boot_preemptible(5), self.boot_preemptible(5)
        begun, release = self.hold_deletions_for_too_long()
        preemptor = self.boot(5, state='ERROR')
        self.assertNoValidHost(preemptor)
        self.assertTrue(begun.is_set())
        (sent,) = [
            item
            for item in (victim, other)
            if self.api.get_server(item['id'])['OS-EXT-STS:task_state']
        ]
        (survivor,) = [item for item in (victim, other) if item is not sent]
        self.assertUntouched(survivor)
        self.assertHolds(5, sent)
        self.assertNoJournal()
        release.set()
        self._wait_until_deleted(sent)
        self.assertGone(sent)
        self.assertEqual(5, self.used_vcpus('host1'))
        self.assertTrue(
            self.logged('[opie] preemption_timeout_seconds are over')
        )
