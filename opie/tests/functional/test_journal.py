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

"""The journal of a preemption in the real placement."""

from testtools import testcase

from opie.scheduler.placement import client as placement
from opie.tests.functional import base


class JournalTest(base.CloudTestCase):
    hosts = ('host1',)

    @testcase.attr('smoke')
    def test_no_server_gets_the_surplus_of_a_victim_that_still_runs(self):
        victim = self.boot_preemptible(10)
        begun, release = self.hold_deletions()
        preemptor = self.boot(4, state=None)
        self.assertTrue(begun.wait(base.WAIT_SECONDS))
        self.assertEqual(10, self.used_vcpus('host1'))
        # One that may not preempt does not wait for it either.
        self.assertNoValidHost(self.boot_preemptible(6, state='ERROR'))
        provider = self._get_provider_uuid_by_host('host1')
        (entry,) = self.journal_providers()
        held = self.allocations(victim)
        self.assertEqual(6, held[provider]['resources']['VCPU'])
        self.assertEqual(
            {
                'CUSTOM_PREEMPTED_VCPU': 4,
                'CUSTOM_PREEMPTED_MEMORY_MB': 400,
                'CUSTOM_PREEMPTED_DISK_GB': 1,
                'CUSTOM_PREEMPTED_SERVER': 1,
            },
            held[entry['uuid']]['resources'],
        )
        self.assertIn(preemptor['id'], entry['name'])
        release.set()
        self._wait_for_state_change(preemptor, 'ACTIVE')
        self.assertUntouched(preemptor, self.boot(6))
        self.assertNoJournal()

    def test_no_claim_arrives_while_its_journal_is_being_deleted(self):
        """Placement would delete it with what is booked in that moment."""
        late, refused = [], []

        def lose(real, client, bodies):
            late.append(bodies)
            raise placement.NoAnswer('504')

        def arrive(real, client, provider):
            if late:
                try:
                    client.replace_allocations(late.pop())
                except placement.ErrorResponse:
                    refused.append(provider)
            return real(client, provider)

        self.wrap_once(placement.Client, 'replace_allocations', lose)
        self.wrap(placement.Client, 'delete_provider', arrive)
        victim = self.boot_preemptible(10)
        self.assertUntouched(self.boot(10))
        self.assertGone(victim)
        self.assertEqual(1, len(refused))
        self.assertNoJournal()
