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

"""Limits of the preemptions that may begin within a minute."""

import threading

import fixtures
from nova.scheduler.client import report

from opie.scheduler import errors
from opie.scheduler.claims import claim as allocations
from opie.scheduler.claims import rate_limits
from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import confirmation
from opie.scheduler.preempting import victim_checks
from opie.tests.functional import base
from opie.tests.functional import projects

_PER_PROJECT = 'max_preemptions_per_minute_per_project'
_OVERALL = 'max_preemptions_per_minute'


class RatesTestCase(projects.ProjectsMixin, base.CloudTestCase):
    """A full cloud of two preemptible servers."""

    def survivors(self):
        return [one for one in self.victims if self.is_alive(one)]

    def assertRefused(self, option, vcpu=5, **members):
        before = self.survivors()
        refused = self.boot(vcpu, state='ERROR', **members)
        self.assertNoValidHost(refused)
        self.assertUntouched(*before)
        (line,) = self.logged('No room is made for %s' % refused['id'])
        self.assertIn('[opie] %s (' % option, line)

    def let_a_minute_pass(self):
        self.useFixture(
            fixtures.MockPatchObject(rate_limits, 'WINDOW_SECONDS', 0)
        )


class RatesTest(RatesTestCase):
    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.victims = [self.boot_preemptible(5) for _ in range(2)]

    def test_a_project_may_not_begin_more(self):
        self.flags(**{_PER_PROJECT: 1}, group='opie')
        self.assertUntouched(self.boot(5))
        self.assertRefused(_PER_PROJECT)
        with self.another_project():
            self.assertUntouched(self.boot(5))
        self.assertEqual([], self.survivors())

    def test_nor_may_all_projects_together(self):
        self.flags(**{_OVERALL: 1}, group='opie')
        with self.another_project():
            self.assertUntouched(self.boot(5))
        self.assertRefused(_OVERALL)

    def test_the_reaper_keeps_what_counts_and_no_longer(self):
        self.flags(**{_OVERALL: 1}, group='opie')
        self.boot(5)
        self.reap()
        self.assertEqual(1, len(self.journal_providers()))
        self.assertRefused(_OVERALL)
        self.let_a_minute_pass()
        self.assertNoJournal()

    def test_each_server_that_takes_counts(self):
        self.flags(**{_OVERALL: 1}, group='opie')
        self.assertRefused(_OVERALL, min_count=2, max_count=2)
        self.flags(**{_OVERALL: 2}, group='opie')
        self.boot(5, min_count=2, max_count=2)
        self._wait_for_assert(lambda: self.assertEqual([], self.survivors()))

    def test_one_that_fails_after_an_eviction_counts(self):
        def stop(real, *args):
            raise errors.NoRoomMade('the compute is down')

        self.flags(**{_OVERALL: 1}, group='opie')
        self.wrap_once(confirmation.Confirmation, 'wait', stop)
        self.assertNoValidHost(self.boot(5, state='ERROR'))
        self._wait_for_assert(
            lambda: self.assertEqual(1, len(self.survivors()))
        )
        self.boot_preemptible(5)
        self.assertRefused(_OVERALL)

    def test_one_that_has_lost_its_claim_gets_the_room_that_it_made(self):
        def drop(real, claim, nomination):
            client = placement.Client(report.report_client_singleton())
            consumer = client.consumer(nomination.preemptor)
            client.replace_allocations({consumer.uuid: consumer.body({})})
            return real(claim, nomination)

        self.flags(**{_OVERALL: 1}, group='opie')
        self.wrap_once(allocations.Claim, 'holds_for', drop)
        self.assertUntouched(self.boot(5))
        self.assertEqual(1, len(self.survivors()))

    def test_one_that_fails_before_does_not_count(self):
        def stop(real, *args):
            raise errors.NoRoomMade('the compute is down')

        self.flags(**{_OVERALL: 1}, group='opie')
        self.wrap_once(victim_checks.VictimChecks, 'check_service', stop)
        self.assertNoValidHost(self.boot(5, state='ERROR'))
        self.assertUntouched(*self.victims)
        self.assertUntouched(self.boot(5))

    def test_room_needs_no_leave(self):
        """A host that nova has overlooked has room."""
        self.flags(**{_OVERALL: 1}, group='opie')
        self.boot(5)
        hidden = self.start_compute('host2')
        self.hide_room()
        found = self.boot(5)
        self.assertEqual(hidden.host, self.host_of(found))
        self.assertEqual(1, len(self.survivors()))
        self.boot(5)
        self.assertRefused(_OVERALL)


class TwoWorkersTest(RatesTestCase):
    """Two requests at a time, as if in two workers; one may preempt.

    Each has a host of its own to go to, so that only the limit is between
    them.
    """

    def setUp(self):
        super().setUp()
        self.victims = [self.boot_preemptible(10, host) for host in self.hosts]
        self.flags(**{_OVERALL: 1}, group='opie')
        self.plan_as_in_many_workers()

    def outcome(self, servers):
        """Wait for the end of all; return (those that run, the others)."""

        def states():
            return {
                one['id']: self.api.get_server(one['id'])['status']
                for one in servers
            }

        self._wait_for_assert(
            lambda: self.assertNotIn('BUILD', states().values())
        )
        ended = states()
        return (
            [uuid for uuid, state in ended.items() if state == 'ACTIVE'],
            [uuid for uuid, state in ended.items() if state == 'ERROR'],
        )

    def assertOnePreempts(self, servers):
        active, failed = self.outcome(servers)
        self.assertEqual((1, 1), (len(active), len(failed)))
        self.assertEqual(1, len(self.survivors()))
        self.assertUntouched(*self.survivors())
        (line,) = self.logged('No room is made for %s' % failed[0])
        self.assertIn('[opie] %s (1)' % _OVERALL, line)
        # A preemption that did not begin leaves no journal that counts.
        self.assertEqual(1, len(self.journal_providers()))

    def test_both_have_opened_before_one_counts(self):
        barrier = threading.Barrier(2)

        def meet(real, *args):
            barrier.wait(base.WAIT_SECONDS)
            return real(*args)

        self.wrap(rate_limits, 'check_again', meet)
        self.assertOnePreempts(
            [self.boot(10, host, state=None) for host in self.hosts]
        )
