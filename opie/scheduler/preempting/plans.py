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

"""Makes the plans of a request, within the limits that the operator sets."""

from __future__ import annotations

import dataclasses

import nova.conf

from opie.preemption import model
from opie.preemption import planner
from opie.scheduler import errors
from opie.scheduler import report
from opie.scheduler import steps
from opie.scheduler.claims import rate_limits
from opie.scheduler.claims import waste
from opie.scheduler.planning import census
from opie.scheduler.planning import costs
from opie.scheduler.planning import inputs
from opie.scheduler.planning import snapshot

CONF = nova.conf.CONF

# How often a request may plan again because others were faster; beyond this
# something must be wrong.
_MAX_LOST_RACES = 20
# A search that has read fewer hosts when it is cut short has met a busy
# machine, and is made again.  Of more hosts, most would be refused again.
_FEW_HOSTS = 16


class PlanBudget:
    """How many plans were made for one request, and may still be made.

    :ivar excluded: uuids of servers that are no victims in the next plan.
    :ivar excluded_providers: provider to why its host is left out of it.
    :ivar evicted: how many victims of void attempts have gone.
    :ivar why_no_victims: why no server may be evicted for the request, None if
        some may.
    """

    def __init__(self) -> None:
        self._voided = self._lost_races = 0
        self.excluded: frozenset[str] = frozenset()
        self.excluded_providers: dict[str, str] = {}
        self.evicted = 0
        self.why_no_victims: str | None = None

    @property
    def plan_number(self) -> int:
        """The number of the next plan, from 1."""
        return self._voided + self._lost_races + 1

    def is_left(self) -> bool:
        """Tell whether another plan may be made."""
        return (
            self._voided < CONF.opie.max_plans_per_request
            and self._lost_races < _MAX_LOST_RACES
        )

    @property
    def is_last(self) -> bool:
        """Whether the next plan is the last one, unless others are faster."""
        return self._voided + 1 >= CONF.opie.max_plans_per_request

    def note(self, void: errors.AttemptVoid, reason: str) -> None:
        """Note why the last plan was not carried out.

        :param reason: for the log; it names hosts.
        """
        self.excluded |= void.victims
        self.excluded_providers |= dict.fromkeys(void.providers, reason)
        # Each refused claim teaches something else.
        if void.is_race or isinstance(void, errors.ClaimRefused):
            self._lost_races += 1
        else:
            self._voided += 1


@steps.step('plans')
def make(
    shot: snapshot.Snapshot, sources: inputs.Sources, budget: PlanBudget
) -> model.Plan:
    """Return a feasible plan.

    :raises errors.AttemptVoid: if another plan may find a host.
    :raises errors.NoRoomMade: if no host can serve, if a limit does not let
        the request take victims, or in a dry run.
    """
    project_id = shot.spec.project_id
    worker = sources.worker
    limit = (
        worker.failing.why_not(worker.host_manager.index.asked_to_delete())
        or waste.why_wait(worker.journal.wasted, project_id)
        or rate_limits.why_not(shot.preemptions, project_id)
        or budget.why_no_victims
    )
    request = _with_victims_left(shot.request, budget)
    if limit:
        # An earlier attempt of the request may have made room, and servers
        # may be leaving.
        may_have_room = budget.plan_number > 1 or sources.is_room_hidden
        if not may_have_room and not any(one.leaving for one in shot.hosts):
            raise errors.LimitReached(limit)
        # Room that is there, or soon, may be claimed all the same, without
        # victims.
        request = dataclasses.replace(request, most_victims=0)
    its_cost = costs.now()
    plan = planner.make_plan(request, shot.hosts, its_cost, shot.cloud)
    if not plan.is_feasible:
        if limit and not _has_changed(shot, plan):
            raise errors.LimitReached(limit)
        excluded = budget.excluded | sources.worker.refused_victims.of_late()
        servers = census.describe(
            shot, sources.worker.host_manager.index, its_cost, excluded
        )
        raise _refusal(shot, plan, servers, budget)
    rate_limits.check_plan(plan, shot.preemptions, project_id)
    report.planned(shot.request, plan, shot.node_names, CONF.opie.dry_run)
    if CONF.opie.dry_run:
        raise errors.NoRoomMade('[opie] dry_run is on')
    return plan


def _with_victims_left(
    request: model.Request, budget: PlanBudget
) -> model.Request:
    """Return a request that may evict what its void attempts have left it."""
    most = request.most_victims
    if most is None:
        return request
    return dataclasses.replace(
        request, most_victims=max(0, most - budget.evicted)
    )


def _refusal(
    shot: snapshot.Snapshot,
    plan: model.Plan,
    servers: str,
    budget: PlanBudget,
) -> errors.AttemptVoid | errors.NoRoomMade:
    """Return what an infeasible plan ends: itself, or the request.

    :param servers: tells of the preemptible servers; see census.py.
    """
    if _has_changed(shot, plan):
        return errors.AttemptVoid('a host changed', is_race=True)
    report.log_reasons(shot.request, plan, shot.node_names)
    reason = '%s; %s' % (report.why_infeasible(shot.request, plan), servers)
    is_early = plan.is_cut_short and len(shot.cloud.states) < _FEW_HOSTS
    if is_early and not budget.is_last:
        # What was read is remembered, so the next search comes further.
        return errors.AttemptVoid(reason)
    # Another request may take the servers that are excluded from this one, or
    # have the time for all hosts.
    has_excluded = budget.excluded or budget.excluded_providers
    if has_excluded or plan.is_cut_short:
        return errors.NoRoomMade(reason)
    return errors.NoPlan(reason)


def _has_changed(shot: snapshot.Snapshot, plan: model.Plan) -> bool:
    return shot.cloud.has_changed and not plan.is_cut_short
