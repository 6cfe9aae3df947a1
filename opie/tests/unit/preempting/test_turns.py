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

"""Whose turn it is: the requests that one turn takes, and what they get."""

from concurrent import futures
import contextlib
import functools
import threading

import testtools

from opie.scheduler import errors
from opie.scheduler import waiting
from opie.scheduler.preempting import turns

_SECONDS = 30


class _Request:
    """A :class:`waiting_request.WaitingRequest`, as far as turns know it."""

    def __init__(self, project_id='a', seconds=_SECONDS):
        self.project_id = project_id
        self.looks_at_others = False
        self.deadline = waiting.Deadline.after(seconds)

    def begin(self):
        self.outcome = futures.Future()


class TurnsTest(testtools.TestCase):
    """A first turn is held, and requests gather behind it.

    :ivar served: the requests of each turn.
    """

    def setUp(self):
        super().setUp()
        self.served, self.threads = [], []
        self.has_begun, self.may_go_on = threading.Event(), threading.Event()
        self.addCleanup(self.end)

    def end(self):
        self.may_go_on.set()
        for thread in self.threads:
            thread.join(_SECONDS)

    def make(self, slots=100):
        self.turns = turns.Turns(self.serve, slots)

    def serve(self, requests):
        self.served.append(list(requests))
        self.has_begun.set()
        self.may_go_on.wait(_SECONDS)
        for request in requests:
            request.outcome.set_result(request)

    def start(self, request, hold=None):
        """Let a request wait in a thread of its own.

        :param hold: event until which it keeps its slot.
        """

        def run():
            with self.turns.claimed(request) as attempt:
                self.assertIs(request, attempt)
                if hold:
                    hold.wait(_SECONDS)

        thread = threading.Thread(target=run)
        self.threads.append(thread)
        thread.start()

    def gather(self, *requests, **first):
        """Have requests wait, in this order, behind a turn that goes on."""
        self.start(_Request('first'), **first)
        self.assertTrue(self.has_begun.wait(_SECONDS))
        for request in requests:
            self.start(request)
            self.wait_until(
                functools.partial(self.turns._waiting.__contains__, request)
            )

    def wait_until(self, is_true):
        for _ in waiting.tries(
            waiting.FOR_WRITERS, waiting.Deadline.after(_SECONDS)
        ):
            if is_true():
                return
        self.fail('it did not become true')

    def test_requests_that_gather_are_served_in_one_turn(self):
        self.make()
        requests = [_Request() for _ in range(5)]
        self.gather(*requests)
        self.end()
        self.assertEqual(requests, self.served[1])

    def test_projects_take_turns(self):
        self.make()
        greedy = [_Request('greedy') for _ in range(20)]
        modest = _Request('modest')
        self.gather(*greedy, modest)
        self.end()
        self.assertEqual([greedy[0], modest, *greedy[1:15]], self.served[1])
        self.assertEqual(greedy[15:], self.served[2])

    def test_the_project_that_was_served_longest_ago_comes_first(self):
        self.make(slots=2)
        again, other = _Request('first'), _Request('other')
        self.gather(again, other)
        self.end()
        self.assertEqual([other, again], sum(self.served[1:], []))

    def test_a_request_that_looks_at_others_is_served_alone(self):
        self.make()
        looking, plain = _Request(), _Request()
        looking.looks_at_others = True
        self.gather(looking, plain)
        self.end()
        self.assertEqual([[looking], [plain]], self.served[1:])

    def test_no_more_are_served_than_there_are_slots(self):
        self.make(slots=3)
        requests = [_Request() for _ in range(4)]
        hold = threading.Event()
        self.addCleanup(hold.set)
        self.gather(*requests, hold=hold)
        self.may_go_on.set()
        self.wait_until(lambda: len(sum(self.served[1:], [])) == 4)
        self.assertEqual(requests, sum(self.served[1:], []))
        self.assertEqual(2, max(map(len, self.served[1:])))

    def test_a_request_without_a_slot_waits_until_its_time_is_over(self):
        self.make(slots=1)
        hold = threading.Event()
        self.addCleanup(hold.set)
        self.gather(hold=hold)
        self.may_go_on.set()
        late = _Request(seconds=0.1)
        error = self.assertRaises(errors.NoRoomMade, self.wait_for, late)
        self.assertIn('max_concurrent_preemptions (1)', str(error))
        self.assertEqual([], self.turns._waiting)
        hold.set()
        self.wait_for(_Request())

    def wait_for(self, request):
        with self.turns.claimed(request):
            pass

    def test_a_request_whose_turn_does_not_come_is_too_late(self):
        self.make()
        self.gather()
        late = _Request(seconds=0.1)
        self.assertRaises(errors.TooLate, self.wait_for, late)

    def test_what_ends_a_turn_is_raised_by_each_of_its_requests(self):
        def fail(requests):
            raise errors.SilentCells(['cell'])

        self.turns = turns.Turns(fail, 2)
        for _ in range(3):
            self.assertRaises(errors.SilentCells, self.wait_for, _Request())

    def test_one_that_is_answered_early_may_wait_again_at_once(self):
        """Its turn, which goes on, does not answer it a second time."""
        early = _Request()
        self.turns = turns.Turns(self.answer_early, 10)
        # It is the turn of this thread.
        self.turns._is_taken = True
        self.threads.append(threading.Thread(target=self.insist, args=[early]))
        self.threads[-1].start()
        self.wait_until(lambda: early in self.turns._waiting)
        with self.turns._changed:
            chosen = self.turns._choose()
        self.turns._take_turn(chosen)
        self.end()
        self.assertEqual([[early], [early]], self.served)
        self.assertIs(early, early.outcome.result(0))

    def answer_early(self, requests):
        """Answer a request amid its first turn, and let it come again."""
        self.served.append(list(requests))
        (early,) = requests
        if len(self.served) == 1:
            early.outcome.set_exception(errors.AttemptVoid('again'))
            self.wait_until(lambda: early in self.turns._waiting)
        else:
            early.outcome.set_result(early)

    def insist(self, request):
        with contextlib.suppress(errors.AttemptVoid):
            self.wait_for(request)
        self.wait_for(request)

    def test_an_error_while_victims_go_frees_the_slot(self):
        self.make(slots=1)
        self.may_go_on.set()

        def fail():
            with self.turns.claimed(_Request()):
                raise ValueError

        self.assertRaises(ValueError, fail)
        self.wait_for(_Request())
