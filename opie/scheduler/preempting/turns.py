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

"""Lets one thread of a worker plan at a time, for all requests that wait.

Requests that come together would all choose the same victims, and each would
pay for a snapshot of its own.  So the thread whose turn it is takes the
requests that wait, its own or not, and plans and claims for all of them.
Afterwards each request evicts and waits for its victims in its own thread.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent import futures
import contextlib
import threading

from opie.scheduler import errors
from opie.scheduler.preempting import attempt as attempts
from opie.scheduler.preempting import waiting_request

# How many requests one turn serves: a plan for one takes the longer the more
# were planned before.
_MOST_AT_ONCE = 16
# How many projects are remembered, to know which was served longest ago.
_MOST_PROJECTS = 1000

_Request = waiting_request.WaitingRequest


class Turns:
    """The requests of one worker that wait, and whose turn it is.

    :param serve: plans and claims for requests, and sets their outcomes.
    :param slots: for how many requests victims may be evicted at a time.
    """

    def __init__(
        self, serve: Callable[[Sequence[_Request]], None], slots: int
    ) -> None:
        self._serve = serve
        self._slots = self._free_slots = slots
        self._is_taken = False
        self._waiting: list[_Request] = []
        # Project to the number of the turn that has served it last.
        self._served_in: collections.Counter[str] = collections.Counter()
        self._number = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def claimed(self, request: _Request) -> Iterator[attempts.Attempt]:
        """Yield an attempt that is claimed; hold a slot until it is over.

        :raises errors.NoRoomMade: if there is no turn, or no slot, in time.
        :raises Exception: what has ended the planning of the request.
        """
        request.begin()
        with self._changed:
            self._waiting.append(request)
        try:
            while not request.outcome.done():
                chosen = self._choose_or_wait(request)
                if chosen:
                    self._take_turn(chosen)
            yield request.outcome.result()
        finally:
            self._leave(request)

    def _leave(self, request: _Request) -> None:
        with self._changed:
            if request in self._waiting:
                self._waiting.remove(request)
            else:
                self._free_slots += 1
            self._changed.notify_all()

    def _choose_or_wait(self, request: _Request) -> list[_Request]:
        """Return the requests to serve, or none after something changed."""
        with self._changed:
            if not self._is_taken and self._free_slots and self._waiting:
                chosen = self._choose()
                self._is_taken = bool(chosen)
                return chosen
            if request not in self._waiting:
                # Another thread serves it, which ends in time.
                self._changed.wait()
            elif not self._changed.wait(request.deadline.seconds_left()):
                self._give_up()
            return []

    def _give_up(self) -> None:
        if self._free_slots:
            raise errors.TooLate
        raise errors.NoRoomMade(
            '[opie] max_concurrent_preemptions (%d) were under way until the '
            'time was over' % self._slots
        )

    def _choose(self) -> list[_Request]:
        """Take requests out of those that wait, fairly between projects.

        A request that looks at which servers are where is served alone.
        """
        self._number += 1
        if len(self._served_in) > _MOST_PROJECTS:
            self._served_in.clear()
        chosen: list[_Request] = []
        for request in self._in_fair_order():
            if len(chosen) == min(_MOST_AT_ONCE, self._free_slots):
                break
            if chosen and request.looks_at_others:
                continue
            chosen.append(request)
            self._served_in[request.project_id] = self._number
            if request.looks_at_others:
                break
        for request in chosen:
            self._waiting.remove(request)
        self._free_slots -= len(chosen)
        return chosen

    def _in_fair_order(self) -> list[_Request]:
        """Return those that wait: one of each project, then the second ones.

        The project that was served longest ago comes first.
        """
        seen: collections.Counter[str] = collections.Counter()
        places = []
        for place, request in enumerate(self._waiting):
            project = request.project_id
            places.append((seen[project], self._served_in[project], place))
            seen[project] += 1
        return [self._waiting[place] for *_, place in sorted(places)]

    def _take_turn(self, chosen: Sequence[_Request]) -> None:
        # A request that is answered may leave, and wait again, meanwhile.
        outcomes = [request.outcome for request in chosen]
        for outcome in outcomes:
            outcome.add_done_callback(self._notify)
        error: BaseException = RuntimeError('a turn has served no request')
        try:
            self._serve(chosen)
        except Exception as exc:
            # Each of the requests raises it.
            error = exc
        except BaseException as exc:
            error = exc
            raise
        finally:
            for outcome in outcomes:
                if not outcome.done():
                    outcome.set_exception(error)
            with self._changed:
                self._is_taken = False
                self._changed.notify_all()

    def _notify(self, outcome: futures.Future[attempts.Attempt]) -> None:
        with self._changed:
            self._changed.notify_all()
