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

"""Which preemptions a rate limit counts, and which of too many go on."""

import time

from oslo_utils.fixture import uuidsentinel as uuids

from opie.preemption import model
from opie.scheduler import errors
from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import rate_limits
from opie.tests.stand_ins.placement import client as stand_in
from opie.tests.unit.claims import cloud

PATIENCE_SECONDS = 1
PAUSE_SECONDS = 0.05


class RateLimitsTestCase(cloud.CloudTestCase):
    def setUp(self):
        super().setUp()
        # Names of the journal tell times in milliseconds.
        self.began = round(time.time(), 3)
        # A preemption of an earlier release, or one that takes nothing.
        self.old = journal_names.Preemption(
            uuids.provider, uuids.old, 1, cloud.DEADLINE, uuids.host, 'host'
        )

    def limit(self, overall=0, per_project=0):
        for name, value in (
            ('max_preemptions_per_minute', overall),
            ('max_preemptions_per_minute_per_project', per_project),
        ):
            cloud.CONF.set_override(name, value, 'opie')

    def preemption(self, name, seconds_later=0, project=cloud.PROJECT):
        """Return a preemption that began so much later than others."""
        return journal_names.Preemption(
            getattr(uuids, 'journal of ' + name),
            getattr(uuids, name),
            1,
            cloud.DEADLINE,
            uuids.host,
            'a scheduler',
            self.began + seconds_later,
            journal_names.label(project),
        )

    def open(self, *args):
        """Open the journal of a :meth:`preemption`, and return that."""
        preemption = self.preemption(*args)
        journal.open_provider(self.client, preemption, [cloud.booked(VCPU=1)])
        return preemption

    def close(self, preemption):
        journal.close_provider(self.client, preemption.journal_provider)

    def check(self, *own, project=cloud.PROJECT):
        rate_limits.check_again(self.client, own, project)

    def assertReached(self, *own, option='max_preemptions_per_minute'):
        reached = self.assertRaises(errors.LimitReached, self.check, *own)
        self.assertIn('[opie] %s (' % option, str(reached))


class CountTest(RateLimitsTestCase):
    def count(self, *seconds_ago, number=1, project=cloud.PROJECT):
        """Return why so many more may not begin."""
        return rate_limits.why_not(
            [
                self.preemption('other', -seconds, project)
                for seconds in seconds_ago
            ],
            cloud.PROJECT,
            number,
        )

    def test_without_a_limit_any_number_may_begin(self):
        self.assertFalse(rate_limits.are_limited())
        self.assertIsNone(self.count(*range(50), number=50))

    def test_those_of_the_last_minute_count(self):
        self.limit(2)
        self.assertIsNone(self.count(30))
        self.assertIsNone(self.count(30, 61, 3600))
        reason = self.count(1, 59)
        self.assertIn('[opie] max_preemptions_per_minute (2)', reason)

    def test_clocks_that_are_ahead_count_if_only_a_little(self):
        self.limit(1)
        self.assertIsNotNone(self.count(-5))
        self.assertIsNone(self.count(-3600))

    def test_a_project_counts_for_itself(self):
        self.limit(per_project=2)
        self.assertIsNone(self.count(1, 2, 3, project='another'))
        self.assertIn('per_project (2)', self.count(1, 2))

    def test_several_count_as_several(self):
        self.limit(3)
        self.assertIsNone(self.count(1, number=2))
        self.assertIn('3 more: 1 began', self.count(1, number=3))

    def test_what_has_no_time_does_not_count(self):
        self.limit(1)
        self.assertIsNone(rate_limits.why_not([self.old] * 3, cloud.PROJECT))


class CheckAgainTest(RateLimitsTestCase):
    def test_without_a_limit_the_journal_is_not_read(self):
        own = self.open('own')
        before = len(self.placement.calls)
        self.check(own)
        self.assertEqual(before, len(self.placement.calls))

    def test_what_takes_nothing_of_a_victim_does_not_count(self):
        self.limit(1)
        self.open('other', -1)
        self.check(self.old)

    def test_one_does_not_count_against_itself(self):
        self.limit(1)
        own = self.open('own')
        self.check(own)
        self.limit(2)
        self.check(own, self.open('second'))

    def test_one_that_began_before_ends_it_at_once(self):
        self.limit(1)
        self.open('other', -1)
        self.assertReached(self.open('own'))
        self.assertEqual(0, self.clock.seconds)

    def test_one_of_more_than_a_minute_ago_does_not_count(self):
        self.limit(1)
        self.open('other', -61)
        self.check(self.open('own'))

    def test_one_that_began_later_is_waited_for_to_withdraw(self):
        self.limit(1)
        own, other = self.open('own'), self.open('other', 1)
        self.placement.interrupt(
            'get',
            '/resource_providers',
            stand_in.first(lambda: self.close(other)),
            number=4,
        )
        self.check(own)
        self.assertAlmostEqual(3 * PAUSE_SECONDS, self.clock.seconds)

    def test_one_that_began_later_and_stays_ends_it(self):
        """It had counted the journals before the earlier one was open."""
        self.limit(1)
        own, _ = self.open('own'), self.open('other', 1)
        self.assertReached(own)
        self.assertLessEqual(PATIENCE_SECONDS, self.clock.seconds)
        self.assertLess(
            self.clock.seconds, PATIENCE_SECONDS + 2 * PAUSE_SECONDS
        )

    def test_of_two_that_began_together_one_withdraws_at_once(self):
        self.limit(1)
        both = self.open('one'), self.open('other')
        waited = []
        for own in both:
            before = self.clock.seconds
            self.assertReached(own)
            waited.append(self.clock.seconds > before)
        self.assertEqual({True, False}, set(waited))

    def test_other_projects_do_not_count_for_the_limit_of_one(self):
        self.limit(per_project=1)
        self.open('other', -1, 'another project')
        own = self.open('own')
        self.check(own)
        self.open('same', -1)
        self.assertReached(
            own, option='max_preemptions_per_minute_per_project'
        )

    def test_all_of_one_request_count_together(self):
        self.limit(2)
        self.open('other', -1)
        own = self.open('own')
        self.check(own)
        self.assertReached(own, self.open('second'))


class CheckPlanTest(RateLimitsTestCase):
    def plan_of(self, *takers):
        """Return a plan in which preemptors take from one victim."""
        return model.Plan(
            shares={'victim': {taker: {'VCPU': 1} for taker in takers}}
        )

    def check_plan(self, *takers):
        rate_limits.check_plan(
            self.plan_of(*takers), self.in_flight(), cloud.PROJECT
        )

    def test_all_that_take_from_victims_count(self):
        self.limit(2)
        self.check_plan('one', 'two')
        reached = self.assertRaises(
            errors.LimitReached, self.check_plan, 'one', 'two', 'three'
        )
        self.assertIn('does not allow 3 more', str(reached))

    def test_room_needs_no_leave(self):
        self.limit(1)
        self.open('other', -1)
        self.check_plan()
        self.assertRaises(errors.LimitReached, self.check_plan, 'one')
