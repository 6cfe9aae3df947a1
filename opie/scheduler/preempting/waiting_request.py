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

"""A request that waits for room, with what it needs from plan to plan."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent import futures
import dataclasses

from nova import context as nova_context
from nova import objects

from opie.scheduler import errors
from opie.scheduler import report
from opie.scheduler import waiting
from opie.scheduler.nova_db import moves
from opie.scheduler.planning import companions
from opie.scheduler.planning import inputs
from opie.scheduler.preempting import attempt as attempts
from opie.scheduler.preempting import plans
from opie.scheduler.preempting import quota


@dataclasses.dataclass(eq=False)
class WaitingRequest:
    """A request for which room is to be made.

    :ivar spec: the RequestSpec as nova's request filters left it.
    :ivar preemptors: their uuids, in order.
    :ivar requester: (project id, user id) of the preemptors.
    :ivar quota: what quota says to the request.
    :ivar refusal_key: tells requests that are alike; see refusal_cache.py.
    :ivar move: what the preemptor needs the room for; None for a boot.
    :ivar budget: how many plans may still be made.
    :ivar attempt: the last plan that was made, None before there is one.
    :ivar outcome: done when a turn has served the request: the attempt, which
        is claimed then, or the error.
    """

    context: nova_context.RequestContext
    spec: objects.RequestSpec
    preemptors: Sequence[str]
    sources: inputs.Sources
    requester: tuple[str, str]
    quota: quota.Quota
    refusal_key: bytes | None
    move: moves.Move | None = None
    budget: plans.PlanBudget = dataclasses.field(
        default_factory=plans.PlanBudget, init=False
    )
    attempt: attempts.Attempt | None = dataclasses.field(
        default=None, init=False
    )
    outcome: futures.Future[attempts.Attempt] = dataclasses.field(
        default_factory=futures.Future, init=False
    )

    @property
    def project_id(self) -> str:
        """The project of its preemptors."""
        return self.requester[0]

    @property
    def deadline(self) -> waiting.Deadline:
        """When its time is over."""
        return self.sources.deadline

    @property
    def looks_at_others(self) -> bool:
        """Whether it matters to the request which servers are where."""
        return companions.matter_to(self.spec)

    @property
    def planned_attempt(self) -> attempts.Attempt:
        """Its attempt, of a request that has a plan."""
        assert self.attempt is not None
        return self.attempt

    def note_void(self, void: errors.AttemptVoid) -> None:
        """Log and count that its last plan could not be carried out."""
        names = self.attempt.shot.node_names if self.attempt else {}
        reason = report.with_names(str(void), names)
        report.void(self.preemptors, self.budget.plan_number, reason)
        self.budget.note(void, reason)
        self.attempt = None

    def begin(self) -> None:
        """Wait for a turn, from now on."""
        self.attempt = None
        self.outcome = futures.Future()
