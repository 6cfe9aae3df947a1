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

"""The options that say which victim is cheaper reach the plan."""

from opie.scheduler.planning import live_cloud
from opie.tests.functional import base

_HOUR_SECONDS = 3600


class ChoiceTest(base.CloudTestCase):
    def setUp(self):
        super().setUp()
        self.old, self.young = (
            self.boot_preemptible(10, host) for host in self.hosts
        )
        # Nearly a whole period is lost, and nearly nothing.
        self.has_run(self.old, 10 * _HOUR_SECONDS - 600)
        self.has_run(self.young, 600)

    def test_by_default_the_one_that_loses_least_of_a_period(self):
        preemptor = self.boot(10)
        self.assertGone(self.young)
        self.assertUntouched(self.old, preemptor)

    def test_a_young_server_is_protected_while_another_makes_room(self):
        self.flags(min_runtime_seconds=_HOUR_SECONDS, group='opie')
        first = self.boot(10)
        self.assertGone(self.old)
        self.assertUntouched(self.young, first)
        second = self.boot(10)
        self.assertGone(self.young)
        self.assertUntouched(first, second)

    def test_strict_protection_refuses_the_request(self):
        self.flags(
            min_runtime_seconds=_HOUR_SECONDS,
            min_runtime_strict=True,
            group='opie',
        )
        first = self.boot(10)
        self.assertGone(self.old)
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.assertUntouched(self.young, first)

    def test_age_can_outweigh_the_period(self):
        self.flags(preemptible_duration_weight_multiplier=-1000.0)
        self.flags(age_cost_multiplier=1000.0, group='opie')
        preemptor = self.boot(10)
        self.assertGone(self.young)
        self.assertUntouched(self.old, preemptor)

    def test_only_the_best_host_is_read(self):
        reads = self.watch_reads()
        # Until then nova's records have the initial allocation ratios.
        self.audit()
        self.boot(10)
        self.assertGone(self.young)
        provider = self._get_provider_uuid_by_host('host2')
        self.assertEqual([(provider,)], reads)

    def test_no_host_is_read_for_a_request_that_is_too_large_for_all(self):
        reads = self.watch_reads()
        self.audit()
        refused = self.boot(11, state='ERROR')
        self.assertNoValidHost(refused)
        self.assertEqual([], reads)
        (line,) = self.logged('No room is made for %s' % refused['id'])
        self.assertIn(
            '2 of 2 hosts: not enough VCPU even without preemptible servers',
            line,
        )

    def watch_reads(self):
        """Return a list that grows with the hosts that plans read."""
        reads = []

        def read(real, the_cloud, providers):
            reads.append(providers)
            return real(the_cloud, providers)

        self.wrap(live_cloud.NovaCloud, 'read', read)
        return reads
