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

"""Claims when placement does not answer."""

from oslo_utils.fixture import uuidsentinel as uuids

from opie.scheduler.placement import client as placement
from opie.tests.stand_ins.placement import client as stand_in
from opie.tests.unit.claims import cloud
from opie.tests.unit.claims import test_claim as claims


class OutageTest(claims.ClaimTestCase):
    def at_the_write(self, what, number=1):
        self.placement.interrupt('post', '/allocations', what, number)

    def test_a_lost_answer_to_a_claim_that_was_made_is_no_failure(self):
        before = len(self.writes())
        self.at_the_write(stand_in.lose_answer)
        self.make(self.one)
        self.assertMade()
        self.assertEqual(1, len(self.writes()) - before)

    def test_one_that_is_repeated_on_its_way_is_no_failure(self):
        """Placement refuses the second copy of it."""

        def repeat(call):
            call()
            return call()

        self.at_the_write(repeat)
        self.make(self.one)
        self.assertMade()

    def test_a_claim_that_has_not_arrived_fails(self):
        for what in (
            stand_in.unreachable,
            stand_in.answer(500),
            stand_in.answer(503),
        ):
            self.at_the_write(what)
            self.assertFails()
            self.assertEqual({'host': {'VCPU': 4}}, self.held('victim'))

    def test_one_that_arrives_later_is_refused(self):
        self.at_the_write(stand_in.unreachable)
        self.assertFails()
        late = self.placement.post('/allocations', self.writes()[-1])
        self.assertEqual(400, late.status_code)
        self.assertEqual({'host': {'VCPU': 4}}, self.held('victim'))

    def test_one_that_arrives_amid_closing_its_journal_is_made(self):
        def delay(call):
            self.placement.interrupt(
                'get',
                '/resource_providers/.*/inventories',
                stand_in.first(call),
            )
            stand_in.unreachable(call)

        self.at_the_write(delay)
        self.make(self.one)
        self.assertMade()

    def test_one_that_arrives_after_it_was_given_back_keeps_its_journal(self):
        """So it is given back once more."""
        self.one.prepare(1, cloud.DEADLINE, 'a scheduler', cloud.WORKER)
        late = self.one.bodies({})
        self.assertTrue(self.one.give_back_for({uuids.new}))
        self.client.replace_allocations(late)
        self.assertFalse(self.one.close_journal({uuids.new}))
        self.assertTrue(self.one.give_back_for({uuids.new}))
        self.assertTrue(self.one.close_journal({uuids.new}))
        self.assertEqual({}, self.held('new'))
        self.assertEqual({'host': {'VCPU': 4}}, self.held('victim'))
        self.assertNoJournal()

    def test_a_placement_that_stays_silent_leaves_it_to_be_given_back(self):
        def fall_silent(call):
            self.placement.interrupt(
                'get', '', stand_in.unreachable, number=None
            )
            stand_in.lose_answer(call)

        self.at_the_write(fall_silent)
        self.assertRaises(placement.NoAnswer, self.make, self.one)
        self.placement.stop_interrupting()
        self.assertMade()
        self.assertTrue(self.one.give_back_for({uuids.new}))
        self.assertEqual({'host': {'VCPU': 4}}, self.held('victim'))

    def test_one_without_victims_may_arrive_so_its_journal_stays(self):
        self.one = self.claim(self.plan({'new': 'host'}, {}), VCPU=3)
        self.at_the_write(stand_in.unreachable)
        self.assertRaises(placement.NoAnswer, self.make, self.one)
        self.one.close_journal({uuids.new})
        self.assertEqual(1, len(self.in_flight()))

    def test_one_without_victims_that_is_refused_leaves_nothing(self):
        self.one = self.claim(self.plan({'new': 'host'}, {}), VCPU=4)
        self.assertFails()

    def test_one_without_victims_that_was_made_is_closed(self):
        self.one = self.claim(self.plan({'new': 'host'}, {}), VCPU=3)
        self.at_the_write(stand_in.lose_answer)
        self.make(self.one)
        self.one.close_journal({uuids.new})
        self.assertNoJournal()

    def test_a_journal_that_cannot_be_opened_leaves_all_as_it_was(self):
        self.placement.interrupt(
            'post', '/resource_providers', stand_in.answer(503)
        )
        self.assertRaises(placement.NoAnswer, self.make, self.one)
        self.assertEqual({}, self.held('new'))
        self.assertEqual({'host': {'VCPU': 4}}, self.held('victim'))
