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

"""Claims on victims of which a migration holds a part."""

from oslo_utils.fixture import uuidsentinel as uuids

from opie.preemption import model
from opie.scheduler import errors
from opie.scheduler.claims import journal
from opie.tests.unit.claims import cloud


class MigrationCase(cloud.CloudTestCase):
    """A victim and its migration, which holds 2 on a host of 10."""

    def setUp(self):
        super().setUp()
        self.host('host', VCPU=10)
        self.host('new_host', VCPU=10)
        self.server('migration', 'host', VCPU=2)

    def take(self, held, vcpu):
        """Make a claim that takes so much of the victim on the host.

        :param held: what the victim itself holds there.
        """
        plan = model.Plan(
            (
                model.Nomination(
                    uuids.new,
                    uuids.host,
                    (
                        model.Server(
                            uuids.victim,
                            {'VCPU': held + 2},
                            by_migration={uuids.migration: {'VCPU': 2}},
                        ),
                    ),
                ),
            ),
            shares={uuids.victim: {uuids.new: {'VCPU': vcpu}}},
        )
        return self.make(self.claim(plan, VCPU=vcpu))


class SameHostTest(MigrationCase):
    """The victim holds 4 more there itself, and a normal server 4."""

    def setUp(self):
        super().setUp()
        self.server('victim', 'host', VCPU=4)
        self.server('normal', 'host', VCPU=4)

    def assertBefore(self):
        self.assertEqual({'host': {'VCPU': 4}}, self.held('victim'))
        self.assertEqual({'host': {'VCPU': 2}}, self.held('migration'))
        self.assertEqual({}, self.held('new'))

    def test_all_of_both_is_taken(self):
        one = self.take(4, 6)
        self.assertEqual({'host': {'VCPU': 6}}, self.held('new'))
        self.assertEqual(
            {'journal': journal.entry_for({'VCPU': 4})}, self.held('victim')
        )
        self.assertEqual(
            {'journal': journal.entry_of_migration({'VCPU': 2})},
            self.held('migration'),
        )
        self.assertEqual(set(), one.changed([uuids.victim]))
        self.assertTrue(one.give_back_for([uuids.new]))
        self.assertBefore()
        one.close_journal([uuids.new])
        self.assertNoJournal()

    def test_the_migration_gives_first(self):
        one = self.take(4, 3)
        self.assertEqual(
            {
                'host': {'VCPU': 3},
                'journal': journal.entry_for({'VCPU': 1}),
            },
            self.held('victim'),
        )
        self.assertTrue(one.give_back_for([uuids.new]))
        self.assertBefore()

    def test_an_entry_of_nothing_says_who_evicts_it(self):
        one = self.take(4, 1)
        self.assertEqual(
            {'host': {'VCPU': 4}, 'journal': journal.entry_for({})},
            self.held('victim'),
        )
        self.assertTrue(one.give_back_for([uuids.new]))
        self.assertBefore()

    def test_it_is_one_victim_in_the_journal(self):
        self.take(4, 6)
        (preemption,) = self.in_flight()
        _, totals = self.client.inventories(preemption.journal_provider)
        self.assertEqual(1, journal.victims_of(totals))

    def test_a_move_that_is_confirmed_is_a_change(self):
        one = self.take(4, 6)
        self.delete_server('migration')
        self.assertEqual({uuids.victim}, one.changed([uuids.victim]))
        self.assertFalse(one.is_released(uuids.victim))
        self.assertTrue(one.give_back_for([uuids.new]))
        self.assertEqual({'host': {'VCPU': 4}}, self.held('victim'))
        self.assertEqual({}, self.held('migration'))

    def test_a_move_that_is_reverted_takes_its_entry_along(self):
        one = self.take(4, 6)
        victim = self.client.consumer(uuids.victim)
        migration = self.client.consumer(uuids.migration)
        # As nova moves them, in one transaction.
        self.client.replace_allocations(
            {
                uuids.victim: victim.body(migration.allocations),
                uuids.migration: migration.body({}),
            }
        )
        self.assertEqual({uuids.victim}, one.changed([uuids.victim]))
        self.assertTrue(one.give_back_for([uuids.new]))
        self.assertEqual({'host': {'VCPU': 2}}, self.held('victim'))
        self.assertEqual({}, self.held('migration'))

    def test_it_is_released_when_both_are(self):
        one = self.take(4, 6)
        self.delete_server('victim')
        self.assertFalse(one.is_released(uuids.victim))
        self.assertFalse(one.have_all_released())
        self.delete_server('migration')
        self.assertTrue(one.is_released(uuids.victim))
        self.assertTrue(one.have_all_released())

    def test_a_migration_that_holds_something_else_voids_the_claim(self):
        self.server('migration', 'host', VCPU=1)
        failed = self.assertRaises(errors.ClaimFailed, self.take, 4, 6)
        self.assertEqual({uuids.victim}, failed.victims)
        self.assertNoJournal()


class OtherHostTest(MigrationCase):
    """The victim is on another host by now."""

    def setUp(self):
        super().setUp()
        self.server('victim', 'new_host', VCPU=4)

    def test_only_the_migration_gives(self):
        one = self.take(0, 2)
        self.assertEqual({'host': {'VCPU': 2}}, self.held('new'))
        self.assertEqual(
            {'new_host': {'VCPU': 4}, 'journal': journal.entry_for({})},
            self.held('victim'),
        )
        self.assertEqual(set(), one.changed([uuids.victim]))
        self.assertTrue(one.give_back_for([uuids.new]))
        self.assertEqual({'new_host': {'VCPU': 4}}, self.held('victim'))
        self.assertEqual({'host': {'VCPU': 2}}, self.held('migration'))
        one.close_journal([uuids.new])
        self.assertNoJournal()

    def test_what_is_given_back_too_late_is_removed(self):
        one = self.take(0, 2)
        self.delete_server('victim')
        one.empty([uuids.victim])
        self.assertEqual({}, self.held('migration'))
