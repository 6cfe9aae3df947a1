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


"""Follows preemptors until they have their hosts.

nova's conductor may still refuse a preemptor after the scheduler has answered,
because quota is exceeded for instance.  It leaves the preemptor's claim then.
The worker that has answered looks soon and gives the claim back.  If that
worker ends, the next reaper of any worker does so.
"""

from __future__ import annotations

from collections.abc import Iterable
import threading

from nova import context as nova_context

from opie.scheduler import steps
from opie.scheduler import waiting
from opie.scheduler.claims import journal_names
from opie.scheduler.repair import preemptor_fate
from opie.scheduler.repair import reaper

# How long the conductor may take.  Afterwards the reaper alone comes.
_FOLLOWED_SECONDS = 120

_NOT_YET = (
    preemptor_fate.Fate.UNDECIDED,
    preemptor_fate.Fate.BUILDING,
)


_IN_VAIN = (preemptor_fate.Fate.REFUSED, preemptor_fate.Fate.FAILED)


class Served:
    """The preemptors that one worker has answered for of late."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._followed: dict[journal_names.Preemption, waiting.Deadline] = {}

    def follow(self, preemptions: Iterable[journal_names.Preemption]) -> None:
        """Follow preemptors from now on."""
        deadline = waiting.Deadline.after(_FOLLOWED_SECONDS)
        with self._lock:
            self._followed.update(dict.fromkeys(preemptions, deadline))

    @steps.step('the reaper reads')
    def give_back_refused(self, its_reaper: reaper.Reaper) -> None:
        """Give back what was claimed for preemptors that were refused."""
        with self._lock:
            followed = dict(self._followed)
        context = nova_context.get_admin_context()
        for preemption, deadline in followed.items():
            fate = preemptor_fate.of(context, preemption)
            if fate in _IN_VAIN:
                its_reaper.repair([preemption])
            if fate not in _NOT_YET or deadline.is_over:
                with self._lock:
                    del self._followed[preemption]
