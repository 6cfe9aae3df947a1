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

"""Deadlines, and the pauses until something is tried again."""

import contextlib
import time
from unittest import mock

import testtools

from opie.scheduler import errors
from opie.scheduler import waiting


class _Clock:
    """A clock that only pauses, and the tries themselves, let go on."""

    def __init__(self):
        self.now = 1000.0
        self.pauses = []

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds

    @contextlib.contextmanager
    def shown(self):
        with (
            mock.patch.object(time, 'monotonic', lambda: self.now),
            mock.patch.object(time, 'sleep', self.sleep),
        ):
            yield


class WaitingTestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = _Clock()
        shown = self.clock.shown()
        shown.__enter__()
        self.addCleanup(shown.__exit__, None, None, None)


class DeadlineTest(WaitingTestCase):
    def test_time_is_left_until_the_deadline(self):
        deadline = waiting.Deadline.after(10)
        self.clock.now += 9
        self.assertEqual(1, deadline.seconds_left())
        self.assertFalse(deadline.is_over)
        deadline.check()

    def test_no_time_is_left_at_the_deadline_and_after_it(self):
        deadline = waiting.Deadline.after(10)
        for seconds in (10, 5):
            self.clock.now += seconds
            self.assertEqual(0, deadline.seconds_left())
            self.assertTrue(deadline.is_over)
            self.assertRaisesRegex(
                errors.TooLate,
                'preemption_timeout_seconds are over',
                deadline.check,
            )

    def test_a_sleep_ends_at_the_deadline(self):
        deadline = waiting.Deadline.after(10)
        self.clock.now += 4
        deadline.sleep()
        self.assertEqual([6], self.clock.pauses)


class TriesTest(WaitingTestCase):
    def count(self, pauses, seconds, seconds_of_a_try=0):
        """Return how many tries there are until a deadline."""
        number = 0
        for _ in waiting.tries(pauses, waiting.Deadline.after(seconds)):
            number += 1
            self.clock.now += seconds_of_a_try
        return number

    def test_one_try_is_made_where_there_is_no_time(self):
        self.assertEqual(1, self.count(waiting.Pauses(1, 1), 0))
        self.assertEqual([], self.clock.pauses)

    def test_another_try_follows_each_pause(self):
        self.assertEqual(4, self.count(waiting.Pauses(1, 1), 3))
        self.assertEqual([1, 1, 1], self.clock.pauses)

    def test_no_try_begins_after_one_that_has_used_the_time_up(self):
        self.assertEqual(1, self.count(waiting.Pauses(1, 1), 3, 5))

    def test_without_a_deadline_the_caller_ends_them(self):
        for _ in waiting.tries(waiting.Pauses(60, 60)):
            if len(self.clock.pauses) == 100:
                break
        self.assertEqual(6000, sum(self.clock.pauses))

    def test_pauses_grow_with_what_was_waited(self):
        self.count(waiting.Pauses(1, 8, growth=1), 30)
        self.assertEqual([1, 1, 2, 4, 8, 8, 8], self.clock.pauses)

    def test_chance_takes_its_part_and_no_more(self):
        pauses = waiting.Pauses(1, 1, chance=0.25)
        self.count(pauses, 50)
        self.assertTrue(all(0.75 <= one <= 1 for one in self.clock.pauses))
        self.assertLess(1, len(set(self.clock.pauses)))
