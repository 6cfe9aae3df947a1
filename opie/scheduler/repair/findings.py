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


"""What is to be done about a preemption that may have been interrupted.

This is decided from what nova's records say of the preemptor, from what the
journal still books on victims, and from how long the deadline is over.
Nothing is repaired before it is certain that no scheduler still carries the
preemption out.
"""

import dataclasses
import enum
import time

import nova.conf

from opie.scheduler.claims import journal_names
from opie.scheduler.claims import rate_limits
from opie.scheduler.repair import preemptor_fate

CONF = nova.conf.CONF

# How long after its deadline a preemption is certainly over: giving back is
# tried for a minute, nova makes a server's record before it says in which cell
# that is, and clocks differ.
MARGIN_SECONDS = 300


class Repair(enum.Enum):
    """What is to be done about a preemption."""

    WAIT = 'nothing yet'
    # Drop the preemptor's claim and give its victims everything back.
    UNDO = 'undo it'
    # The preemptor has its host, and keeps it.
    GIVE_BACK = 'give back to victims'
    CLOSE = 'delete its journal'


# Victims that are gone were lost in vain if their preemptor ends so.
_IN_VAIN = frozenset(
    (
        preemptor_fate.Fate.WITHOUT_HOST,
        preemptor_fate.Fate.UNDECIDED,
        preemptor_fate.Fate.FAILED,
        preemptor_fate.Fate.REFUSED,
    )
)


# Their projects wait before they may preempt again.
_BY_FAULT_OF_PROJECT = frozenset(
    (preemptor_fate.Fate.FAILED, preemptor_fate.Fate.REFUSED)
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """A preemption, and what is to be done about it.

    :ivar has_claim: whether the preemptor holds anything.
    :ivar entries: consumer uuid to its entry in the journal.
    """

    preemption: journal_names.Preemption
    fate: preemptor_fate.Fate
    has_claim: bool
    entries: dict[str, dict[str, int]]
    repair: Repair

    @property
    def is_in_vain(self) -> bool:
        """Whether victims that are gone were lost in vain."""
        return self.fate in _IN_VAIN

    @property
    def is_by_fault_of_project(self) -> bool:
        """Whether the project has to wait for what was lost in vain."""
        return self.fate in _BY_FAULT_OF_PROJECT

    @property
    def is_served(self) -> bool:
        """Whether the preemptor has come to run."""
        return self.fate is preemptor_fate.Fate.LAUNCHED

    @property
    def is_counted_when_closed(self) -> bool:
        """Whether victims in vain are counted when the journal is closed.

        Otherwise they are counted when the preemption is undone.
        """
        return (
            self.repair is Repair.CLOSE
            or self.fate is preemptor_fate.Fate.REFUSED
        )


def repair_for(
    fate: preemptor_fate.Fate,
    has_claim: bool,
    has_entries: bool,
    is_overdue: bool,
    is_counted: bool = False,
) -> Repair:
    """Return what is to be done about a preemption.

    :param has_claim: whether the preemptor holds anything.
    :param has_entries: whether the journal still books anything on victims.
    :param is_overdue: whether it :func:`is_long_over`.
    :param is_counted: whether it :func:`still_counts`, so that its journal
        provider must stay.
    """
    repair = _usual_repair(fate, has_claim, has_entries, is_overdue)
    if repair is Repair.CLOSE and is_counted:
        return Repair.WAIT
    return repair


def _usual_repair(
    fate: preemptor_fate.Fate,
    has_claim: bool,
    has_entries: bool,
    is_overdue: bool,
) -> Repair:
    match fate:
        # Its scheduler has answered, so nothing else carries it out.
        case preemptor_fate.Fate.REFUSED if has_claim or has_entries:
            return Repair.UNDO
        case preemptor_fate.Fate.WITHOUT_HOST | preemptor_fate.Fate.UNDECIDED:
            return Repair.UNDO if is_overdue else Repair.WAIT
        case preemptor_fate.Fate.BUILDING if not is_overdue:
            return Repair.WAIT
    # The preemptor has its host, or had it.
    if not has_entries:
        return Repair.CLOSE
    return Repair.GIVE_BACK if is_overdue else Repair.WAIT


def is_long_over(
    preemption: journal_names.Preemption, fate: preemptor_fate.Fate
) -> bool:
    """Tell whether no scheduler can be carrying a preemption out any more."""
    seconds = MARGIN_SECONDS
    if fate is preemptor_fate.Fate.UNDECIDED:
        # A conductor that is slow still builds the preemptor on its host.
        seconds += CONF.long_rpc_timeout
    return time.time() > preemption.deadline + seconds


def still_counts(preemption: journal_names.Preemption) -> bool:
    """Tell whether a limit still has to count a preemption."""
    return rate_limits.are_limited() and rate_limits.is_recent(preemption)
