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

"""Reapers and audits that act between two calls of a scheduler.

Each test waits for the call at which they act, and never for a time.
"""

import datetime
import time

import fixtures
from nova.compute import rpcapi
import nova.conf
from nova.db.main import api as main_db
from oslo_utils import timeutils

from opie.scheduler.preempting import confirmation
from opie.scheduler.repair import findings
from opie.tests.functional import audits
from opie.tests.functional import base
from opie.tests.interruptions import crash_points
from opie.tests.interruptions import invariants
from opie.tests.interruptions import killer
from opie.tests.interruptions import scenarios
from opie.tests.interruptions import wire

CONF = nova.conf.CONF


def is_claim(call):
    return call.step == 'claims'


def is_eviction(call):
    return call.step == 'checks the victims'


def is_wait(call):
    return call.step == 'confirms'


class MeanwhileTest(crash_points.CrashMixin, base.CloudTestCase):
    """Another service acts amid a preemption, which goes on."""

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

    def test_the_reaper_comes_between_journal_and_claim(self):
        self.preempt_while(is_claim, self.reap)
        self.assertPreempted()
        self.assertFalse(self.logged('is void'))

    def test_the_reaper_takes_the_journal_away_before_the_claim(self):
        """The claim names the journal, so it is refused and planned anew."""
        self.preempt_while(is_claim, self.reap_late)
        self.assertPreempted()
        self.assertTrue(self.logged('is void'))

    def test_the_reaper_comes_before_the_first_eviction(self):
        self.preempt_while(is_eviction, self.reap)
        self.assertPreempted()

    def test_the_reaper_comes_while_evictions_are_under_way(self):
        begun, release = self.hold_deletions()

        def let_reap():
            self.assertTrue(begun.wait(base.WAIT_SECONDS))
            self.reap()
            release.set()

        self.preempt_while(is_wait, let_reap)
        self.assertPreempted()
        self.assertFalse(self.logged('Repairing'))

    def test_another_reaper_comes_late_while_evictions_are_under_way(self):
        """At the end of the evictions' time, the reaper changes nothing."""
        begun, release = self.hold_deletions()
        asked = self.wrap_once(
            rpcapi.ComputeAPI,
            'terminate_instance',
            lambda real, *args: real(*args),
        )

        held = []

        def let_reap(real, *args):
            self.assertTrue(begun.wait(base.WAIT_SECONDS))
            held.append(self.what_is_held())
            self.reap_as_another_at_the_end()
            held.append(self.what_is_held())
            release.set()
            return real(*args)

        # At a later call, this thread would hold the lock of a cell.
        self.wrap_once(confirmation.Confirmation, 'wait', let_reap)
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
        """Let another worker's reaper come when the time is not over yet."""
        (provider,) = self.journal_providers()
        deadline = int(provider['name'].split(':')[3])
        end = deadline + findings.MARGIN_SECONDS + CONF.long_rpc_timeout
        # A minute is for this test.
        marked_at = timeutils.utcnow() - datetime.timedelta(
            seconds=CONF.opie.preemption_timeout_seconds
            + findings.MARGIN_SECONDS
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
        """The journal is closed; nova's records tell of the deletion."""
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
        """The preemptor has no record in a cell, so its claim is an orphan."""
        said = []
        self.preempt_while(
            is_eviction, lambda: said.append(audits.audit_and_delete())
        )
        self.assertIn('Deleted', said[0])
        self.assertTrue(self.logged('were removed by another writer'))
        self.assertPreempted()

    def test_an_audit_drops_the_claim_while_victims_go(self):
        self.preempt_while(is_wait, audits.audit_and_delete)
        self.assertPreempted()
        self.assertFalse(self.logged('Wasted'))

    def test_an_audit_drops_the_claim_and_no_other_plan_follows(self):
        self.flags(max_plans_per_request=1, group='opie')
        self.preempt_while(is_wait, audits.audit_and_delete)
        self.assertEqual({'ERROR'}, self.statuses('preemptor'))
        self.assertGone(*self.victims)
        (line,) = self.logged('Wasted evictions: 2')
        for victim in self.victims:
            self.assertIn(victim['id'], line)
