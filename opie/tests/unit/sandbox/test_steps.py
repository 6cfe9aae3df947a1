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

"""The order of steps, and what happens when a step fails."""

import threading
import unittest

from opie.sandbox import errors
from opie.sandbox import steps


class RunTest(unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.done = []
        self.aborted = []

    def step(self, name, *needs, do=None):
        def run(stop):
            if do:
                do(stop)
            self.done.append(name)

        return steps.Step(name, run, needs)

    def run_steps(self, *wanted):
        reported = []
        steps.run(
            wanted,
            lambda name, seconds: reported.append(name),
            lambda: self.aborted.append(list(self.done)),
        )
        self.assertEqual(sorted(self.done), sorted(reported))

    def test_a_step_waits_for_those_that_it_needs(self):
        self.run_steps(
            self.step('c', 'a', 'b'), self.step('b', 'a'), self.step('a')
        )
        self.assertEqual(['a', 'b', 'c'], self.done)

    def test_what_is_not_to_be_done_is_done_already(self):
        self.run_steps(self.step('b', 'a'))
        self.assertEqual(['b'], self.done)

    def test_what_can_be_done_at_once_is(self):
        barrier = threading.Barrier(2, timeout=10)
        self.run_steps(
            self.step('a', do=lambda stop: barrier.wait()),
            self.step('b', do=lambda stop: barrier.wait()),
        )
        self.assertEqual(['a', 'b'], sorted(self.done))

    def test_a_failure_keeps_others_from_beginning_and_ends_the_rest(self):
        def fail(stop):
            raise errors.NotStarted('no')

        def wait(stop):
            while True:
                stop.sleep()

        with self.assertRaises(errors.NotStarted):
            self.run_steps(
                self.step('a', do=fail),
                self.step('b', 'a'),
                self.step('c', do=wait),
            )
        self.assertEqual([], self.done)
        self.assertEqual([[]], self.aborted)

    def test_a_success_ends_nothing(self):
        self.run_steps(self.step('a'))
        self.assertEqual([], self.aborted)
