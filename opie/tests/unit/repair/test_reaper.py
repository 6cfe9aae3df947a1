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

"""What the reaper does about a preemption, for each fate of its preemptor."""

import time

import fixtures
from oslo_utils.fixture import uuidsentinel as uuids

from opie.scheduler.nova_db import ended_migrations
from opie.scheduler.nova_db import instances
from opie.scheduler.repair import findings
from opie.scheduler.repair import preemptor_fate
from opie.scheduler.repair import reaper
from opie.tests.stand_ins.placement import client as stand_in
from opie.tests.unit.claims import cloud

Fate = preemptor_fate.Fate


class ReaperTestCase(cloud.CloudTestCase):
    """A preemptor of 10 has taken all of two victims of 5, on a host of 10."""

    def setUp(self):
        super().setUp()
        # What nova's records tell.
        self.fate = {uuids.new: Fate.WITHOUT_HOST}
        self.deleted, self.being_deleted, self.ending = set(), set(), set()
        self.ended = set()
        self.waited_for = []
        for owner, name, stand_in_for in (
            (preemptor_fate, 'fate_of', lambda _, uuid: self.fate[uuid]),
            (instances, 'deleted_servers', self._of(lambda: self.deleted)),
            (instances, 'being_deleted', self._of(lambda: self.being_deleted)),
            (instances, 'ending', self._of(lambda: self.ending)),
            (ended_migrations, 'among', self._of(lambda: self.ended)),
            (instances, 'wait_until_gone', self.waited_for.append),
        ):
            self.useFixture(
                fixtures.MockPatchObject(owner, name, stand_in_for)
            )
        self.host('host', VCPU=10)
        self.server('some', 'host', VCPU=5)
        self.server('other', 'host', VCPU=5)
        shares = {
            'some': {'new': {'VCPU': 5}},
            'other': {'new': {'VCPU': 5}},
        }
        plan = self.plan({'new': 'host'}, shares)
        self.make(self.claim(plan, VCPU=10))
        self.let_deadlines_pass()
        self.reaper = reaper.Reaper(self.client, servicegroup=None)

    @staticmethod
    def _of(found):
        return lambda context, uuids: found() & set(uuids)

    def let_deadlines_pass(self, seconds=findings.MARGIN_SECONDS + 1):
        """Let it be so long after the deadline."""
        self.useFixture(
            fixtures.MonkeyPatch('time.time', lambda: cloud.DEADLINE + seconds)
        )

    def lose(self, *victims):
        """Have nova delete victims, journal and all."""
        for victim in victims:
            self.delete_server(victim)
            self.deleted.add(getattr(uuids, victim))

    def repair(self):
        self.reaper.repair(self.reaper.in_flight())

    def assertWaits(self):
        before = len(self.writes())
        self.repair()
        self.assertEqual(before, len(self.writes()))
        self.assertEqual(1, len(self.in_flight()))

    def assertUndone(self, *survivors):
        self.assertNoJournal()
        self.assertEqual({}, self.held('new'))
        for survivor in survivors:
            self.assertEqual({'host': {'VCPU': 5}}, self.held(survivor))
        self.assertEqual(5 * len(survivors), self.used('host'))

    def assertWasted(self, number):
        lines = self.logged('Wasted evictions')
        self.assertEqual(bool(number), bool(lines))
        if number:
            (line,) = lines
            self.assertIn('Wasted evictions: %d for' % number, line)
            self.assertIn(uuids.new, line)


class RepairTest(ReaperTestCase):
    def test_before_the_deadline_is_long_over_it_waits(self):
        for seconds in (-1, 0, findings.MARGIN_SECONDS):
            for fate in set(Fate) - {Fate.REFUSED}:
                self.fate[uuids.new] = fate
                self.let_deadlines_pass(seconds)
                self.assertWaits()
        self.assertWasted(0)

    def test_of_a_preemptor_without_a_host_all_is_undone(self):
        self.repair()
        self.assertUndone('some', 'other')
        self.assertWasted(0)

    def test_the_log_names_the_host(self):
        self.repair()
        (line,) = self.logged('Repairing the preemption')
        self.assertIn(' on host, whose preemptor is', line)

    def test_the_log_has_the_provider_where_placement_tells_no_name(self):
        self.placement.interrupt(
            'get',
            '/resource_providers.uuid=%s' % uuids.host,
            stand_in.answer(503),
        )
        self.repair()
        (line,) = self.logged('Repairing the preemption')
        self.assertIn(' on %s, whose' % uuids.host, line)
        self.assertUndone('some', 'other')

    def let_happen_before_it_closes(self, what):
        self.lose('some', 'other')
        self.useFixture(
            fixtures.MockPatchObject(
                instances, 'wait_until_gone', lambda _: what()
            )
        )

    def test_a_claim_that_is_made_meanwhile_is_dropped(self):
        """Its scheduler was suspended; its victims have gone since."""
        self.let_happen_before_it_closes(
            lambda: self.server('new', 'host', VCPU=10)
        )
        self.repair()
        self.assertUndone()

    def test_unless_nova_has_given_it_another_place(self):
        """The server is unshelved once more, for instance."""

        def place():
            self.server('new', 'host', VCPU=10)
            self.fate[uuids.new] = Fate.LAUNCHED

        self.let_happen_before_it_closes(place)
        self.repair()
        self.assertNoJournal()
        self.assertEqual({'host': {'VCPU': 10}}, self.held('new'))

    def test_victims_of_it_that_are_gone_were_lost_in_vain(self):
        self.lose('some')
        self.repair()
        self.assertUndone('other')
        self.assertWasted(1)

    def test_so_were_all_of_them(self):
        self.lose('some', 'other')
        self.repair()
        self.assertUndone()
        self.assertWasted(2)

    def test_and_one_that_is_being_deleted(self):
        self.being_deleted.add(uuids.some)
        self.repair()
        self.assertUndone('some', 'other')
        self.assertWasted(1)

    def test_one_in_no_cell_is_given_the_time_of_a_slow_conductor(self):
        self.fate[uuids.new] = Fate.UNDECIDED
        self.assertWaits()
        more = cloud.CONF.long_rpc_timeout
        self.let_deadlines_pass(findings.MARGIN_SECONDS + more)
        self.assertWaits()
        self.let_deadlines_pass(findings.MARGIN_SECONDS + more + 1)
        self.repair()
        self.assertUndone('some', 'other')

    def test_a_preemptor_that_runs_keeps_its_host(self):
        self.fate[uuids.new] = Fate.LAUNCHED
        self.lose('some', 'other')
        self.repair()
        self.assertNoJournal()
        self.assertEqual({'host': {'VCPU': 10}}, self.held('new'))
        self.assertWasted(0)

    def test_a_victim_that_lives_gets_back_what_there_is_room_for(self):
        """As after an old backup of placement was restored."""
        for fate in (Fate.LAUNCHED, Fate.BUILDING, Fate.FAILED):
            self.fate[uuids.new] = fate
            self.repair()
            self.assertEqual({'host': {'VCPU': 10}}, self.held('new'))
            self.assertEqual(1, len(self.in_flight()))
        self.assertTrue(self.logged('there is no room for all'))
        self.shrink('host', VCPU=20)
        self.repair()
        self.assertNoJournal()
        self.assertEqual({'host': {'VCPU': 10}}, self.held('new'))
        self.assertEqual({'host': {'VCPU': 5}}, self.held('some'))

    def test_victims_of_a_preemptor_that_failed_were_lost_in_vain(self):
        self.fate[uuids.new] = Fate.FAILED
        self.lose('some', 'other')
        self.repair()
        self.assertNoJournal()
        self.assertWasted(2)

    def test_one_that_is_over_is_closed_before_its_deadline(self):
        self.let_deadlines_pass(-1)
        self.lose('some', 'other')
        for fate, is_closed in ((Fate.BUILDING, False), (Fate.LAUNCHED, True)):
            self.fate[uuids.new] = fate
            self.repair()
            self.assertEqual(is_closed, not self.in_flight())

    def test_one_that_still_counts_for_a_limit_stays(self):
        self.lose('some', 'other')
        self.fate[uuids.new] = Fate.LAUNCHED
        cloud.CONF.set_override('max_preemptions_per_minute', 9, 'opie')
        (preemption,) = self.in_flight()
        for seconds, is_closed in ((59, False), (60, True)):
            moment = preemption.began + seconds
            with fixtures.MockPatchObject(time, 'time', lambda at=moment: at):
                self.repair()
            self.assertEqual(is_closed, not self.in_flight())

    def test_servers_that_nova_has_deleted_hold_nothing(self):
        """An allocation that was given back too late would stay for ever."""
        self.deleted.add(uuids.some)
        self.repair()
        self.assertUndone('other')
        self.assertWasted(1)

    def test_nor_do_they_wait_for_room(self):
        self.fate[uuids.new] = Fate.LAUNCHED
        self.deleted.update((uuids.some, uuids.other))
        self.repair()
        self.assertNoJournal()
        self.assertEqual({'host': {'VCPU': 10}}, self.held('new'))

    def test_deletions_that_end_are_waited_for_and_emptied(self):
        self.ending.add(uuids.some)
        self.being_deleted.add(uuids.some)

        def wait(uuids_):
            self.assertEqual({'host': {'VCPU': 5}}, self.held('some'))
            self.deleted.update(uuids_)

        self.useFixture(
            fixtures.MockPatchObject(instances, 'wait_until_gone', wait)
        )
        self.repair()
        self.assertUndone('other')
        self.assertWasted(1)


class LeavingTest(ReaperTestCase):
    """A preemptor of 4 has taken of a victim, and of one that leaves."""

    def setUp(self):
        super().setUp()
        self.start_placement()
        self.reaper = reaper.Reaper(self.client, servicegroup=None)
        self.host('host', VCPU=10)
        self.server('some', 'host', VCPU=5)
        self.server('other', 'host', VCPU=5)
        shares = {'some': {'new': {'VCPU': 2}}, 'other': {'new': {'VCPU': 2}}}
        plan = self.plan({'new': 'host'}, shares, leaving=['other'])
        self.make(self.claim(plan, VCPU=4))

    def test_both_get_back_what_was_taken(self):
        self.repair()
        self.assertUndone('some', 'other')
        self.assertWasted(0)

    def test_one_that_left_anyway_was_not_lost_in_vain(self):
        self.lose('other')
        self.repair()
        self.assertUndone('some')
        self.assertWasted(0)

    def test_a_victim_that_was_lost_was(self):
        self.lose('some')
        self.repair()
        self.assertUndone('other')
        self.assertWasted(1)

    def test_nor_was_one_of_a_preemptor_that_failed(self):
        self.fate[uuids.new] = Fate.FAILED
        self.lose('some', 'other')
        self.repair()
        self.assertNoJournal()
        self.assertWasted(1)


class EndedMigrationTest(ReaperTestCase):
    """One of the two with entries is a migration, whose move ends."""

    def end(self):
        self.ended.add(uuids.some)

    def test_what_it_is_given_back_as_its_move_is_confirmed_is_removed(self):
        def confirm(call):
            answer = call()
            self.end()
            return answer

        self.placement.interrupt('post', '/allocations', confirm)
        self.repair()
        self.assertEqual({}, self.held('some'))
        self.assertUndone('other')

    def test_one_that_has_ended_before_gets_nothing(self):
        self.end()
        self.repair()
        self.assertEqual({}, self.held('some'))
        self.assertUndone('other')


class TroubleTest(ReaperTestCase):
    def test_one_that_cannot_be_repaired_does_not_keep_others(self):
        self.host('another', VCPU=1)
        plan = self.plan({'newer': 'another'}, {})
        self.make(self.claim(plan, VCPU=1))
        # It is not in the records, so that reading its fate fails.
        self.repair()
        self.assertTrue(self.logged('Cannot repair the preemption'))
        (left,) = self.in_flight()
        self.assertEqual(uuids.newer, left.preemptor)
        self.fate[uuids.newer] = Fate.WITHOUT_HOST
        self.repair()
        self.assertUndone('some', 'other')

    def test_what_placement_does_not_answer_is_repaired_next_time(self):
        self.placement.interrupt('post', '/allocations', stand_in.answer(503))
        self.repair()
        self.assertEqual(1, len(self.in_flight()))
        # The reaper did not try to delete a provider that is still needed.
        self.assertEqual([], self.logged('stays in the journal'))
        self.repair()
        self.assertUndone('some', 'other')

    def test_of_two_reapers_one_changes_and_counts_anything(self):
        self.lose('some')
        another = reaper.Reaper(self.client, servicegroup=None)
        self.placement.interrupt(
            'post',
            '/allocations',
            stand_in.first(lambda: another.repair(another.in_flight())),
        )
        self.repair()
        self.assertUndone('other')
        self.assertWasted(1)

    def test_of_two_reapers_that_close_it_one_counts(self):
        self.fate[uuids.new] = Fate.FAILED
        self.lose('some', 'other')
        another = reaper.Reaper(self.client, servicegroup=None)
        self.placement.interrupt(
            'put',
            '/resource_providers/.*/inventories',
            stand_in.first(lambda: another.repair(another.in_flight())),
        )
        self.repair()
        self.assertNoJournal()
        self.assertWasted(2)

    def test_a_claim_that_arrives_amid_the_repair_is_found_next_time(self):
        """Its scheduler died before placement had it."""
        self.start_placement()
        self.reaper = reaper.Reaper(self.client, servicegroup=None)
        self.host('host', VCPU=10)
        self.server('some', 'host', VCPU=5)
        plan = self.plan({'new': 'host'}, {'some': {'new': {'VCPU': 5}}})

        class Killed(BaseException):
            pass

        def die(call):
            raise Killed

        self.placement.interrupt('post', '/allocations', die)
        self.assertRaises(Killed, self.make, self.claim(plan, VCPU=10))
        late = self.writes()[-1]
        self.placement.interrupt(
            'put',
            '/resource_providers/.*/inventories',
            stand_in.first(lambda: self.placement.post('/allocations', late)),
        )
        self.repair()
        self.assertEqual({'host': {'VCPU': 10}}, self.held('new'))
        self.assertEqual(1, len(self.in_flight()))
        (line,) = self.logged('stays in the journal for now')
        self.assertIn(' on host stays', line)
        self.repair()
        self.assertUndone('some')
