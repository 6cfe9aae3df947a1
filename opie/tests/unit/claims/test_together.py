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

"""Claims of several requests that are written in one transaction."""

from oslo_utils.fixture import uuidsentinel as uuids

from opie.scheduler import errors
from opie.scheduler.claims import together
from opie.scheduler.claims import writing
from opie.tests.stand_ins.placement import client as stand_in
from opie.tests.unit.claims import cloud

_NAMES = ('first', 'second', 'third')


class TogetherTest(cloud.CloudTestCase):
    """Three requests, each at the cost of the server on a host of its own."""

    def setUp(self):
        super().setUp()
        self.claims = [self.prepared(name) for name in _NAMES]
        self.placement.calls.clear()

    def prepared(self, name):
        """Return the claim of a preemptor, which is prepared."""
        host, victim = 'host of ' + name, 'victim of ' + name
        self.host(host, VCPU=10)
        self.server(victim, host, VCPU=10)
        shares = {victim: {name: {'VCPU': 4}}}
        one = self.claim(self.plan({name: host}, shares), VCPU=4)
        one.prepare(1, cloud.DEADLINE, 'a scheduler', cloud.WORKER)
        return one

    def before_the_write(self, action):
        self.placement.interrupt(
            'post', '/allocations', stand_in.first(action)
        )

    def at_the_write(self, what):
        self.placement.interrupt('post', '/allocations', what)

    def assertMade(self, *names):
        for name in names:
            host, victim = 'host of ' + name, 'victim of ' + name
            self.assertEqual({host: {'VCPU': 4}}, self.held(name))
            self.assertEqual(
                {host: {'VCPU': 6}, 'journal': cloud.booked(VCPU=4)},
                self.held(victim),
            )

    def assertNotMade(self, name):
        self.assertEqual({}, self.held(name))
        self.assertNotIn(
            getattr(uuids, name), {one.preemptor for one in self.in_flight()}
        )

    def test_all_are_written_in_one_transaction(self):
        self.assertEqual({}, together.write(self.claims))
        self.assertEqual(1, len(self.writes()))
        self.assertMade(*_NAMES)

    def test_one_that_is_late_keeps_no_other_from_being_made(self):
        self.before_the_write(
            lambda: self.server('victim of second', 'host of second', VCPU=9)
        )
        failed = together.write(self.claims)
        self.assertEqual([self.claims[1]], list(failed))
        self.assertIsInstance(failed[self.claims[1]], errors.ClaimFailed)
        self.assertTrue(failed[self.claims[1]].is_race)
        self.assertMade('first', 'third')
        self.assertNotMade('second')
        self.assertEqual(
            {'host of second': {'VCPU': 9}}, self.held('victim of second')
        )

    def test_each_can_be_given_back_by_itself(self):
        together.write(self.claims)
        self.assertTrue(self.claims[0].give_back_for({uuids.first}))
        self.assertMade('second', 'third')
        self.assertEqual(
            {'host of first': {'VCPU': 10}}, self.held('victim of first')
        )

    def test_a_lost_answer_to_claims_that_were_made_is_no_failure(self):
        self.at_the_write(stand_in.lose_answer)
        self.assertEqual({}, together.write(self.claims))
        self.assertMade(*_NAMES)

    def test_claims_that_have_not_arrived_fail_and_are_refused_later(self):
        self.at_the_write(stand_in.unreachable)
        failed = together.write(self.claims)
        self.assertEqual(set(self.claims), set(failed))
        self.assertTrue(all(error.is_race for error in failed.values()))
        late = self.placement.post('/allocations', self.writes()[-1])
        self.assertEqual(400, late.status_code)
        for name in _NAMES:
            self.assertNotMade(name)

    def test_claims_that_arrive_amid_closing_a_journal_are_made(self):
        def delay(call):
            self.placement.interrupt(
                'get',
                '/resource_providers/.*/inventories',
                stand_in.first(call),
            )
            stand_in.unreachable(call)

        self.at_the_write(delay)
        self.assertEqual({}, together.write(self.claims))
        self.assertMade(*_NAMES)

    def test_one_without_victims_is_uncertain_when_the_answer_is_lost(self):
        """It could be written alone, as far as the journal tells."""
        self.host('free', VCPU=10)
        room = self.claim(self.plan({'guest': 'free'}, {}), VCPU=4)
        room.prepare(1, cloud.DEADLINE, 'a scheduler', cloud.WORKER)
        self.at_the_write(stand_in.unreachable)
        failed = together.write([room, *self.claims])
        self.assertIsInstance(failed[room], writing.AnswerLost)
        self.assertIsInstance(failed[self.claims[0]], errors.ClaimFailed)
        self.assertEqual(
            [uuids.guest], [one.preemptor for one in self.in_flight()]
        )
