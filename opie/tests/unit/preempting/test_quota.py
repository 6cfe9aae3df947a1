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


"""Which requests wait for quota, withdraw for it, or are refused."""

import time
from unittest import mock

import fixtures
from oslo_utils.fixture import uuidsentinel as uuids

from opie.conf import operations
from opie.scheduler import errors
from opie.scheduler import waiting
from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.nova_db import builds
from opie.scheduler.nova_db import instances
from opie.scheduler.nova_db import moves
from opie.scheduler.preempting import quota
from opie.tests.unit.claims import cloud

_ONE = builds.Usage('a user', 1, 1, 1)


class _Records:
    """Quota for some servers, of which one is asked for."""

    counts_claims = False
    project_id = cloud.PROJECT
    requested = _ONE

    def __init__(self, limit):
        self.limit = limit

    def why_not(self, pending, planned=()):
        if len(pending) + len(planned) + 1 > self.limit:
            return ValueError('Quota exceeded')
        return None


class _Claims(_Records):
    """Quota for some VCPU, of those that are claimed."""

    counts_claims = True

    def __init__(self, limit, claimed):
        super().__init__(limit)
        self.claimed = claimed

    def why_not_claimed(self, dropped):
        dropped = sum(amounts['VCPU'] for _, amounts in dropped)
        if self.claimed - dropped > self.limit:
            return ValueError('Quota exceeded')
        return None


class QuotaTestCase(cloud.CloudTestCase):
    def setUp(self):
        super().setUp()
        self.began = round(time.time(), 3)
        # Servers that have no record yet, by project.
        self.waiting = {cloud.PROJECT: {uuids.own}, 'other': set()}
        for owner, name, stand_in in (
            (builds, 'waiting', self._waiting),
            (instances, 'has_build_request', self._has_build_request),
        ):
            self.useFixture(fixtures.MockPatchObject(owner, name, stand_in))
        self.deadline = waiting.Deadline.after(60)

    def _waiting(self, context, project_id, servers):
        return dict.fromkeys(self.waiting[project_id] & set(servers), _ONE)

    def _has_build_request(self, context, server):
        return any(server in servers for servers in self.waiting.values())

    def open(self, name, seconds_later=0, project=cloud.PROJECT):
        """Have a pending preemptor in the journal."""
        preemption = journal_names.Preemption(
            getattr(uuids, 'journal of ' + name),
            getattr(uuids, name),
            1,
            cloud.DEADLINE,
            uuids.host,
            'a scheduler',
            self.began + seconds_later,
            journal_names.label(project),
        )
        self.waiting[project].add(preemption.preemptor)
        journal.open_provider(self.client, preemption, [cloud.booked(VCPU=1)])
        return preemption

    def quota(self, driver):
        return quota.Quota(driver, [uuids.own], self.client)

    def let_time_pass(self, seconds, action):
        """Do something once that much time was waited."""
        done, real = [], self.clock.sleep

        def sleep(more):
            real(more)
            if self.clock.seconds >= seconds and not done:
                done.append(action())

        self.clock.sleep = sleep


class BeforeAPlanTest(QuotaTestCase):
    def check(self, limit):
        self.quota(_Records(limit)).check(self.deadline)

    def assertRefused(self, limit):
        error = self.assertRaises(errors.QuotaExceeded, self.check, limit)
        self.assertIsInstance(error.answer, ValueError)

    def test_where_nova_does_not_ask_nothing_is_read(self):
        self.quota(None).check(self.deadline)
        self.assertEqual([], self.placement.calls)

    def test_what_is_allowed_does_not_wait(self):
        self.open('other')
        self.check(2)
        self.assertEqual(0, self.clock.seconds)

    def test_without_pending_preemptors_it_is_refused_at_once(self):
        self.waiting[cloud.PROJECT].add(uuids.not_in_the_journal)
        self.assertRefused(0)
        self.assertEqual(0, self.clock.seconds)

    def test_those_of_other_projects_do_not_count(self):
        self.open('other', project='other')
        self.check(1)
        self.assertRefused(0)
        self.assertEqual(0, self.clock.seconds)

    def test_its_own_earlier_attempt_does_not_count(self):
        self.open('own')
        self.check(1)

    def test_it_waits_for_pending_preemptors(self):
        self.open('other')
        self.let_time_pass(10, self.waiting[cloud.PROJECT].clear)
        self.waiting['other'].add(uuids.own)
        self.check(1)
        self.assertGreaterEqual(self.clock.seconds, 10)
        self.assertEqual(1, len(self.logged('waits for pending')))

    def test_until_its_time_is_over(self):
        self.open('other')
        self.assertRefused(1)
        self.assertGreaterEqual(self.clock.seconds, 60)
        self.assertLess(self.clock.seconds, 65)

    def test_unless_its_owner_deletes_it(self):
        self.open('other')
        self.waiting[cloud.PROJECT].discard(uuids.own)
        error = self.assertRaises(errors.NoRoomMade, self.check, 1)
        self.assertIn('deleted', str(error))

    def test_or_preemption_is_switched_off(self):
        self.open('other')
        self.let_time_pass(
            5, lambda: cloud.CONF.set_override('enabled', False, 'opie')
        )
        self.assertRaises(errors.SwitchedOff, self.check, 1)

    def test_those_that_were_planned_before_it_count(self):
        mine, earlier = self.quota(_Records(2)), self.quota(_Records(2))
        mine.check_beside([earlier], self.in_flight())
        self.open('other')
        mine.check_beside([], self.in_flight())
        error = self.assertRaises(
            errors.AttemptVoid, mine.check_beside, [earlier], self.in_flight()
        )
        self.assertTrue(error.is_race)


class BeforeAnEvictionTest(QuotaTestCase):
    def check(self, driver, *own):
        self.quota(driver).check_again(own)

    def assertWithdraws(self, driver, *own):
        error = self.assertRaises(errors.AttemptVoid, self.check, driver, *own)
        self.assertTrue(error.is_race)

    def close(self, preemption):
        journal.close_provider(self.client, preemption.journal_provider)

    def test_without_others_it_is_refused(self):
        self.assertRaises(
            errors.QuotaExceeded, self.check, _Records(0), self.open('own')
        )

    def test_it_withdraws_for_one_that_began_before(self):
        self.open('other', -1)
        self.assertWithdraws(_Records(1), self.open('own'))
        self.assertEqual(0, self.clock.seconds)

    def test_one_that_began_later_withdraws_for_it(self):
        own, other = self.open('own'), self.open('other', 1)
        self.let_time_pass(0.1, lambda: self.close(other))
        self.check(_Records(1), own)
        self.assertGreater(self.clock.seconds, 0)

    def test_it_withdraws_where_the_later_one_does_not(self):
        own, _ = self.open('own'), self.open('other', 1)
        self.assertWithdraws(_Records(1), own)
        self.assertGreaterEqual(self.clock.seconds, 1)

    def test_claims_that_will_be_dropped_do_not_count(self):
        """Of three with quota for two, the last one withdraws."""
        self.host('a host', VCPU=9)
        began = {'first': -1, 'own': 0, 'last': 1}
        preemptions = {}
        for name, seconds in began.items():
            preemptions[name] = self.open(name, seconds)
            self.server(name, 'a host', VCPU=2)
        driver = _Claims(4, 6)

        def withdraw():
            self.close(preemptions['last'])
            driver.claimed = 4

        self.let_time_pass(0.1, withdraw)
        self.check(driver, preemptions['own'])

    def test_it_withdraws_where_the_first_ones_have_claimed_too_much(self):
        self.open('first', -1)
        self.assertWithdraws(_Claims(2, 4), self.open('own'))
        self.assertEqual(0, self.clock.seconds)


class MovesTest(cloud.CloudTestCase):
    """nova counts for a move where it claims what was not counted before."""

    def is_counted(self, operation):
        move = operation and moves.Move(operation)
        context, spec = mock.Mock(), mock.Mock()
        found = quota.of(
            context, spec, ('project', 'user'), [uuids.new], None, move
        )
        return found.driver is not None

    def test_where_records_count_an_offloaded_server_counts_already(self):
        self.assertTrue(self.is_counted(None))
        for operation in operations.ALL[1:]:
            self.assertFalse(self.is_counted(operation), operation)

    def test_where_claims_count_an_unshelving_does(self):
        cloud.CONF.set_override('count_usage_from_placement', True, 'quota')
        for operation in operations.ALL[1:]:
            self.assertIs(
                operation == operations.UNSHELVE, self.is_counted(operation)
            )
