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

"""How long opie waits, and how often it tries again meanwhile.

Every pause of the scheduler is one of those that are named here.
"""

from __future__ import annotations

from collections.abc import Iterator
import dataclasses
import random
import time

from opie.scheduler import errors


@dataclasses.dataclass(frozen=True)
class Deadline:
    """The moment when a wait is over, of the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline of a wait that begins now."""
        return cls(time.monotonic() + seconds)

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() >= self.at

    def seconds_left(self) -> float:
        """Return the time until it, 0 when it is over."""
        return max(0, self.at - time.monotonic())

    def sleep(self) -> None:
        """Wait until it is over."""
        time.sleep(self.seconds_left())

    def check(self) -> None:
        """Check that the time of a preemption is not over.

        :raises errors.TooLate: if it is.
        """
        if self.is_over:
            raise errors.TooLate


@dataclasses.dataclass(frozen=True)
class Pauses:
    """How long to pause before the next try.

    :ivar first_seconds: the least pause.
    :ivar most_seconds: the longest one.
    :ivar growth: a pause as a part of the time waited already: what is late
        is found late by no more than this part.
    :ivar chance: the part of a pause that chance may take away, so that those
        that wait for one another do not meet again.
    """

    first_seconds: float
    most_seconds: float
    growth: float = 0
    chance: float = 0

    def sleep(self, waited_seconds: float = 0) -> None:
        """Pause once, after some time that was waited already."""
        seconds = min(
            max(self.first_seconds, self.growth * waited_seconds),
            self.most_seconds,
        )
        time.sleep(seconds * random.uniform(1 - self.chance, 1))


# For victims to be gone: the preemptor waits for the last of them.
FOR_VICTIMS = Pauses(0.025, 1, growth=0.05)
# For the victim of another request to be gone first: many may wait for it, and
# its deletion needs the databases and placement as well.
FOR_FIRST_VICTIMS = Pauses(0.1, 1, growth=0.1, chance=0.2)
# For other threads to ask the same database for the states of their victims.
FOR_OTHERS = Pauses(0.025, 0.025)
# For nova to end the record of a server that it has deleted.
FOR_RECORDS = Pauses(0.2, 0.2)
# For another writer of the same provider to be through.
FOR_WRITERS = Pauses(0.05, 0.05)
# For requests that began later to withdraw their journal.
FOR_RIVALS = Pauses(0.05, 0.05)
# For pending preemptors of a project to have their hosts, or to fail.
FOR_QUOTA = Pauses(0.2, 2, growth=0.1, chance=0.2)
# For a placement that restarts, or that several at once give back to.
FOR_PLACEMENT = Pauses(0.05, 2, growth=1, chance=0.5)
# For schedulers that plan on the same hosts to be out of step.
FOR_NEXT_PLAN = Pauses(0.2, 0.2, chance=1)


def tries(pauses: Pauses, deadline: Deadline | None = None) -> Iterator[None]:
    """Yield at once, and again after each pause, until a deadline.

    The deadline is checked before each pause, and not after it.  So the
    caller has a last try when the pause that passes the deadline is over.

    :param deadline: None for ever: the caller ends it.
    """
    began = time.monotonic()
    while True:
        yield
        if deadline and deadline.is_over:
            return
        pauses.sleep(time.monotonic() - began)
