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

"""A check of all victims counts only for a moment before evictions."""

import contextlib
import time

import fixtures
import testtools

from opie.scheduler.preempting import eviction

_SUSPENDED = 600


class StopwatchTest(testtools.TestCase):
    @contextlib.contextmanager
    def at(self, monotonic, of_the_day):
        """Let both clocks show how much they have moved on."""
        with (
            fixtures.MockPatchObject(time, 'monotonic', lambda: monotonic),
            fixtures.MockPatchObject(time, 'time', lambda: 1e9 + of_the_day),
        ):
            yield

    def is_fresh_after(self, monotonic, of_the_day):
        with self.at(0, 0):
            since_check = eviction._Stopwatch()
        with self.at(monotonic, of_the_day):
            return since_check.is_fresh()

    def test_it_counts_for_a_moment(self):
        self.assertTrue(self.is_fresh_after(0, 0))
        self.assertTrue(self.is_fresh_after(0.1, 0.1))
        over = eviction._FRESH_SECONDS
        self.assertFalse(self.is_fresh_after(over, over))

    def test_monotonic_time_stood_still(self):
        self.assertFalse(self.is_fresh_after(0.1, _SUSPENDED))

    def test_the_time_of_the_day_stood_still_or_was_set(self):
        self.assertFalse(self.is_fresh_after(_SUSPENDED, 0))
        self.assertFalse(self.is_fresh_after(0.1, -_SUSPENDED))
