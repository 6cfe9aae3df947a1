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

"""Claims when other writers are faster, or placement does not answer."""

import fixtures
from oslo_utils.fixture import uuidsentinel as uuids

from opie.scheduler import errors
from opie.scheduler.claims import claim_journal
from opie.scheduler.placement import client as placement
from opie.tests.stand_ins.placement import client as stand_in
from opie.tests.unit.claims import cloud


class ClaimTestCase(cloud.CloudTestCase):
    """A host of 10 VCPU: 3 of a normal server, 4 of a victim, 3 are free.

    A preemptor of 6 takes 3 of the victim.
    """

    def setUp(self):
        super().setUp()
        self.host('host', VCPU=10)
        self.server('normal', 'host', VCPU=3)
        self.server('victim', 'host', VCPU=4)
        self.one = self.claim(
            self.plan({'new': 'host'}, {'victim': {'new': {'VCPU': 3}}}),
            VCPU=6,
        )

    def before_the_write(self, action):
        self.placement.interrupt(
            'post', '/allocations', stand_in.first(action)
        )

    def assertMade(self):
        self.assertEqual({'host': {'VCPU': 6}}, self.held('new'))
        self.assertEqual(
            {'host': {'VCPU': 1}, 'journal': cloud.booked(VCPU=3)},
            self.held('victim'),
        )
        self.assertEqual(10, self.used('host'))

    def assertFails(self, is_race=True, victims=()):
        failed = self.assertRaises(errors.ClaimFailed, self.make, self.one)
        self.assertEqual(is_race, failed.is_race)
        self.assertEqual(
            {getattr(uuids, one) for one in victims}, failed.victims
        )
        self.assertEqual({}, self.held('new'))
        self.assertNoJournal()


class MakeTest(ClaimTestCase):
    def test_it_moves_capacity_and_books_what_was_taken(self):
        self.make(self.one)
        self.assertMade()
        (preemption,) = self.in_flight()
        self.assertEqual(uuids.new, preemption.preemptor)
        self.assertEqual(cloud.DEADLINE, preemption.deadline)

    def test_it_leaves_the_victims_to_their_owners(self):
        self.make(self.one)
        victim = self.client.consumer(uuids.victim)
        self.assertEqual('owner of victim', victim.project_id)
        new = self.client.consumer(uuids.new)
        self.assertEqual(
            (cloud.PROJECT, 'a user'), (new.project_id, new.user_id)
        )

    def test_a_victim_of_which_all_is_taken_holds_its_entry(self):
        plan = self.plan({'new': 'host'}, {'victim': {'new': {'VCPU': 4}}})
        self.make(self.claim(plan, VCPU=7))
        self.assertEqual(
            {'journal': cloud.booked(VCPU=4)}, self.held('victim')
        )

    def test_preemptors_share_a_victim_and_have_a_journal_each(self):
        shares = {'victim': {'new': {'VCPU': 1}, 'newer': {'VCPU': 2}}}
        plan = self.plan({'new': 'host', 'newer': 'host'}, shares)
        self.make(self.claim(plan, VCPU=3))
        self.assertEqual(
            {uuids.new, uuids.newer},
            {one.preemptor for one in self.in_flight()},
        )
        left = self.client.consumer(uuids.victim).allocations
        self.assertEqual({'VCPU': 1}, left.pop(uuids.host))
        self.assertEqual(
            [cloud.booked(VCPU=1), cloud.booked(VCPU=2)],
            sorted(left.values(), key=lambda entry: sorted(entry.items())),
        )

    def test_others_read_the_beginning_that_it_compares(self):
        """So of two that began together not both withdraw."""
        own = claim_journal.ClaimJournal(
            self.client,
            self.plan({'new': 'host'}, {'victim': {'new': {'VCPU': 1}}}),
            cloud.PROJECT,
        )
        with fixtures.MockPatchObject(
            claim_journal.time, 'time', lambda: 1764074545.1234
        ):
            own.open(1, cloud.DEADLINE, 'a scheduler', cloud.WORKER)
        self.assertEqual(list(own.preemptions.values()), self.in_flight())

    def test_without_victims_it_has_a_journal_that_does_not_count(self):
        self.make(self.claim(self.plan({'new': 'host'}, {}), VCPU=3))
        (preemption,) = self.in_flight()
        self.assertIsNone(preemption.began)
        self.assertEqual({'host': {'VCPU': 3}}, self.held('new'))


class RaceTest(ClaimTestCase):
    def test_a_victim_that_holds_something_else_is_none(self):
        self.server('victim', 'host', VCPU=2)
        self.assertFails(victims=['victim'])
        self.assertEqual({'host': {'VCPU': 2}}, self.held('victim'))

    def test_a_victim_of_another_claim_is_none(self):
        shares = {'victim': {'other': {'VCPU': 1}}}
        self.make(self.claim(self.plan({'other': 'host'}, shares), VCPU=4))
        self.assertRaises(errors.ClaimFailed, self.make, self.one)
        self.assertEqual({}, self.held('new'))
        (preemption,) = self.in_flight()
        self.assertEqual(uuids.other, preemption.preemptor)

    def test_a_victim_without_anything_to_take_of_is_seen_taken(self):
        """Its allocations on the host are as planned; the entry tells."""
        shares = {'victim': {'other': {}}}
        self.make(self.claim(self.plan({'other': 'host'}, shares), VCPU=3))
        failed = self.assertRaises(errors.ClaimFailed, self.make, self.one)
        self.assertEqual({uuids.victim}, failed.victims)

    def test_a_victim_that_was_rewritten_since_it_was_read(self):
        self.before_the_write(lambda: self.server('victim', 'host', VCPU=4))
        self.assertFails()
        self.assertEqual({'host': {'VCPU': 4}}, self.held('victim'))

    def test_a_victim_that_is_deleted_since_it_was_read(self):
        self.before_the_write(lambda: self.delete_server('victim'))
        self.assertFails()
        self.assertEqual({}, self.held('victim'))

    def test_another_server_takes_the_free_room(self):
        self.before_the_write(lambda: self.server('other', 'host', VCPU=1))
        self.assertFails()
        self.assertEqual({'host': {'VCPU': 4}}, self.held('victim'))

    def test_a_host_that_is_gone_is_no_race(self):
        self.delete_server('normal')
        self.delete_server('victim')
        self.client.delete_provider(uuids.host)
        plan = self.plan({'new': 'host'}, {})
        self.one = self.claim(plan, VCPU=1)
        self.assertFails(is_race=False)

    def test_another_writer_of_the_provider_lets_the_body_be_sent_again(self):
        self.placement.interrupt('post', '/allocations', stand_in.overtake)
        self.make(self.one)
        self.assertMade()
        first, second = self.writes()[-2:]
        self.assertEqual(first, second)

    def test_writers_that_are_always_faster_end_it(self):
        before = len(self.writes())
        self.placement.interrupt(
            'post', '/allocations', stand_in.overtake, number=None
        )
        self.assertFails()
        self.assertEqual(8, len(self.writes()) - before)

    def test_an_orphan_of_a_claim_that_was_refused_is_no_obstacle(self):
        new = placement.Consumer(uuids.new, {}, 'a project', 'a user')
        self.assertRaises(
            placement.ErrorResponse,
            self.client.replace_allocations,
            {uuids.new: new.body({uuids.unknown: {'VCPU': 1}})},
        )
        self.make(self.one)
        self.assertMade()

    def test_a_limit_that_is_reached_meanwhile_ends_it(self):
        cloud.CONF.set_override('max_preemptions_per_minute', 1, 'opie')
        shares = {'victim': {'other': {'VCPU': 1}}}
        other = self.claim(self.plan({'other': 'host'}, shares), VCPU=1)
        self.make(other)
        # Another victim, so that only the limit can refuse the claim.
        self.server('another', 'host', VCPU=2)
        shares = {'another': {'new': {'VCPU': 2}}}
        one = self.claim(self.plan({'new': 'host'}, shares), VCPU=2)
        self.assertRaises(errors.LimitReached, self.make, one)
        self.assertEqual({'host': {'VCPU': 2}}, self.held('another'))
        self.assertEqual(1, len(self.in_flight()))


class MadeTest(ClaimTestCase):
    """A claim that was made."""

    def setUp(self):
        super().setUp()
        plan = self.plan({'new': 'host'}, {'victim': {'new': {'VCPU': 3}}})
        self.one = self.make(self.claim(plan, VCPU=6))
        (self.nomination,) = plan.nominations

    def test_it_sees_whether_it_still_holds(self):
        self.assertTrue(self.one.holds_for(self.nomination))
        self.server('new', 'host', VCPU=5)
        self.assertFalse(self.one.holds_for(self.nomination))
        self.delete_server('new')
        self.assertFalse(self.one.holds_for(self.nomination))

    def test_it_sees_which_victims_were_touched(self):
        self.assertEqual(set(), self.one.changed({uuids.victim}))
        self.server('victim', 'host', VCPU=1)
        self.assertEqual({uuids.victim}, self.one.changed({uuids.victim}))

    def test_it_sees_that_victims_are_gone(self):
        self.assertFalse(self.one.is_released(uuids.victim))
        self.assertFalse(self.one.have_all_released())
        self.delete_server('victim')
        self.assertTrue(self.one.is_released(uuids.victim))
        self.assertTrue(self.one.have_all_released())

    def test_it_is_not_over_while_placement_does_not_tell(self):
        self.delete_server('victim')
        self.placement.interrupt('get', '', stand_in.unreachable)
        self.assertFalse(self.one.have_all_released())

    def test_its_journal_stays_while_victims_are_booked(self):
        self.one.close_journal({uuids.new})
        self.assertEqual(1, len(self.in_flight()))
        self.assertMade()
        self.delete_server('victim')
        self.one.close_journal({uuids.new})
        self.assertNoJournal()

    def test_a_journal_that_cannot_be_deleted_is_left_to_the_reaper(self):
        self.delete_server('victim')
        self.placement.interrupt('delete', '', stand_in.answer(503))
        self.one.close_journal({uuids.new})
        self.assertIn('stays in the journal for now', self.log.output)
        self.assertEqual(1, len(self.in_flight()))
