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

"""What others do between two calls of a scheduler, or after its death.

The call at which it happens is awaited, never a time.
"""

import contextlib
import datetime
import io
import time

import fixtures
from nova.cmd import manage
from nova.compute import rpcapi
import nova.conf
from nova.db.main import api as main_db
from oslo_utils import timeutils

from opie.scheduler import confirmation
from opie.scheduler import reaper
from opie.tests.faults import killer
from opie.tests.faults import wire
from opie.tests.functional import base
from opie.tests.functional import crash_points
from opie.tests.functional import invariants
from opie.tests.functional import scenarios

CONF = nova.conf.CONF


def audit_and_delete():
    """Do as ``nova-manage placement audit --delete``."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        manage.PlacementCommands().audit(verbose=True, delete=True)
    return said.getvalue()


def is_claim(call):
    return 'allocations.Claim._write' in call.path


def is_eviction(call):
    return 'eviction.Eviction.run' in call.path


def is_wait(call):
    return 'confirmation.Confirmation.wait' in call.path


class MeanwhileTest(crash_points.CrashTestCase):
    """Something happens amid a preemption that nobody interrupts."""

    def setUp(self):
        super().setUp()
        self.flags(max_plans_per_request=3, group='opie')
        self.have(scenarios.Scenario.servers)
        self.victims = self.preemptible()

    def preempt_while(self, is_time, do):
        """Preempt, and do something before the first call of some kind."""
        done = []

        def hear(call, go):
            is_ours = call.path[0] == killer.PREEMPTION
            if is_ours and is_time(call) and not done:
                done.append(call)
                do()
            return go()

        wire.listen(hear)
        try:
            self.ask()
        finally:
            wire.listen(None)
        self.assertEqual(1, len(done))

    def assertPreempted(self):
        self.assertEqual({'ACTIVE'}, self.statuses('preemptor'))
        self._soon(lambda: self.assertGone(*self.victims))
        self.reap()
        invariants.assert_sound(self)

    def test_the_reaper_looks_between_journal_and_claim(self):
        self.preempt_while(is_claim, self.reap)
        self.assertPreempted()
        self.assertFalse(self.logged('is void'))

    def test_the_reaper_takes_the_journal_away_before_the_claim(self):
        """The claim names it, so there is none, and it is planned anew."""
        self.preempt_while(is_claim, self.reap_late)
        self.assertPreempted()
        self.assertTrue(self.logged('is void'))

    def test_the_reaper_looks_before_the_first_eviction(self):
        self.preempt_while(is_eviction, self.reap)
        self.assertPreempted()

    def test_the_reaper_looks_while_evictions_are_under_way(self):
        begun, release = self.hold_deletions()

        def look():
            self.assertTrue(begun.wait(base.WAIT_SECONDS))
            self.reap()
            release.set()

        self.preempt_while(is_wait, look)
        self.assertPreempted()
        self.assertFalse(self.logged('Repairing'))

    def test_another_reaper_looks_late_while_evictions_are_under_way(self):
        """At the end of the time that they have, it changes nothing."""
        begun, release = self.hold_deletions()
        asked = self.wrap_once(
            rpcapi.ComputeAPI,
            'terminate_instance',
            lambda real, *args: real(*args),
        )

        held = []

        def look(real, *args):
            self.assertTrue(begun.wait(base.WAIT_SECONDS))
            held.append(self.what_is_held())
            self.reap_as_another_at_the_end()
            held.append(self.what_is_held())
            release.set()
            return real(*args)

        # Not at a call of it, where a cell is locked to this thread.
        self.wrap_once(confirmation.Confirmation, 'wait', look)
        self.ask()
        before, after = held
        self.assertEqual(before, after)
        self.assertPreempted()
        self.assertEqual(2, len(asked))
        self.assertFalse(self.logged('Repairing'))

    def what_is_held(self):
        """Return the journal, and what each server in the cloud holds."""
        return self.journal_providers(), {
            server['id']: self.allocations(server)
            for server in self.api.get_servers()
        }

    def reap_as_another_at_the_end(self):
        """Let another worker's reaper look when the time is not over yet."""
        (provider,) = self.journal_providers()
        deadline = int(provider['name'].split(':')[3])
        end = deadline + reaper.MARGIN_SECONDS + CONF.long_rpc_timeout
        # A minute is for this test.
        marked_at = timeutils.utcnow() - datetime.timedelta(
            seconds=CONF.opie.preemption_timeout_seconds
            + reaper.MARGIN_SECONDS
            - base.WAIT_SECONDS
        )
        for victim in self.victims:
            instance = self.instance(victim)
            self.assertEqual('deleting', instance.task_state)
            main_db.instance_update(
                instance._context, instance.uuid, {'updated_at': marked_at}
            )
        with fixtures.MockPatchObject(time, 'time', lambda: end):
            self.reap_as_another()

    def test_a_deletion_is_lost_and_its_scheduler_gives_up(self):
        """Then the journal is closed, and nova's records tell of it."""
        self.wrap_once(
            rpcapi.ComputeAPI, 'terminate_instance', lambda *args: None
        )
        self.flags(preemption_timeout_seconds=10, group='opie')
        self.ask()
        self.assertEqual({'ERROR'}, self.statuses('preemptor'))
        (lost,) = self._being_deleted()
        self.reap()
        self.assertEqual([lost], self._being_deleted())
        self.assertEqual([], self.journal_providers())
        self.recover()
        self.assertGone(*self.victims)

    def test_an_audit_drops_the_claim_before_the_evictions(self):
        """A preemptor has no record in a cell yet, so it is an orphan."""
        said = []
        self.preempt_while(
            is_eviction, lambda: said.append(audit_and_delete())
        )
        self.assertIn('Deleted', said[0])
        self.assertTrue(self.logged('were removed by somebody else'))
        self.assertPreempted()

    def test_an_audit_drops_the_claim_while_victims_go(self):
        self.preempt_while(is_wait, audit_and_delete)
        self.assertPreempted()
        self.assertFalse(self.logged('Wasted'))

    def test_an_audit_drops_the_claim_and_no_other_plan_follows(self):
        self.flags(max_plans_per_request=1, group='opie')
        self.preempt_while(is_wait, audit_and_delete)
        self.assertEqual({'ERROR'}, self.statuses('preemptor'))
        self.assertGone(*self.victims)
        (line,) = self.logged('Wasted evictions: 2')
        for victim in self.victims:
            self.assertIn(victim['id'], line)


class Abandoned:
    """Something happens to a victim whose scheduler has died.

    :cvar is_emptied: whether it is the victim of which all was taken.
    """

    is_emptied = True

    def setUp(self):
        super().setUp()
        self.have(scenarios.Scenario.servers)
        victims = self.preemptible()
        (self.normal,) = [
            server
            for server in self._servers.values()
            if server not in victims
        ]
        self.interrupt(
            scenarios.Scenario(self),
            lambda point: is_eviction(point.call),
        )
        self.assertEqual(10, self.used_by_preemptor())
        host = self._get_provider_uuid_by_host('host1')
        # Each has a disk of 1 GB, and so has the preemptor.
        (emptied,) = [
            victim
            for victim in victims
            if host not in self.allocations(victim)
        ]
        (other,) = [victim for victim in victims if victim is not emptied]
        self.victim, self.other = (
            (emptied, other) if self.is_emptied else (other, emptied)
        )

    def used_by_preemptor(self):
        (preemptor,) = [
            server
            for server in self.api.get_servers()
            if server['name'] == 'preemptor'
        ]
        return sum(
            held['resources'].get('VCPU', 0)
            for held in self.allocations(preemptor).values()
        )

    def assertRecovered(self):
        self.recover()
        self.assertUntouched(self.victim, self.other)

    def migrate(self):
        self.delete(self.normal)
        self._migrate_server(self.victim)
        self.assertEqual('host2', self.host_of(self.victim))

    def test_it_is_migrated(self):
        self.migrate()
        self._confirm_resize(self.victim)
        self.assertRecovered()

    def test_it_is_migrated_and_is_back(self):
        self.migrate()
        self._revert_resize(self.victim)
        self.assertRecovered()

    def test_it_is_amid_a_migration_that_is_confirmed(self):
        self.migrate()
        self.recover()
        self._confirm_resize(self.victim)
        self.assertRecovered()

    def test_it_is_amid_a_migration_that_is_reverted(self):
        """The migration has got back what the victim needs now."""
        self.migrate()
        self.recover()
        self._revert_resize(self.victim)
        self.assertRecovered()

    def test_it_is_shelved(self):
        self.flags(shelved_offload_time=0)
        self._shelve_server(self.victim)
        self.recover()
        self._unshelve_server(self.victim)
        self.assertRecovered()

    def test_it_is_shelved_and_is_back(self):
        """It finds room elsewhere, for its own is the preemptor's."""
        self.flags(shelved_offload_time=0)
        self.delete(self.normal)
        self._shelve_server(self.victim)
        self._unshelve_server(self.victim)
        self.assertEqual('host2', self.host_of(self.victim))
        self.assertRecovered()

    def test_an_audit_drops_the_claim(self):
        """The victims' entries stay, and so does what they are for."""
        self.assertIn('Deleted', audit_and_delete())
        self.assertEqual(0, self.used_by_preemptor())
        self.assertRecovered()
        self.assertFalse(self.logged('Wasted'))


class EmptiedTest(Abandoned, crash_points.CrashTestCase):
    is_emptied = True


class ShrunkTest(Abandoned, crash_points.CrashTestCase):
    is_emptied = False
