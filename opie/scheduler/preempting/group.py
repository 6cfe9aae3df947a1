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

"""Plans and claims for requests that wait, in one turn of a worker.

They are planned one after the other on one snapshot, and what was planned
before counts.  Their claims are written together.  A request that has lost a
race with another scheduler is planned again at once, after one look at what it
has lost.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
from concurrent import futures
import time

from opie.scheduler import errors
from opie.scheduler import steps
from opie.scheduler import waiting
from opie.scheduler.claims import together
from opie.scheduler.planning import cloud_snapshot
from opie.scheduler.planning import inputs
from opie.scheduler.planning import planned as turns_plans
from opie.scheduler.planning import requirements
from opie.scheduler.planning import snapshot
from opie.scheduler.preempting import answers as answers_given
from opie.scheduler.preempting import attempt as attempts
from opie.scheduler.preempting import plans
from opie.scheduler.preempting import refusal_cache
from opie.scheduler.preempting import still_wanted
from opie.scheduler.preempting import waiting_request

_Request = waiting_request.WaitingRequest

# How many plans a request may lose to other schedulers in one turn.
_MOST_ROUNDS = 3
# How long a turn plans before it claims what it has.  The requests that are
# left have another turn.
_MOST_SECONDS = 2
# How many claims are prepared side by side.  Placement has as many workers as
# its operator gives it.
_MOST_PREPARED_AT_ONCE = 4


class GroupPlanner:
    """Plans and claims, in one thread at a time.

    :param refusals: answers requests that are alike.
    """

    def __init__(
        self, worker: inputs.Worker, refusals: refusal_cache.RefusalCache
    ) -> None:
        self._worker = worker
        self._refusals = refusals

    @steps.step('plans')
    def serve(self, requests: Sequence[_Request]) -> None:
        """Plan and claim for requests, and set the outcome of each.

        :raises errors.NoRoomMade, placement.PlacementError: what is the
            outcome of all requests that have none.
        """
        still_wanted.check_switch()
        answers = answers_given.Answers(requests)
        began = time.monotonic()
        # 1. Snapshot: all hosts, maybe a moment behind.
        required = self._requirements(requests, answers)
        if not required:
            return
        shared = cloud_snapshot.take(
            self._worker,
            requests[0].sources.placement,
            _preemptors_of(required),
        )
        turn = _Turn(required, shared, self._refusals, answers, began)
        for number in range(_MOST_ROUNDS):
            if number:
                turn.begin_again()
            # 2. Plan: for each the host and the victims of least cost.
            turn.plan()
            # 3. Claim: move the capacity in placement.
            turn.claim()
            # 4. Verify: read again what was written.
            turn.verify()
            if not turn.lost:
                break
        turn.end()

    def _requirements(
        self, requests: Sequence[_Request], answers: answers_given.Answers
    ) -> dict[_Request, requirements.Requirements]:
        """Return what each request asks for, of those that can be planned."""
        required = {}
        for request in requests:
            with answers.failing(request):
                request.deadline.check()
                required[request] = requirements.read(
                    request.context.elevated(),
                    request.spec.obj_clone(),
                    request.preemptors,
                    self._worker.host_manager,
                    request.move is not None,
                )
        return required


class _Turn:
    """The requests of one turn, in rounds of plan, claim and verify.

    :ivar lost: request to error, of those that were not claimed in this round
        because others were faster.
    """

    def __init__(
        self,
        required: dict[_Request, requirements.Requirements],
        shared: cloud_snapshot.CloudSnapshot,
        refusals: refusal_cache.RefusalCache,
        answers: answers_given.Answers,
        began: float,
    ) -> None:
        self._began = began
        self._required = required
        self._shared = shared
        self._refusals = refusals
        self._answers = answers
        self._time = waiting.Deadline.after(_MOST_SECONDS)
        self._left = list(required)
        self._planned: dict[_Request, turns_plans.Planned] = {}
        # Those for which there is no room if all plans of this round hold.
        self._refused: dict[_Request, errors.NoPlan] = {}
        # Whether each plan that counted in this round was claimed, and whether
        # each claim of the turn has stood its verification.
        self._are_all_claimed = self._are_all_right = True
        self.lost: dict[_Request, errors.AttemptVoid] = {}

    def begin_again(self) -> None:
        """Begin a round for those that have lost, and those without room."""
        for request, void in self.lost.items():
            request.note_void(void)
        self._left = [*self._refused, *self.lost]
        self._refused, self.lost = {}, {}
        self._are_all_claimed = True
        self._shared.read_journal(_preemptors_of(self._left))

    def plan(self) -> None:
        """Make a plan for each request."""
        self._planned = {}
        # More room is only taken in a round, so one refusal answers requests
        # that are alike.
        refusals: dict[bytes, errors.NoPlan] = {}
        for request in self._left:
            key = request.refusal_key
            if key in refusals:
                self._refused[request] = refusals[key]
                continue
            with self._answers.failing(request):
                if self._time.is_over and request is not self._left[0]:
                    raise errors.NextTurn
                try:
                    self._planned[request] = self._plan(request)
                except errors.NoPlan as exc:
                    self._refused[request] = exc
                    if key:
                        refusals[key] = exc

    def _plan(self, request: _Request) -> turns_plans.Planned:
        request.deadline.check()
        if not request.budget.is_left():
            raise errors.NoRoomMade('no plan could be carried out')
        known = self._refusals.find(request.refusal_key)
        if known:
            raise errors.NoRoomMade(known)
        shot = snapshot.take(
            self._required[request],
            request.sources,
            self._shared,
            request.budget.excluded,
            request.budget.excluded_providers,
        )
        request.quota.check_beside(
            [
                other.quota
                for other in self._planned
                if other.project_id == request.project_id
            ],
            shot.preemptions,
        )
        plan = plans.make(shot, request.sources, request.budget)
        request.attempt = attempts.Attempt(
            shot,
            plan,
            request.sources,
            request.requester,
            request.quota,
            request.budget.plan_number,
            request.move,
        )
        planned = turns_plans.Planned(plan, shot.request, shot.spec)
        self._shared.note(planned)
        return planned

    def claim(self) -> None:
        """Write the claims of all plans, in one transaction if that can be."""
        for request, error in _claim(self._planned).items():
            # It does not count for the plans of the next round.
            self._shared.lose(self._planned.pop(request))
            self._are_all_claimed = False
            if isinstance(error, errors.ClaimRefused):
                _learn(error, request.sources.worker)
                self.lost[request] = error
            elif isinstance(error, errors.AttemptVoid) and error.is_race:
                self.lost[request] = error
            else:
                self._answers.fail(request, error)

    def verify(self) -> None:
        """Verify the claims that were made."""
        for request, planned in self._planned.items():
            self._shared.note_claimed(planned)
            attempt = request.planned_attempt
            try:
                attempt.verify()
            except Exception as exc:
                self._are_all_right = False
                self._answers.fail(request, exc)
            else:
                self._answers.give(request, attempt)

    def end(self) -> None:
        """Answer the requests that were not served."""
        for request, refusal in self._refused.items():
            if self._are_all_claimed and self._are_all_right:
                self._refusals.note(
                    request.refusal_key, str(refusal), self._began
                )
                self._answers.fail(request, refusal)
            else:
                void = errors.AttemptVoid(str(refusal), is_race=True)
                self._answers.fail(request, void)
        for request, error in self.lost.items():
            self._answers.fail(request, error)


def _learn(refused: errors.ClaimRefused, worker: inputs.Worker) -> None:
    """Let the next plans of all requests know why placement has refused."""
    worker.refused_victims.note(refused.victims)
    if isinstance(refused, errors.OverCapacity):
        worker.hosts.providers.note_strict()


def _preemptors_of(requests: Iterable[_Request]) -> set[str]:
    return set().union(*(request.preemptors for request in requests))


def _claim(requests: Collection[_Request]) -> dict[_Request, Exception]:
    """Claim for requests that have a plan.

    :returns: request to error, of those that failed; see together.py.
    """
    failed: dict[_Request, Exception] = {}
    claims = {}
    for request, preparing in _prepared(requests):
        try:
            preparing.result()
            claims[request.planned_attempt.placement_claim] = request
        except Exception as exc:
            failed[request] = exc
    if claims:
        for claim, error in together.write(list(claims)).items():
            failed[claims[claim]] = error
    return failed


def _prepared(
    requests: Collection[_Request],
) -> list[tuple[_Request, futures.Future[None]]]:
    """Prepare claims side by side, and return when all of that is over."""
    with futures.ThreadPoolExecutor(_MOST_PREPARED_AT_ONCE) as pool:
        return [
            (request, pool.submit(request.planned_attempt.prepare))
            for request in requests
        ]
