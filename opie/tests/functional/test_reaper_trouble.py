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

"""A preemption that cannot be repaired delays no other repair."""

import io
import json
import time

import fixtures
from nova.compute import rpcapi
from nova.compute import vm_states

from opie.cmd import manage
from opie.scheduler.claims import journal
from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import instances
from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import confirmation
from opie.scheduler.preempting import eviction
from opie.scheduler.repair import preemptor_fate
from opie.tests.functional import killing


class Trouble(Exception):
    """A database, a cell or placement does not answer."""


class TwoPreemptionsTest(killing.KillingTestCase):
    hosts = ('host1', 'host2')

    def setUp(self):
        super().setUp()
        self.victims = [
            self.boot_preemptible(10, host=host) for host in self.hosts
        ]

    def abandon(self, owner, name):
        """Have two preemptions end at a call of a method."""
        preemptors = []
        for _ in self.victims:
            with self.killed_at(owner, name):
                preemptors.append(self.boot(10, state='ERROR'))
        self.assertEqual(2, len(self.journal_providers()))
        self.let_time_pass()
        return preemptors

    def hide(self, preemptor):
        """Let it be impossible to tell what has become of a preemptor."""

        def fate_of(real, context, uuid):
            if uuid == preemptor['id']:
                raise Trouble('no cell')
            return real(context, uuid)

        self.wrap(preemptor_fate, 'fate_of', fate_of)

    def assertOneLeft(self, preemptor):
        (provider,) = self.journal_providers()
        self.assertIn(preemptor['id'], provider['name'])
        self.assertHolds(10, preemptor)

    def test_the_reaper_repairs_the_others(self):
        for_ever, other = self.abandon(eviction.Eviction, 'run')
        self.hide(for_ever)
        self.reap()
        self.assertOneLeft(for_ever)
        self.assertEqual({}, self.allocations(other))
        (line,) = self.logged('Cannot repair the preemption')
        self.assertIn(for_ever['id'], line)

    def manage(self, function, argument):
        out = io.StringIO()
        return function(argument, out), out.getvalue()

    def test_an_operator_sees_and_repairs_the_others(self):
        for_ever, other = self.abandon(eviction.Eviction, 'run')
        self.hide(for_ever)
        (complaint,), said = self.manage(manage.show, 'json')
        self.assertIn(for_ever['id'], complaint)
        self.assertIn('no cell', complaint)
        (shown,) = json.loads(said)
        self.assertEqual(other['id'], shown['preemptor'])
        (complaint,), said = self.manage(manage.repair, False)
        self.assertIn(for_ever['id'], complaint)
        self.assertIn('Repairing opie:%s' % other['id'], said)
        self.assertOneLeft(for_ever)

    def test_an_operator_is_told_what_was_not_repaired(self):
        for_ever, _ = self.abandon(eviction.Eviction, 'run')

        def replace(real, client, bodies):
            if for_ever['id'] in bodies:
                raise placement.NoAnswer('away')
            return real(client, bodies)

        self.wrap(placement.Client, 'replace_allocations', replace)
        (complaint,), said = self.manage(manage.repair, False)
        self.assertIn(for_ever['id'], complaint)
        self.assertIn('still in flight', complaint)
        self.assertEqual(2, said.count('Repairing'))
        self.assertNotIn('nothing to repair', said)
        self.assertOneLeft(for_ever)

    def lose_deletions(self):
        """Have both victims marked for deletion, and the messages lost."""
        with self.wrapped(
            rpcapi.ComputeAPI, 'terminate_instance', lambda *args: None
        ):
            self.abandon(confirmation.Confirmation, 'wait')
        for victim in self.victims:
            self.assertEqual('deleting', self.instance(victim).task_state)

    def lose_deletions_at_the_end(self):
        """As above, and nova is about to end their records."""
        self.lose_deletions()
        for victim in self.victims:
            instance = self.instance(victim)
            instance.vm_state = vm_states.DELETED
            instance.save()

    def test_deletions_that_end_are_waited_for_once(self):
        self.lose_deletions_at_the_end()
        waits = []

        def wait(real, uuids):
            waits.append(uuids)
            return real(uuids)

        with self.wrapped(instances, 'wait_until_gone', wait):
            self.reap()
        self.assertEqual([{victim['id'] for victim in self.victims}], waits)
        for victim in self.victims:
            self.wait_until_gone(victim)
        self.assertEqual(2, len(self.logged('Wasted evictions: 1 for')))

    def test_another_reaper_has_its_turn_meanwhile(self):
        """Wasted evictions are still counted only once."""
        self.lose_deletions_at_the_end()

        def wait(real, uuids):
            with self.wrapped(
                instances, 'wait_until_gone', lambda *args: None
            ):
                self.reap_as_another()
            self.assertNoJournal()

        with self.wrapped(instances, 'wait_until_gone', wait):
            self.reap()
        self.assertEqual(2, len(self.logged('Wasted evictions: 1 for')))

    def test_a_cell_that_does_not_tell_is_waited_for(self):
        self.lose_deletions_at_the_end()
        self.useFixture(
            fixtures.MockPatchObject(instances, '_PATIENCE_SECONDS', 2)
        )

        def fail(*args):
            raise Trouble('no database')

        began = time.monotonic()
        with self.wrapped(instances, 'without_record', fail):
            self.reap()
        self.assertLess(2, time.monotonic() - began)
        self.assertTrue(self.logged('Cannot see which deletions have ended'))
        self.assertEqual([], self.journal_providers())

    def test_a_journal_that_cannot_be_read(self):
        self.lose_deletions()

        def fail(*args):
            raise placement.NoAnswer('away')

        with self.wrapped(journal, 'in_flight', fail):
            self.reap()
            for victim in self.victims:
                self.wait_until_gone(victim)
            (complaint,), said = self.manage(manage.repair, False)
        self.assertIn('Cannot see what is in flight: NoAnswer', complaint)
        self.assertEqual('', said)

    def test_an_operator_is_told_of_deletions_that_are_not_repeated(self):
        self.lose_deletions()

        def fail(*args):
            raise Trouble('no queue')

        with self.wrapped(rpcapi.ComputeAPI, 'terminate_instance', fail):
            complaints, said = self.manage(manage.repair, False)
        self.assertEqual(2, len(complaints))
        for victim in self.victims:
            self.assertIn('Repeating the deletion of %s' % victim['id'], said)
            self.assertIn(victim['id'], ''.join(complaints))

    def test_an_operator_is_told_what_would_be_repeated(self):
        self.lose_deletions()
        asked = []

        def terminate(real, rpc, context, instance, bdms):
            asked.append(instance.uuid)
            return real(rpc, context, instance, bdms)

        def state():
            return [
                (
                    self.instance(victim).task_state,
                    self.instance(victim).updated_at,
                    self.allocations(victim),
                )
                for victim in self.victims
            ]

        before = state()
        uuids = [victim['id'] for victim in self.victims]
        self.wrap(rpcapi.ComputeAPI, 'terminate_instance', terminate)
        complaints, said = self.manage(manage.repair, True)
        self.assertEqual([], complaints)
        for uuid in uuids:
            self.assertIn('Would repeat the deletion of %s\n' % uuid, said)
        self.assertEqual([], asked)
        self.assertEqual(before, state())
        complaints, said = self.manage(manage.repair, False)
        self.assertEqual([], complaints)
        for uuid in uuids:
            self.assertIn('Repeating the deletion of %s\n' % uuid, said)
        self.assertEqual(sorted(uuids), asked)
        for victim in self.victims:
            self.wait_until_gone(victim)

    def test_an_operator_is_told_of_cells_that_are_silent(self):
        with self.wrapped(cells, 'ask', lambda *args: ({}, ['c1'])):
            complaints, said = self.manage(manage.repair, True)
        self.assertEqual(['Cell c1 does not answer'], complaints)
        self.assertEqual('', said)

    def test_a_deletion_that_cannot_be_repeated(self):
        self.lose_deletions()
        bad, good = sorted(self.victims, key=lambda item: item['id'])

        def terminate(real, rpc, context, instance, bdms):
            if instance.uuid == bad['id']:
                raise Trouble('no queue')
            return real(rpc, context, instance, bdms)

        with self.wrapped(rpcapi.ComputeAPI, 'terminate_instance', terminate):
            self.reap()
            self.wait_until_gone(good)
        self.assertTrue(self.is_alive(bad))
        self.assertTrue(self.logged('Cannot ask again to delete'))
        self.reap()
        self.wait_until_gone(bad)

    def test_a_deletion_that_was_lost_amid_a_resize(self):
        """Only nova's API can confirm the resize, so its owner has to ask."""
        self.lose_deletions()
        resized, other = self.victims
        instance = self.instance(resized)
        instance.vm_state = vm_states.RESIZED
        instance.save()
        self.reap()
        self.wait_until_gone(other)
        self.assertTrue(self.is_alive(resized))
        (line,) = self.logged('was lost amid a resize')
        self.assertIn(resized['id'], line)
        self.assertIn('WARNING', line)
