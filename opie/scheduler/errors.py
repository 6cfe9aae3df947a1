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

"""What ends the making of room, or one attempt of it.

The text of each is the reason in the operator's log.  It names the option that
says no, or the host, the server or the cell that is in the way, where there is
one.  Where all hosts say no, it counts them by reason.
"""

from collections.abc import Iterable


class NoRoomMade(Exception):
    """No room is made for a request, so nova's NoValidHost stands."""


class NoPlan(NoRoomMade):
    """A plan found no host, and would find none for a request alike."""


class UnsupportedRequest(NoRoomMade):
    """The request is of a shape that pass 2 leaves alone."""


class LimitReached(NoRoomMade):
    """No server is to be evicted for now: a limit is reached."""


class QuotaExceeded(NoRoomMade):
    """nova would refuse the preemptors once they had their hosts.

    :ivar answer: nova's exception, which the request ends with.
    """

    def __init__(self, answer: Exception) -> None:
        super().__init__(str(answer))
        self.answer = answer


class AttemptFailed(NoRoomMade):
    """A plan could not be carried out, and another one would not help."""


class SwitchedOff(NoRoomMade):
    """The operator has stopped all preemption."""

    def __init__(self) -> None:
        super().__init__('[opie] enabled is off')


class TooLate(NoRoomMade):
    """The deadline of a preemption is over."""

    def __init__(self) -> None:
        super().__init__('[opie] preemption_timeout_seconds are over')


class SilentCells(NoRoomMade):
    """A cell that may have room does not answer, so no server is evicted.

    :param uuids: of the cells.
    """

    def __init__(self, uuids: Iterable[str]) -> None:
        super().__init__(
            'no answer from cell %s' % ', '.join(sorted(set(uuids)))
        )


class AttemptVoid(Exception):
    """A plan cannot be carried out, and another one may be.

    :ivar victims: uuids of servers to exclude from the next plan.
    :ivar providers: those of hosts to exclude from it.
    :ivar is_race: whether another scheduler, or nova, was only faster.
    """

    def __init__(
        self,
        reason: str,
        *victims: str,
        providers: Iterable[str] = (),
        is_race: bool = False,
    ) -> None:
        super().__init__(reason)
        self.victims = frozenset(victims)
        self.providers = frozenset(providers)
        self.is_race = is_race


class NextTurn(Exception):
    """A turn has no time left for a request, which has another turn."""


class ClaimFailed(AttemptVoid):
    """The claim was not made and never will be: all allocations stay."""


class ClaimRefused(ClaimFailed):
    """Placement would refuse the same claim again."""


class OverCapacity(ClaimRefused):
    """Placement lets no claim change a host that is over its capacity."""
