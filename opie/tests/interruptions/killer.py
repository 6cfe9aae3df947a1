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

"""Stops a scheduler at any one of its I/O calls.

A scheduler that is killed makes no I/O any more in any of its threads, and
gives no answer.  None of its error handling runs, because the error that is
raised is no Exception.  A kill before a call is also a kill after the previous
call, so that a crash point follows each write as well.
"""

import collections
import dataclasses
import threading

from opie.tests.interruptions import wire

PREEMPTION = 'filter_scheduler.FilterScheduler.select_destinations'
REAPER = 'filter_scheduler.FilterScheduler._reap'


class Killed(BaseException):
    """The scheduler ends here."""


def die(point):
    """End it in a process that lives on."""
    raise Killed(point)


@dataclasses.dataclass(frozen=True)
class Point:
    """A crash point: before a call, the first or a later one of its kind.

    :ivar call: a :class:`wire.Call`.
    :ivar number: from 1.
    """

    call: wire.Call
    number: int

    @property
    def is_chance(self):
        """Whether it may be reached one time and not another."""
        return self.call.is_polled or self.call.is_remembered

    def __str__(self):
        # All paths of an entry begin alike.
        path = ' > '.join(self.call.path[-3:])
        return 'before %s #%d: %s' % (self.call.what, self.number, path)


class Killer:
    """Hears of the calls of one entry of the scheduler, and kills it at one.

    :param entry: PREEMPTION or REAPER.
    :param is_time: called with each :class:`Point`.
    :param after: called with each :class:`wire.Call` that was made.
    :param end: called with the point to end it; does not return.
    :ivar points: those that were come to, in order.
    :ivar killed_at: the point where it was killed, None if nowhere.
    """

    def __init__(
        self, entry, is_time=lambda point: False, after=None, end=die
    ):
        self._entry = entry
        self._is_time = is_time
        self._after = after or (lambda call: None)
        self._end = end
        self._numbers = collections.Counter()
        self._lock = threading.Lock()
        self.points = []
        self.killed_at = None

    def __call__(self, call, go):
        if call.path[0] != self._entry:
            return go()
        self._come_to(call)
        answer = go()
        self._after(call)
        return answer

    def _come_to(self, call):
        with self._lock:
            if self.killed_at:
                self._end(self.killed_at)
            key = call.path, call.what
            self._numbers[key] += 1
            point = Point(call, self._numbers[key])
            self.points.append(point)
            if self._is_time(point):
                self.killed_at = point
                self._end(point)

    def answer(self):
        """Let the scheduler answer its caller."""
        self(
            wire.Call(
                (self._entry,), (self._entry, 0, 0), 'ANSWER', 'answers'
            ),
            lambda: None,
        )


def worth_it(points):
    """Return the points to try: of polls the first of each kind."""
    return [
        point
        for point in points
        if point.number == 1 or not point.call.is_polled
    ]


def one_for_each_state(points):
    """Return one point for each state that a crash can leave behind.

    Between two writes nothing changes, so the last call before each of them
    stands for all.
    """
    points = worth_it(points)
    return [
        point for point in points if point.call.is_write or point is points[-1]
    ]
