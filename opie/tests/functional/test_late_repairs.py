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

"""Changes between the death of services and the repair."""

import contextlib
import threading
import time

import fixtures
from nova.conductor import manager as conductor_manager
import nova.conf

from opie.scheduler.claims import together
from opie.scheduler.repair import findings
from opie.tests.functional import base
from opie.tests.functional import killing
from opie.tests.interruptions import killer

CONF = nova.conf.CONF


class DeletedPreemptorTest(killing.TwoVictimsTestCase):
    """The owner of a preemptor in ERROR is faster than the reaper."""

    def setUp(self):
        super().setUp()
        self.kill_at(together, 'write', call_first=True)
        self.preemptor = self.boot_in_vain(8)
        self.assertEqual(10, self.used_vcpus('host1'))
        self.delete(self.preemptor)
        # nova does not know that the rest belongs to the victims.
        self.assertEqual(2, self.used_vcpus('host1'))

    def delete(self, server):
        self.api.delete_server(server['id'])
        self.wait_until_gone(server)

    def test_no_server_takes_the_room(self):
        self.reap_late()
        self.assertUndone(self.preemptor, *self.victims)
        self.assertFalse(self.logged('Wasted'))

    def test_another_server_takes_the_room(self):
        other = self.boot(5)
        self.reap_late()
        # Three are left, which is what was taken of one of the victims.
        self.assertEqual(10, self.used_vcpus('host1'))
        self.assertEqual(1, len(self.journal_providers()))
        (line,) = self.logged('there is no room for all')
        self.assertIn('WARNING', line)
        for victim in self.victims:
            now = self.api.get_server(victim['id'])
            self.assertEqual('ACTIVE', now['status'])
            self.assertIsNone(now['OS-EXT-STS:task_state'])
        self.assertUntouched(other)
        self.delete(other)
        self.reap()
        self.assertUndone(self.preemptor, *self.victims)


class DeadConductorTest(killing.TwoVictimsTestCase):
    """The preemptor never gets into a cell, not even into cell0."""

    def boot_on_a_dead_conductor(self, vcpu):
        died = threading.Event()

        def die(real, *args, **kwargs):
            with contextlib.suppress(Exception):
                real(*args, **kwargs)
            died.set()
            raise killer.Killed('the conductor')

        self.wrap_once(
            conductor_manager.ComputeTaskManager, '_schedule_instances', die
        )
        preemptor = self.boot(vcpu, state=None)
        self.assertTrue(died.wait(base.WAIT_SECONDS))
        return preemptor

    def reap_when_nova_waits_no_longer(self, preemptor, vcpu):
        """Let the reaper run just before all time is over, and after."""
        (provider,) = self.journal_providers()
        deadline = int(provider['name'].split(':')[3])
        over = deadline + findings.MARGIN_SECONDS + CONF.long_rpc_timeout
        self._reap_at(over)
        self.assertHolds(vcpu, preemptor)
        self._reap_at(over + 1)

    def _reap_at(self, moment):
        with fixtures.MockPatchObject(time, 'time', lambda: moment):
            self.reap()

    def assertLeftToItsOwner(self, preemptor):
        """Assert that it stays in BUILD until its owner deletes it."""
        now = self.api.get_server(preemptor['id'])
        self.assertEqual('BUILD', now['status'])
        self.api.delete_server(preemptor['id'])
        self.wait_until_gone(preemptor)

    def test_its_scheduler_dies_too(self):
        self.kill_at(together, 'write', call_first=True)
        preemptor = self.boot_on_a_dead_conductor(8)
        self.reap_when_nova_waits_no_longer(preemptor, 8)
        self.assertUndone(preemptor, *self.victims)
        self.assertFalse(self.logged('Wasted'))
        self.assertLeftToItsOwner(preemptor)

    def test_its_scheduler_has_answered(self):
        preemptor = self.boot_on_a_dead_conductor(10)
        self.wait_for_survivors(0)
        self.reap_when_nova_waits_no_longer(preemptor, 10)
        self.assertUndone(preemptor)
        self.assertTrue(self.logged('Wasted evictions: 2 for'))
        self.assertLeftToItsOwner(preemptor)
