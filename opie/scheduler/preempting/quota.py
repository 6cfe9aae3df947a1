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

"""Keeps requests from evictions for servers that quota does not allow.

nova counts a project's servers once more after the scheduler has answered.
What nova will count then is counted before a plan, and when the request has
its claim, right before its first eviction.  Pending preemptors of the project
count as servers.  Of requests that are too many together, those that began
first go on.

A request that would be too much waits while preemptors of its project are
pending.  If it ended before them, nova would keep its servers in ERROR, count
these, and refuse the pending ones after their victims have gone.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
import dataclasses

from nova import context as nova_context
from nova import objects
from oslo_log import log as logging

from opie.conf import operations
from opie.scheduler import errors
from opie.scheduler import resources
from opie.scheduler import steps
from opie.scheduler import waiting
from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import rivals
from opie.scheduler.nova_db import builds
from opie.scheduler.nova_db import moves
from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import quota_drivers
from opie.scheduler.preempting import still_wanted

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Quota:
    """What quota says to one request.

    :ivar driver: None if nova does not ask for quota either.
    :ivar preemptors: their uuids.
    :ivar move: what the preemptor needs the room for; None for a boot.
    """

    driver: quota_drivers.Driver | None
    preemptors: Collection[str]
    client: placement.Client
    move: moves.Move | None = None

    @steps.step('sees whether to preempt')
    @steps.polling
    def check(self, deadline: waiting.Deadline) -> None:
        """Return once quota allows the preemptors, which have no claim yet.

        :raises errors.QuotaExceeded: if it does not, and no pending preemptor
            may still leave it to them, or the time is over.
        :raises errors.NoRoomMade: if the preemptors are not wanted any more,
            or preemption is switched off.
        """
        if self.driver is None:
            return
        is_logged = False
        for _ in waiting.tries(waiting.FOR_QUOTA):
            pending = self._pending(journal.in_flight(self.client))
            answer = self.driver.why_not(pending.values())
            if answer is None:
                return
            if not pending or deadline.is_over:
                raise errors.QuotaExceeded(answer)
            if not is_logged:
                self._log_waiting(answer)
                is_logged = True
            still_wanted.check_switch()
            still_wanted.check_any(self.preemptors, self.move)

    def _log_waiting(self, answer: Exception) -> None:
        LOG.info(
            '%(preemptors)s: waits for pending preemptors of its project. '
            '%(answer)s.',
            {'preemptors': ', '.join(self.preemptors), 'answer': answer},
        )

    def check_beside(
        self,
        planned: Sequence[Quota],
        preemptions: Iterable[journal_names.Preemption],
    ) -> None:
        """Check it once more beside requests that were planned before.

        :param planned: requests of the project, which have no claim yet.
        :param preemptions: all that are in the journal.
        :raises errors.AttemptVoid: if those are allowed first.
        """
        if self.driver is None or not planned:
            return
        answer = self.driver.why_not(
            self._pending(preemptions).values(),
            [one.driver.requested for one in planned if one.driver],
        )
        if answer is not None:
            raise errors.AttemptVoid(str(answer), is_race=True)

    def check_again(self, opened: Iterable[journal_names.Preemption]) -> None:
        """Check it for preemptors that have their claim.

        :param opened: the request's own preemptions.
        :raises errors.AttemptVoid: if others are allowed first.
        :raises errors.QuotaExceeded: if quota does not allow the preemptors.
        """
        if self.driver is None:
            return
        takers = [one for one in opened if one.began is not None]
        own = takers or list(opened)
        error = rivals.why_withdraw(self.client, own, self._why_withdraw)
        if error:
            raise error

    def _why_withdraw(
        self,
        staying: Sequence[journal_names.Preemption],
        withdrawing: Sequence[journal_names.Preemption],
    ) -> errors.AttemptVoid | errors.QuotaExceeded | None:
        """Return what ends the attempt, or None if quota allows it."""
        assert self.driver
        pending, leaving = self._pending(staying), self._pending(withdrawing)
        if self.driver.counts_claims:
            answer = self.driver.why_not_claimed(self._held(leaving))
        else:
            answer = self.driver.why_not(pending.values())
        if answer is None:
            return None
        if pending or leaving:
            return errors.AttemptVoid(str(answer), is_race=True)
        return errors.QuotaExceeded(answer)

    def _pending(
        self, preemptions: Iterable[journal_names.Preemption]
    ) -> dict[str, builds.Usage]:
        """Return those preemptors of the project that are pending."""
        assert self.driver
        project = journal_names.label(self.driver.project_id)
        others = {
            one.preemptor
            for one in preemptions
            if one.project in (None, project)
        }.difference(self.preemptors)
        if not others:
            return {}
        context = nova_context.get_admin_context()
        return builds.waiting(context, self.driver.project_id, others)

    def _held(
        self, pending: dict[str, builds.Usage]
    ) -> list[tuple[str, resources.Amounts]]:
        """Return (user id, what is claimed), of each pending preemptor."""
        return [
            (
                pending[uuid].user_id,
                resources.total(consumer.allocations.values()),
            )
            for uuid, consumer in self.client.consumers(pending).items()
        ]


def of(
    context: nova_context.RequestContext,
    spec: objects.RequestSpec,
    requester: tuple[str, str],
    preemptors: Collection[str],
    client: placement.Client,
    move: moves.Move | None = None,
) -> Quota:
    """Return what quota says to a request.

    NOTE: nova/conductor/manager.py counts once more for a boot, and for an
    unshelving where what is allocated counts.  nova/compute/api.py counts
    before a resize.  Other moves need nothing that was not counted.

    :param context: the requester's.
    :param requester: (project id, user id) of the preemptors.
    :param move: what the preemptor needs the room for; None for a boot.
    """
    asked = quota_drivers.driver_class()
    if asked and move and not _is_counted_again(asked, move):
        asked = None
    number = len(preemptors)
    return Quota(
        asked(context, spec, *requester, number) if asked else None,
        preemptors,
        client,
        move,
    )


def _is_counted_again(
    driver: type[quota_drivers.Driver], move: moves.Move
) -> bool:
    """Tell whether nova counts once more when a move has its host."""
    return move.operation == operations.UNSHELVE and driver.counts_claims
