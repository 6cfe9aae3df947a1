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

"""Giving back: to which consumers, and what can prevent it."""

import fixtures
from oslo_utils.fixture import uuidsentinel as uuids

from opie.scheduler.claims import give_back
from opie.scheduler.claims import moved_victims
from opie.tests.stand_ins.placement import client as stand_in
from opie.tests.unit.claims import cloud

# At most so long, by the tests' clock.
PATIENCE_SECONDS = 60
PATIENCE_WITHOUT_ROOM_SECONDS = 5
MAX_PAUSE_SECONDS = 2
NEW = (cloud.dropped('new'),)


class GiveBackTestCase(cloud.CloudTestCase):
    """A host of 10 VCPU on which a preemptor of 6 has taken from two victims.

    It took 3 of 4 from one and all 2 from the other; 3 are of a normal server.
    """

    def setUp(self):
        super().setUp()
        self.host('host', VCPU=10)
        self.server('normal', 'host', VCPU=3)
        self.server('some', 'host', VCPU=4)
        self.server('all', 'host', VCPU=2)
        shares = {
            'some': {'new': {'VCPU': 3}},
            'all': {'new': {'VCPU': 2}},
        }
        plan = self.plan({'new': 'host'}, shares)
        self.one = self.make(self.claim(plan, VCPU=6))
        self.preemptions = self.in_flight()

    def give_back(self, dropped=NEW, patience_seconds=0):
        """Give back; return names of consumers that have changed.

        None stands for what could not be done.
        """
        result = give_back.give_back(
            self.client, self.preemptions, dropped, patience_seconds
        )
        if not result.is_done:
            return None
        names = ('new', 'some', 'all', 'migration')
        return {
            name for name in names if getattr(uuids, name) in result.changed
        }

    def assertRestored(self, *others):
        """Assert that only some have something else than before."""
        if 'some' not in others:
            self.assertEqual({'host': {'VCPU': 4}}, self.held('some'))
        if 'all' not in others:
            self.assertEqual({'host': {'VCPU': 2}}, self.held('all'))
        if 'new' not in others:
            self.assertEqual({}, self.held('new'))

    def assertComplains(self, level, text):
        (line,) = self.logged('Could not give back')
        self.assertIn(text, line)
        self.assertTrue(line.startswith(level), line)


class RestoringTest(GiveBackTestCase):
    def test_victims_have_all_again_and_the_claim_is_dropped(self):
        before = len(self.writes())
        self.assertEqual({'new', 'some', 'all'}, self.give_back())
        self.assertRestored()
        self.assertEqual(1, len(self.writes()) - before)

    def test_they_are_still_their_owners(self):
        self.give_back()
        for name in ('some', 'all'):
            consumer = self.client.consumer(getattr(uuids, name))
            self.assertEqual('owner of ' + name, consumer.project_id)

    def test_a_second_time_there_is_nothing_to_do(self):
        self.give_back()
        before = len(self.writes())
        self.assertEqual(set(), self.give_back())
        self.assertEqual(before, len(self.writes()))
        self.assertRestored()

    def test_a_journal_that_is_closed_meanwhile_has_nothing_to_give(self):
        self.give_back()
        self.one.close_journal({uuids.new})
        self.assertNoJournal()
        self.assertEqual(set(), self.give_back())

    def test_a_victim_that_is_gone_gets_nothing(self):
        self.delete_server('all')
        self.assertEqual({'new', 'some'}, self.give_back())
        self.assertRestored('all')
        self.assertEqual({}, self.held('all'))

    def test_a_claim_that_is_gone_is_no_obstacle(self):
        self.delete_server('new')
        self.assertEqual({'some', 'all'}, self.give_back())
        self.assertRestored()

    def test_a_claim_alone_is_dropped(self):
        """A claim that took nothing of a victim has no journal provider."""
        self.host('another', VCPU=1)
        self.server('other', 'another', VCPU=1)
        result = give_back.give_back(self.client, [], [cloud.dropped('other')])
        self.assertEqual({uuids.other}, result.changed)
        self.assertEqual({}, self.held('other'))

    def test_a_preemptor_that_does_not_give_up_keeps_what_it_took(self):
        self.host('other', VCPU=4)
        self.server('shared', 'other', VCPU=4)
        shares = {'shared': {'first': {'VCPU': 1}, 'second': {'VCPU': 2}}}
        plan = self.plan({'first': 'other', 'second': 'other'}, shares)
        one = self.make(self.claim(plan, VCPU=1))
        self.assertTrue(one.give_back_for({uuids.second}))
        self.assertEqual({'other': {'VCPU': 1}}, self.held('first'))
        self.assertEqual({}, self.held('second'))
        self.assertEqual(
            {'other': {'VCPU': 3}, 'journal': cloud.booked(VCPU=1)},
            self.held('shared'),
        )

    def test_servers_that_nova_has_deleted_are_emptied(self):
        before = len(self.writes())
        give_back.empty(self.client, {uuids.some, uuids.all, uuids.unknown})
        self.assertEqual({}, self.held('some'))
        self.assertEqual({}, self.held('all'))
        self.assertEqual(2, len(self.writes()) - before)


class RaceTest(GiveBackTestCase):
    def before_the_write(self, action):
        self.placement.interrupt(
            'post', '/allocations', stand_in.first(action)
        )

    def test_a_victim_that_is_deleted_before_the_write_stays_deleted(self):
        self.before_the_write(lambda: self.delete_server('all'))
        changed = self.give_back(patience_seconds=PATIENCE_SECONDS)
        self.assertEqual({'new', 'some'}, changed)
        self.assertEqual({}, self.held('all'))
        self.assertRestored('all')

    def test_a_victim_that_is_deleted_between_two_reads_stays_deleted(self):
        self.placement.interrupt(
            'get',
            '/allocations/' + uuids.all,
            stand_in.first(lambda: self.delete_server('all')),
        )
        self.assertEqual({'new', 'some'}, self.give_back())
        self.assertEqual({}, self.held('all'))

    def test_of_two_at_once_one_changes_anything(self):
        others = []
        self.before_the_write(lambda: others.append(self.give_back()))
        self.assertIsNone(self.give_back())
        self.assertEqual([{'new', 'some', 'all'}], others)
        self.assertRestored()

    def test_one_that_comes_again_makes_no_fuss_of_it(self):
        self.before_the_write(self.give_back)
        self.give_back()
        self.assertComplains('INFO', 'generation conflict')


class OutageTest(GiveBackTestCase):
    def test_a_placement_that_restarts_is_waited_for(self):
        for number in range(1, 6):
            self.placement.interrupt(
                'post', '/allocations', stand_in.answer(503), number
            )
        self.assertTrue(self.one.give_back_for({uuids.new}))
        self.assertRestored()

    def test_an_answer_that_is_lost_costs_nothing(self):
        self.placement.interrupt('post', '/allocations', stand_in.lose_answer)
        self.assertTrue(self.one.give_back_for({uuids.new}))
        self.assertRestored()

    def test_one_that_is_away_for_a_minute_is_left_to_the_reaper(self):
        self.placement.interrupt('get', '', stand_in.unreachable, number=None)
        self.assertFalse(self.one.give_back_for({uuids.new}))
        self.assertLessEqual(PATIENCE_SECONDS, self.clock.seconds)
        self.assertLess(
            self.clock.seconds, PATIENCE_SECONDS + MAX_PAUSE_SECONDS
        )
        self.assertComplains('ERROR', 'The journal tells it')

    def test_one_that_comes_again_tries_once(self):
        self.placement.interrupt('post', '/allocations', stand_in.answer(503))
        self.assertIsNone(self.give_back())
        self.assertEqual(0, self.clock.seconds)


class MovedVictimTest(GiveBackTestCase):
    """The victim of which all was taken is moved by its owner."""

    def place(self, *args):
        """Have nova's records tell of the place that was held."""
        asked = []

        def places(servers):
            asked.append(servers)
            return {uuids.all: moved_victims.Place(*args)}

        self.useFixture(
            fixtures.MockPatchObject(moved_victims, 'places', places)
        )
        return asked

    def test_only_those_with_nothing_left_are_asked_for(self):
        asked = self.place(uuids.all)
        self.give_back()
        self.assertEqual([{uuids.all: (uuids.host, set())}], asked)
        self.assertRestored()

    def test_its_migration_gets_what_was_taken(self):
        self.host('other', VCPU=2)
        self.place(uuids.migration)
        consumer = self.client.consumer(uuids.all)
        held = {**consumer.allocations, uuids.other: {'VCPU': 2}}
        self.client.replace_allocations({uuids.all: consumer.body(held)})
        self.assertEqual({'new', 'some', 'all', 'migration'}, self.give_back())
        self.assertEqual({'host': {'VCPU': 2}}, self.held('migration'))
        self.assertEqual({'other': {'VCPU': 2}}, self.held('all'))
        migration = self.client.consumer(uuids.migration)
        self.assertEqual('owner of all', migration.project_id)

    def test_a_server_that_has_left_gets_nothing(self):
        self.place(None)
        self.give_back()
        self.assertEqual({}, self.held('all'))
        self.assertRestored('all')
        self.assertEqual(7, self.used('host'))

    def test_what_it_held_elsewhere_by_mistake_is_removed(self):
        self.host('other', VCPU=2)
        self.place(uuids.all, frozenset([uuids.other]))
        consumer = self.client.consumer(uuids.all)
        held = {**consumer.allocations, uuids.other: {'VCPU': 2}}
        self.client.replace_allocations({uuids.all: consumer.body(held)})
        self.give_back()
        self.assertRestored()
        self.assertEqual(0, self.used('other'))

    def test_while_nova_moves_it_all_wait(self):
        def places(servers):
            raise moved_victims.Changing('it is being moved')

        self.useFixture(
            fixtures.MockPatchObject(moved_victims, 'places', places)
        )
        before = len(self.writes())
        self.assertIsNone(self.give_back())
        self.assertEqual(before, len(self.writes()))
