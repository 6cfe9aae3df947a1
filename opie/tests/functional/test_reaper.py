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

"""The reaper repairs preemptions whose scheduler died in the middle."""

import io
import json
import threading

from nova import exception
from nova.compute import manager as compute_manager
from nova.compute import rpcapi
from nova.scheduler.client import report
from oslo_utils import uuidutils

from opie.cmd import manage
from opie.scheduler.claims import give_back
from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import together
from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import confirmation
from opie.scheduler.preempting import eviction
from opie.tests.functional import base
from opie.tests.functional import killing


class ReaperTest(killing.TwoVictimsTestCase):
    def test_killed_between_journal_and_claim(self):
        self.kill_at(placement.Client, 'replace_allocations')
        preemptor = self.boot_in_vain()
        self.reap_late()
        self.assertUndone(preemptor, *self.victims)
        self.assertFalse(self.logged('Wasted'))

    def test_killed_after_the_claim(self):
        self.kill_at(together, 'write', call_first=True)
        preemptor = self.boot_in_vain(8)
        self.assertHolds(8, preemptor)
        self.reap()
        self.assertHolds(8, preemptor)
        self.reap_late()
        self.assertUndone(preemptor, *self.victims)
        self.assertFalse(self.logged('Wasted'))

    def test_killed_between_two_evictions(self):
        self.kill_at(eviction.Eviction, '_evict', number=2)
        preemptor = self.boot_in_vain()
        (survivor,) = self.wait_for_survivors(1)
        self.reap_late()
        self.assertUndone(preemptor, survivor)
        self.assertTrue(self.logged('Wasted evictions: 1 for'))

    def test_killed_before_it_answers(self):
        self.kill_at(confirmation.Confirmation, 'wait', call_first=True)
        preemptor = self.boot_in_vain()
        self.wait_for_survivors(0)
        self.assertHolds(10, preemptor)
        self.reap_late()
        self.assertUndone(preemptor)
        self.assertTrue(self.logged('Wasted evictions: 2 for'))

    def test_a_deletion_that_was_lost_is_asked_for_again(self):
        self.wrap_once(
            rpcapi.ComputeAPI, 'terminate_instance', lambda *args: None
        )
        self.kill_at(confirmation.Confirmation, 'wait')
        self.boot_in_vain(5)
        (marked,) = [
            one for one in self.victims if self.instance(one).task_state
        ]
        self.assertEqual('deleting', self.instance(marked).task_state)
        self.reap_late()
        self.wait_until_gone(marked)
        self._wait_for_assert(lambda: self.assertGone(marked))
        self.assertNoJournal()
        self.assertEqual(5, self.used_vcpus('host1'))
        self.assertTrue(self.logged('Wasted evictions: 1 for'))

    def restore_backup(self, preemptor, victim):
        """Let placement have the journal of a preemption that was.

        Its preemptor runs, and its victim, which was not evicted, lives.
        """
        client = placement.Client(report.report_client_singleton())
        provider = self._get_provider_uuid_by_host('host1')
        consumer = client.consumer(victim['id'])
        entry = journal.entry_for(consumer.allocations[provider])
        preemption = journal_names.Preemption(
            uuidutils.generate_uuid(), preemptor['id'], 1, 0, provider, 'old'
        )
        journal.open_provider(client, preemption, [entry])
        client.replace_allocations(
            {victim['id']: consumer.body({preemption.journal_provider: entry})}
        )

    def test_what_an_old_backup_of_placement_says_costs_no_life(self):
        preemptor = self.boot(5)
        (survivor,) = self.wait_for_survivors(1)
        self.reap()
        self.restore_backup(preemptor, survivor)
        self.assertEqual(5, self.used_vcpus('host1'))
        self.reap()
        self.assertUntouched(preemptor, survivor)
        self.assertEqual(10, self.used_vcpus('host1'))
        self.assertNoJournal()

    def test_nor_does_it_where_another_server_took_the_room(self):
        preemptor = self.boot(5)
        (survivor,) = self.wait_for_survivors(1)
        self.reap()
        self.restore_backup(preemptor, survivor)
        other = self.boot(5)
        self.reap()
        self.assertTrue(self.is_alive(survivor))
        self.assertIsNone(self.instance(survivor).task_state)
        self.assertUntouched(preemptor, other)
        self.assertTrue(self.logged('there is no room for all'))
        self.api.delete_server(other['id'])
        self.wait_until_gone(other)
        self.assertNoJournal()
        self.assertUntouched(preemptor, survivor)

    def test_a_preemptor_refused_by_its_compute_is_counted(self):
        def refuse(*args, **kwargs):
            raise exception.ComputeResourcesUnavailable(reason='no')

        self.wrap(
            compute_manager.ComputeManager, '_build_and_run_instance', refuse
        )
        preemptor = self.boot(10, state='ERROR')
        self.assertGone(*self.victims)
        self.assertNoJournal()
        self.assertTrue(self.logged('Wasted evictions: 2 for'))
        self.assertIn(preemptor['id'], self.logged('Wasted')[0])

    def test_an_owner_sees_why_a_server_went(self):
        self.boot(10)
        actions = self.api.get_instance_actions(self.victims[0]['id'])
        self.assertEqual(
            ['create', 'preempt', 'delete'],
            [one['action'] for one in reversed(actions)],
        )

    def manage(self, function, argument):
        out = io.StringIO()
        function(argument, out)
        return out.getvalue()

    def test_an_operator_sees_and_repairs_it_by_hand(self):
        self.kill_at(together, 'write', call_first=True)
        preemptor = self.boot_in_vain(8)
        (shown,) = json.loads(self.manage(manage.show, 'json'))
        self.assertEqual(preemptor['id'], shown['preemptor'])
        self.assertEqual('without host', shown['state'])
        self.assertEqual(
            sorted(one['id'] for one in self.victims), shown['victims_left']
        )
        self.assertEqual('nothing yet', shown['repair'])
        self.assertIn(preemptor['id'], self.manage(manage.show, 'table'))
        self.assertEqual(
            'There is nothing to repair.\n',
            self.manage(manage.repair, False),
        )
        self.assertHolds(8, preemptor)
        self.let_time_pass()
        said = self.manage(manage.repair, True)
        self.assertIn(preemptor['id'], said)
        self.assertIn('Would repair', said)
        self.assertHolds(8, preemptor)
        self.assertIn('Repairing', self.manage(manage.repair, False))
        self.assertUndone(preemptor, *self.victims)
        self.assertEqual([], json.loads(self.manage(manage.show, 'json')))

    def test_any_number_of_reapers_repair_it_once(self):
        self.kill_at(eviction.Eviction, '_evict', number=2)
        preemptor = self.boot_in_vain()
        (survivor,) = self.wait_for_survivors(1)
        self.let_time_pass()
        barrier = threading.Barrier(3)

        def meet(real, *args):
            barrier.wait(base.WAIT_SECONDS)
            return real(*args)

        # All have read it before one of them writes.
        self.wrap(give_back, '_write', meet)
        threads = [
            threading.Thread(target=self.reap_as_another) for _ in '123'
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertUndone(preemptor, survivor)
        self.assertEqual(1, len(self.logged('Wasted evictions: 1 for')))
        collisions = self.logged('Could not give back')
        self.assertEqual(2, len(collisions))
        self.assertEqual([], [one for one in collisions if 'ERROR' in one])
