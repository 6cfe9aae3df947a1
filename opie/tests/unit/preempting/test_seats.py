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

"""The seats that projects may have of a worker."""

import contextlib

import testtools

from opie.scheduler import errors
from opie.scheduler.preempting import seats


class SeatsTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.seats = seats.Seats(12)
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)

    def fill(self, project):
        """Take seats until a project gets no more; return how many."""
        number = 0
        with contextlib.suppress(errors.NoRoomMade):
            while True:
                self.stack.enter_context(self.seats.taken(project))
                number += 1
        return number

    def test_a_project_alone_has_two_thirds(self):
        self.assertEqual(8, self.fill('greedy'))

    def test_another_one_has_what_it_needs_then(self):
        self.fill('greedy')
        self.assertEqual(3, self.fill('second'))
        self.assertEqual(1, self.fill('third'))

    def test_a_seat_that_is_left_is_free(self):
        self.fill('greedy')
        self.stack.close()
        self.assertEqual(8, self.fill('greedy'))

    def test_the_refusal_counts_who_waits(self):
        self.fill('greedy')
        self.fill('second')
        error = self.assertRaises(errors.NoRoomMade, self.take_one, 'greedy')
        self.assertIn('8 requests of its project and 3 others', str(error))
        self.assertIn('leaves threads for 12', str(error))

    def take_one(self, project):
        with self.seats.taken(project):
            pass

    def test_a_single_seat_is_taken_by_one(self):
        one = seats.Seats(1)
        with one.taken('a'), testtools.ExpectedException(errors.NoRoomMade):
            self.seats = one
            self.take_one('b')
