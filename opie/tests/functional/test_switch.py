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

"""The switch that stops all preemption while the scheduler runs."""

import os

import fixtures
from nova import manager as nova_manager
import nova.conf
import testtools

from opie import policy
from opie.scheduler.claims import claim
from opie.scheduler.planning import snapshot
from opie.scheduler.preempting import eviction
from opie.tests.functional import base

CONF = nova.conf.CONF

only_since_nova_34 = testtools.skipUnless(
    hasattr(nova_manager.Manager, 'set_shutdown_in_progress'),
    'this nova does not tell a manager that its service stops',
)


class SwitchTest(base.CloudTestCase):
    """Two victims of 5, and an operator with a nova.conf."""

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        # The only check is the one immediately before the eviction.
        self.useFixture(
            fixtures.MockPatchObject(eviction, '_FRESH_SECONDS', 0)
        )
        self.nova_conf = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'nova.conf'
        )
        self.write('')
        self.useFixture(
            fixtures.MockPatchObject(
                CONF, '_args', ['--config-file', self.nova_conf]
            )
        )
        CONF.mutate_config_files()
        self.addCleanup(self.switch, 'True')
        self.victims = [self.boot_preemptible(5) for _ in range(2)]

    def write(self, text):
        with open(self.nova_conf, 'w') as nova_conf:
            nova_conf.write(text)

    def switch(self, value):
        """Do what nova's services do on SIGHUP."""
        self.write('[opie]\nenabled = %s\n' % value)
        CONF.mutate_config_files()

    def switch_off_at(self, owner, name, number=1):
        """Switch it off just before one call of a method."""
        calls = []

        def call(real, *args, **kwargs):
            calls.append(args)
            if len(calls) == number:
                self.switch('False')
            return real(*args, **kwargs)

        self.wrap(owner, name, call)

    def assertRefused(self, *survivors):
        preemptor = self.boot(10, state='ERROR')
        self.assertNoValidHost(preemptor)
        self.assertUntouched(*survivors)
        self.assertTrue(self.logged('[opie] enabled is off'))
        self.assertNoJournal()

    def test_it_is_off_until_it_is_on_again(self):
        self.switch('False')
        self.assertRefused(*self.victims)
        self.switch('True')
        self.assertUntouched(self.boot(10))
        self.assertGone(*self.victims)

    def test_nothing_is_read_when_it_is_off(self):
        self.switch('False')
        calls = self.wrap_once(
            snapshot, 'take', lambda real, *args: real(*args)
        )
        self.assertRefused(*self.victims)
        self.assertEqual([], calls)

    def test_a_plan_is_not_claimed_any_more(self):
        calls = self.wrap_once(
            claim.Claim, 'prepare', lambda real, *args: real(*args)
        )
        self.wrap_once(snapshot, 'take', self.switch_off_after)
        self.assertRefused(*self.victims)
        self.assertEqual([], calls)

    def switch_off_after(self, real, *args):
        answer = real(*args)
        self.switch('False')
        return answer

    def test_no_victim_is_evicted_after_a_claim(self):
        self.switch_off_at(eviction.Eviction, 'run')
        self.assertRefused(*self.victims)
        self.assertFalse(self.logged('Wasted'))

    def test_no_other_victim_is_evicted_between_two_evictions(self):
        self.switch_off_at(eviction.Eviction, '_evict', 2)
        preemptor = self.boot(10, state='ERROR')
        self.assertNoValidHost(preemptor)
        (survivor,) = [one for one in self.victims if self.is_alive(one)]
        self.assertUntouched(survivor)
        self.assertEqual(5, self.used_vcpus('host1'))
        self.assertTrue(self.logged('Wasted evictions: 1 for'))

    @only_since_nova_34
    def test_a_worker_that_is_replaced_reads_it_as_well(self):
        """As with services in threads, whose workers SIGHUP replaces."""

        def end(real, *args):
            self.write('[opie]\nenabled = False\n')
            self.scheduler_service.manager.set_shutdown_in_progress()
            return real(*args)

        self.wrap_once(eviction.Eviction, 'run', end)
        self.assertRefused(*self.victims)

    @only_since_nova_34
    def test_a_file_that_cannot_be_read_does_not_keep_it_from_ending(self):
        self.write('[opie')
        self.scheduler_service.manager.set_shutdown_in_progress()
        self.assertTrue(self.logged('Cannot read the options again'))

    def test_the_policy_file_stops_it_as_well(self):
        """nova reads the file again when its time of change differs."""
        self.addCleanup(policy.reset)
        policy.reset()
        path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'policy.yaml'
        )

        def let_it_say(check, seconds):
            with open(path, 'w') as policy_file:
                policy_file.write('"opie:preempt": "%s"\n' % check)
            os.utime(path, (seconds, seconds))

        let_it_say('@', 1)
        self.flags(policy_file=path, group='oslo_policy')
        self.assertUntouched(self.boot(5))
        let_it_say('!', 2)
        self.assertNoValidHost(self.boot(5, state='ERROR'))
        self.assertTrue(self.logged('policy opie:preempt does not allow it'))
        let_it_say('@', 3)
        self.assertUntouched(self.boot(5))
        self.assertGone(*self.victims)
