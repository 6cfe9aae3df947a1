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

"""The claim of a server that moves, and how it is dropped."""

from oslo_utils.fixture import uuidsentinel as uuids

from opie.conf import operations
from opie.scheduler import errors
from opie.scheduler.nova_db import moves
from opie.tests.unit.claims import cloud

UNSHELVE = moves.Move(operations.UNSHELVE)
EVACUATE = moves.Move(operations.EVACUATE, uuids.migration)
BY_MIGRATION = tuple(
    moves.Move(operation, uuids.migration)
    for operation in (
        operations.RESIZE,
        operations.COLD_MIGRATE,
        operations.LIVE_MIGRATE,
    )
)
ALL = (UNSHELVE, EVACUATE, *BY_MIGRATION)


class MovesTest(cloud.CloudTestCase):
    """A server of 4 on a host, and a victim of 10 on another one."""

    def begin(self, move):
        """Have nova do what it does before it asks for a host."""
        self.start_placement()
        self.host('old', VCPU=10)
        self.host('host', VCPU=10)
        self.server('victim', 'host', VCPU=10)
        if move is EVACUATE:
            self.server('new', 'old', VCPU=4)
        elif move.is_held_by_migration:
            self.server('migration', 'old', VCPU=4)
        plan = self.plan({'new': 'host'}, {'victim': {'new': {'VCPU': 6}}})
        return self.claim(plan, move=move, VCPU=6)

    def old_place(self, move):
        return {'old': {'VCPU': 4}} if move is EVACUATE else {}

    def test_it_is_one_write_that_leaves_the_old_place_as_it_is(self):
        for move in ALL:
            one = self.begin(move)
            before = len(self.writes())
            self.make(one)
            self.assertEqual(1, len(self.writes()) - before)
            self.assertEqual(
                {'host': {'VCPU': 6}, **self.old_place(move)},
                self.held('new'),
            )
            self.assertTrue(one.is_made())
            if move.is_held_by_migration:
                self.assertEqual({'old': {'VCPU': 4}}, self.held('migration'))
            (preemption,) = self.in_flight()
            self.assertEqual(move, preemption.move)

    def test_of_an_evacuated_server_the_owner_stays(self):
        self.make(self.begin(EVACUATE))
        consumer = self.client.consumer(uuids.new)
        self.assertEqual('owner of new', consumer.project_id)

    def test_giving_back_leaves_the_old_place_as_it_is(self):
        for move in ALL:
            one = self.make(self.begin(move))
            self.assertTrue(one.give_back_for({uuids.new}))
            self.assertEqual(self.old_place(move), self.held('new'))
            self.assertEqual({'host': {'VCPU': 10}}, self.held('victim'))
            if move.is_held_by_migration:
                self.assertEqual({'old': {'VCPU': 4}}, self.held('migration'))

    def test_what_nova_has_handed_back_is_not_dropped(self):
        for move in BY_MIGRATION:
            one = self.make(self.begin(move))
            # nova overwrites the claim.
            self.delete_server('migration')
            self.server('new', 'old', VCPU=4)
            self.assertFalse(one.is_made())
            self.assertTrue(one.give_back_for({uuids.new}))
            self.assertEqual({'old': {'VCPU': 4}}, self.held('new'))
            self.assertEqual({'host': {'VCPU': 10}}, self.held('victim'))

    def test_nor_is_it_on_the_nominated_host_itself(self):
        move = BY_MIGRATION[0]
        one = self.begin(move)
        self.server('victim', 'host', VCPU=6)
        self.server('migration', 'host', VCPU=4)
        plan = self.plan({'new': 'host'}, {'victim': {'new': {'VCPU': 4}}})
        one = self.make(self.claim(plan, move=move, VCPU=4))
        self.delete_server('migration')
        self.server('new', 'host', VCPU=4)
        self.assertTrue(one.give_back_for({uuids.new}))
        self.assertEqual({'host': {'VCPU': 4}}, self.held('new'))
        self.assertEqual({'host': {'VCPU': 6}}, self.held('victim'))

    def test_what_a_finished_move_has_left_is_not_dropped(self):
        for move in BY_MIGRATION:
            one = self.make(self.begin(move))
            self.delete_server('migration')
            self.delete_server('victim')
            self.assertTrue(one.give_back_for({uuids.new}))
            self.assertEqual({'host': {'VCPU': 6}}, self.held('new'))

    def test_an_old_place_that_nova_frees_meanwhile_does_not_matter(self):
        one = self.make(self.begin(EVACUATE))
        self.server('new', 'host', VCPU=6)
        self.assertTrue(one.is_made())
        self.assertTrue(one.give_back_for({uuids.new}))
        self.assertEqual({}, self.held('new'))

    def test_a_server_that_holds_what_it_should_not_gets_no_claim(self):
        for move in ALL:
            one = self.begin(move)
            self.server('victim', 'host', VCPU=6)
            self.server('new', 'host', VCPU=4)
            self.assertRaises(errors.ClaimFailed, self.make, one)
            self.assertEqual({'host': {'VCPU': 4}}, self.held('new'))
            self.assertNoJournal()

    def test_a_server_that_nova_changes_meanwhile_loses_nothing(self):
        one = self.begin(EVACUATE)
        one.prepare(1, cloud.DEADLINE, 'a scheduler', cloud.WORKER)
        self.server('new', 'old', VCPU=3)
        error = self.assertRaises(errors.ClaimFailed, self.write, one)
        self.assertTrue(error.is_race)
        self.assertEqual({'old': {'VCPU': 3}}, self.held('new'))
        self.assertEqual({'host': {'VCPU': 10}}, self.held('victim'))
