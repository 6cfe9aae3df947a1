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

"""Lets requests gather, so that one turn serves all of them."""

import fixtures

from opie.scheduler import waiting
from opie.scheduler.preempting import turns
from opie.tests import waits

_PAUSE_SECONDS = 0.05


def gathered(number, seconds=waits.WAIT_SECONDS):
    """Return a fixture that lets the next turn wait for so many requests.

    The turns that follow begin as usual.

    :param seconds: how long to wait at the most.
    """
    begun = []
    choose = turns.Turns._choose

    def wait_and_choose(its_turns):
        deadline = waiting.Deadline.after(seconds)
        # No other thread may choose while this one waits.
        its_turns._is_taken = True
        while not begun and len(its_turns._waiting) < number:
            if deadline.is_over:
                break
            its_turns._changed.wait(_PAUSE_SECONDS)
        begun.append(True)
        return choose(its_turns)

    return fixtures.MockPatchObject(turns.Turns, '_choose', wait_and_choose)
