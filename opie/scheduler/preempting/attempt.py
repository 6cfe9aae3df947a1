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

Whatever goes wrong, all victims that are still there get back what was taken
of them and the preemptors' claims are dropped, in one transaction.
"""

import time

from nova import context as nova_context
import nova.conf
from oslo_log import log as logging

from opie.scheduler import errors
from opie.scheduler import report
from opie.scheduler.claims import claim
from opie.scheduler.claims import rate_limits
from opie.scheduler.nova_db import instances
from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import eviction
from opie.scheduler.preempting import verification
from opie.scheduler.preempting import victim_checks

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)


class PlanAgain(Exception):
    """The plan could not be carried out, and another one may be.

    Everything is as it was, except for victims that are gone already: their
    room is free, and what another plan would begin with.

    :ivar victims: uuids of servers to spare in the next plan.
    :ivar is_race: whether it is only that somebody else was faster.
    :ivar evicted: uuids of the victims whose deletion was asked for.
    """

    def __init__(self, reason, victims=(), is_race=False, evicted=()):
        super().__init__(reason)
        self.victims = frozenset(victims)
        self.is_race = is_race
        self.evicted = frozenset(evicted)


class Execution:
    """Carries out one plan: :meth:`claim` first, then :meth:`evict`.

    :param shot: the :class:`snapshot.Snapshot` planned on.
    :param plan: a feasible :class:`opie.preemption.model.Plan`.
    :param client: a :class:`opie.scheduler.placement.client.Client`.
    :param servicegroup: nova's servicegroup API.
    :param owner: (project id, user id) of the preemptors.
    :param attempt: number of the plan, from 1.
    :param deadline: the :class:`waiting.Deadline` of the preemption.
    :param has_group: whether the preemptors are of a server group.
    """

    def __init__(
        self,
        shot,
        plan,
        client,
        servicegroup,
        owner,
        attempt,
        deadline,
        has_group,
    ):
        self._shot = shot
        self._plan = plan
        self._client = client
        self._attempt = attempt
        self._deadline = deadline
        self._doubt = None  # why the claim must be undone
        self._claim = claim.Claim(client, plan, shot.request, owner)
        self._work = eviction.Eviction(
            plan,
            self._claim,
            shot.states,
            servicegroup,
            deadline,
            has_group,
        )

    def claim(self):
        """Make and verify the claim.

        If it may have been made but does not hold, :meth:`evict` undoes it:
        that can take a minute, and whoever claims keeps others from planning.

        :raises PlanAgain: if it was not made and another plan may succeed.
        :raises errors.LimitReached: if it was not made, because others were
            faster to reach a limit.
        """
        try:
            self._claim.make(
                self._attempt,
                int(time.time() + self._deadline.seconds_left()),
                CONF.host,
            )
            self._verify()
        except errors.ClaimFailed as exc:
            raise PlanAgain(str(exc), exc.victims, exc.is_race) from exc
        except errors.LimitReached:
            raise
        except Exception as exc:
            self._doubt = exc

    def evict(self):
        """Evict the victims and return when their room is the preemptors'.

        It must follow :meth:`claim` whenever that returns.

        :raises PlanAgain: if another plan may succeed, with what was lost.
        :raises errors.AttemptFailed: if no other plan would.
        """
        try:
            if self._doubt:
                raise self._doubt
            self._work.run()
            self._check_claim()
        except victim_checks.Stopped as exc:
            raise self._undone(exc) from exc
        except Exception:
            self._undo()
            self._report_waste()
            raise
        self._drop_unwanted()

    def _undone(self, stopped):
        """Undo what can be undone; return the exception to raise."""
        is_undone = self._undo()
        is_lost = self._work.outcome.sent and not stopped.is_room_free
        if stopped.is_final or is_lost or not is_undone:
            self._report_waste()
            return errors.AttemptFailed(str(stopped))
        return PlanAgain(
            str(stopped), stopped.victims, evicted=self._work.outcome.sent
        )

    def _verify(self):
        victims = {server.uuid for _, server in self._plan.victims}
        doubts = [
            doubt
            for provider in sorted(
                {one.provider for one in self._plan.nominations}
            )
            for doubt in verification.doubts(
                self._client, self._shot, provider, victims
            )
        ]
        if doubts:
            raise victim_checks.Stopped(', '.join(doubts))

    def _check_claim(self):
        """Check that nobody has dropped the claim while victims went.

        When placement does not say, it is taken to be there: it was made, and
        the victims are gone.
        """
        for nomination in self._plan.nominations:
            if nomination.preemptor in self._work.outcome.unwanted:
                continue
            try:
                holds = self._claim.holds_for(nomination)
            except placement.PlacementError as exc:
                LOG.warning(
                    'Cannot read the allocations of %(preemptor)s again: '
                    '%(error)s.',
                    {'preemptor': nomination.preemptor, 'error': exc},
                )
                continue
            if not holds:
                raise victim_checks.Stopped(
                    'the allocations of %s were removed by somebody else'
                    % nomination.preemptor,
                    is_room_free=True,
                )

    def _undo(self):
        """Give everything back; return whether it was.

        A victim whose deletion was asked for is none of the exceptions: nova
        may take long over it, or fail, and its guest runs meanwhile.
        """
        preemptors = {item.preemptor for item in self._plan.nominations}
        self._let_deletions_end()
        is_undone = self._give_back(preemptors)
        self._empty_deleted()
        return is_undone

    def _let_deletions_end(self):
        """Wait a moment for victims that are on their way out.

        What they are given back while nova removes it may stay, and once the
        journal is closed nobody else knows of them; see swap_back.empty.
        """
        instances.wait_until_gone(self._work.outcome.sent)

    def _empty_deleted(self):
        """Leave nothing to victims that nova was just deleting."""
        victims = {server.uuid for _, server in self._plan.victims}
        try:
            context = nova_context.get_admin_context()
            instances.wait_until_gone(instances.ending(context, victims))
            self._claim.empty(instances.without_record(victims))
        except Exception:
            LOG.exception(
                'Cannot see whether any of %s is deleted and has allocations '
                'all the same.',
                ', '.join(sorted(victims)),
            )

    def _report_waste(self):
        self._report(self._work.outcome.sent, self._shot.request.preemptors)

    @staticmethod
    def _report(wasted, preemptors):
        if wasted:
            report.wasted(len(wasted), preemptors, wasted)

    def _drop_unwanted(self):
        """Give back what was taken for those that were deleted meanwhile."""
        unwanted = self._work.outcome.unwanted
        if unwanted:
            self._give_back(unwanted)
            self._report(self._work.wasted, sorted(unwanted))

    def _give_back(self, preemptors):
        """Give back, and return whether it is done.

        As long as a claim may be there its journal has to stay, for nothing
        else tells the reaper of it once the victims are gone.  So has one that
        has cost somebody a server and counts.
        """
        is_done = self._claim.give_back(preemptors)
        is_counted = self._work.outcome.sent and rate_limits.are_limited()
        if is_done and not is_counted:
            self._claim.close(preemptors)
        return is_done
