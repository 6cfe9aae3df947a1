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

"""Carries a plan out as a whole: claim, verify, evict, confirm, or undo.

Whatever goes wrong, the servers whose deletion was not asked for get back
what was taken of them and the preemptors' claims are dropped, in one
transaction.
"""

import dataclasses
import time

import nova.conf
from oslo_log import log as logging

from opie.scheduler import allocations
from opie.scheduler import eviction
from opie.scheduler import journal
from opie.scheduler import placement

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

# How long nova may take to remove the allocations of a server whose record is
# gone already.
_CLOSE_SECONDS = 5


class PlanAgain(Exception):
    """The plan could not be carried out, and nothing has changed.

    :ivar victim: uuid of a server to spare in the next plan, or None.
    """

    def __init__(self, reason, victim=None):
        super().__init__(reason)
        self.victim = victim


class Failed(Exception):
    """The plan could not be carried out, and another one would not help."""


@dataclasses.dataclass(frozen=True)
class Execution:
    """What carrying out a plan needs.

    :ivar shot: the :class:`opie.scheduler.snapshot.Snapshot` planned on.
    :ivar plan: a feasible :class:`opie.preemption.model.Plan`.
    :ivar client: a :class:`opie.scheduler.placement.Placement`.
    :ivar servicegroup: nova's servicegroup API.
    :ivar owner: (project id, user id) of the preemptors.
    :ivar attempt: number of the plan, from 1.
    :ivar deadline: the monotonic time by which victims must be gone.
    """

    shot: object
    plan: object
    client: placement.Placement
    servicegroup: object
    owner: tuple
    attempt: int
    deadline: float

    def run(self):
        """Return when the preemptors' room is theirs and free.

        :raises PlanAgain: if nothing was lost and another plan may succeed.
        :raises Failed: if no other plan would.
        """
        claim = self._claim()
        work = eviction.Eviction(
            self.plan,
            claim,
            self.shot.states,
            self.servicegroup,
            self.deadline,
        )
        try:
            self._verify(claim)
            work.run()
            self._check_claim(claim, work.outcome)
        except eviction.Stopped as exc:
            self._undo(claim, work.outcome)
            if exc.is_final or (work.outcome.sent and not exc.is_room_free):
                self._report_waste(work.outcome)
                raise Failed(str(exc)) from exc
            raise PlanAgain(str(exc), exc.victim) from exc
        except Exception:
            self._undo(claim, work.outcome)
            self._report_waste(work.outcome)
            raise
        self._tidy_up(claim, work.outcome)

    def _claim(self):
        claim = allocations.Claim(
            self.client, self.plan, self.shot.request, self.owner
        )
        try:
            claim.make(self._journal_name)
        except allocations.ClaimFailed as exc:
            raise PlanAgain(str(exc), exc.victim) from exc
        except placement.PlacementError:
            # It may have been made all the same.
            self._undo(claim, eviction.Outcome())
            raise
        return claim

    def _journal_name(self, preemptor):
        seconds_left = self.deadline - time.monotonic()
        return journal.provider_name(
            preemptor, self.attempt, time.time() + seconds_left, CONF.host
        )

    def _verify(self, claim):
        over = claim.over_capacity()
        if over:
            raise eviction.Stopped(
                'over capacity: %s'
                % ', '.join('%s of %s' % (name, host) for host, name in over)
            )

    def _check_claim(self, claim, outcome):
        """Check that nobody has dropped the claim while victims went."""
        for nomination in self.plan.nominations:
            if nomination.preemptor in outcome.unwanted:
                continue
            if not claim.holds_for(nomination):
                raise eviction.Stopped(
                    'the allocations of %s were removed by somebody else'
                    % nomination.preemptor,
                    is_room_free=True,
                )

    def _undo(self, claim, outcome):
        preemptors = {item.preemptor for item in self.plan.nominations}
        victims = {server.uuid for _, server in self.plan.victims}
        claim.give_back(victims - outcome.sent, preemptors)

    def _report_waste(self, outcome):
        if outcome.sent:
            LOG.warning(
                'Wasted evictions: %(victims)s went for %(preemptors)s in '
                'vain.',
                {
                    'victims': ', '.join(sorted(outcome.sent)),
                    'preemptors': ', '.join(self.shot.request.preemptors),
                },
            )

    @staticmethod
    def _tidy_up(claim, outcome):
        if outcome.spared or outcome.unwanted:
            claim.give_back(outcome.spared, outcome.unwanted)
        claim.close(time.monotonic() + _CLOSE_SECONDS)
