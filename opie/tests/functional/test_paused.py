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

"""A scheduler stands still amid a preemption, and the reaper undoes it."""

import contextlib
import threading
import time

import fixtures

from opie.scheduler.preempting import confirmation
from opie.scheduler.preempting import eviction
from opie.tests.functional import base
from opie.tests.functional import killing

# Longer than a conductor is waited for, and shorter than oslo.db keeps a
# connection: a database in memory is gone with it.
_LATER_SECONDS = 2700


class PausedTest(killing.TwoVictimsTestCase):
    def pause_at(self, owner, name, call_first=False, number=1):
        """Let the scheduler pause at one call of a method.

        :returns: (event that is set when it pauses, event to set).
        """
        paused, resume = threading.Event(), threading.Event()
        self.addCleanup(resume.set)
        calls = []

        def pause(real, *args):
            calls.append(args)
            is_now = len(calls) == number
            if call_first or not is_now:
                real(*args)
            if is_now:
                paused.set()
                resume.wait(base.WAIT_SECONDS)
                if not call_first:
                    real(*args)

        self.wrap(owner, name, pause)
        return paused, resume

    @contextlib.contextmanager
    def much_later(self):
        real = time.time
        with fixtures.MockPatchObject(
            time, 'time', lambda: real() + _LATER_SECONDS
        ):
            yield

    def assertGivenBackMeanwhile(self, preemptor, *victims):
        self.assertEqual({}, self.allocations(preemptor))
        self.assertUntouched(*victims)

    def assertNoMoreEvicted(self, preemptor, *victims):
        self._wait_for_state_change(preemptor, 'ERROR')
        self.assertUndone(preemptor, *victims)

    def test_it_resumes_when_its_time_is_over(self):
        """It evicts no victim, and gives the preemptor no host."""
        self.flags(preemption_timeout_seconds=1, group='opie')
        paused, resume = self.pause_at(eviction.Eviction, 'run')
        preemptor = self.boot(8, state=None)
        self.assertTrue(paused.wait(base.WAIT_SECONDS))
        self.let_time_pass()
        self.reap()
        self.assertGivenBackMeanwhile(preemptor, *self.victims)
        time.sleep(1)
        resume.set()
        self.assertNoMoreEvicted(preemptor, *self.victims)

    def test_it_resumes_and_believes_to_have_time(self):
        """By its clock of monotonic time, which stood still as well."""
        paused, resume = self.pause_at(eviction.Eviction, 'run')
        preemptor = self.boot(8, state=None)
        self.assertTrue(paused.wait(base.WAIT_SECONDS))
        with self.much_later():
            self.reap()
        self.assertGivenBackMeanwhile(preemptor, *self.victims)
        resume.set()
        self.assertNoMoreEvicted(preemptor, *self.victims)
        self.assertTrue(self.logged('allocations of the victim changed'))
        self.assertFalse(self.logged('Evicting'))

    def test_it_resumes_between_two_evictions(self):
        """As a virtual machine that was suspended.

        The check of all victims still counts by its clock of monotonic time.
        """
        self.useFixture(
            fixtures.MockPatchObject(
                eviction, '_FRESH_SECONDS', base.WAIT_SECONDS
            )
        )
        paused, resume = self.pause_at(
            eviction.Eviction, '_evict_patiently', number=2
        )
        preemptor = self.boot(10, state=None)
        self.assertTrue(paused.wait(base.WAIT_SECONDS))
        (survivor,) = self.wait_for_survivors(1)
        with self.much_later():
            self.reap()
            self.assertGivenBackMeanwhile(preemptor, survivor)
            resume.set()
            self.assertNoMoreEvicted(preemptor, survivor)
        self.assertTrue(self.logged('allocations of the victim changed'))
        self.assertEqual(1, len(self.logged('Evicting')))

    def test_it_resumes_with_victims_gone(self):
        self.flags(max_plans_per_request=1, group='opie')
        paused, resume = self.pause_at(
            confirmation.Confirmation, 'wait', call_first=True
        )
        preemptor = self.boot(10, state=None)
        self.assertTrue(paused.wait(base.WAIT_SECONDS))
        self.let_time_pass()
        self.reap()
        resume.set()
        self._wait_for_state_change(preemptor, 'ERROR')
        self.assertUndone(preemptor)
