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

"""Lets several actors take turns, in an order that a test chooses.

Each actor runs in a thread of its own, and only while it has its turn, which
ends where the actor asks for the next one.  So an order means the same each
time.
"""

import threading

# A deadlock shall not last as long as a test may.
_TIMEOUT_SECONDS = 30


class _Actor(threading.Thread):
    def __init__(self, function):
        super().__init__(daemon=True)
        self.failure = None
        self._function = function
        self._may_go_on = threading.Event()
        self._has_paused = threading.Event()
        self.is_over = False

    def begin(self):
        """Start, up to the first turn."""
        self.start()
        self._has_paused.wait(_TIMEOUT_SECONDS)

    def run(self):
        try:
            self.pause()
            self._function()
        except BaseException as exc:
            self.failure = exc
        self.is_over = True
        self._has_paused.set()

    def pause(self):
        """Wait for the next turn."""
        self._has_paused.set()
        self._may_go_on.wait(_TIMEOUT_SECONDS)
        self._may_go_on.clear()

    def go_on(self):
        """Let it have one turn, and wait for its end."""
        self._has_paused.clear()
        self._may_go_on.set()
        if not self._has_paused.wait(_TIMEOUT_SECONDS):
            raise TimeoutError('the turn of an actor does not end')


class Turns:
    """Runs actors in turns."""

    def __init__(self):
        self._actors = []

    def pause(self):
        """End the turn of the actor that calls; others are let through."""
        current = threading.current_thread()
        if current in self._actors:
            current.pause()

    def run(self, functions, choose):
        """Run functions until all have ended.

        :param functions: of no arguments, one for each actor.
        :param choose: gets the number of actors that go on, and returns which
            one has the next turn, from 0.
        :raises Exception: what the first function raises that raises anything.
        """
        self._actors = [_Actor(function) for function in functions]
        for actor in self._actors:
            actor.begin()
        while True:
            going = [actor for actor in self._actors if not actor.is_over]
            if not going:
                break
            going[choose(len(going))].go_on()
        for actor in self._actors:
            actor.join(_TIMEOUT_SECONDS)
            if actor.failure:
                raise actor.failure
