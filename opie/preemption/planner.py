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

"""Choose nominated hosts and victims for a request, at the least cost.

All that a request asks for is one plan: all or nothing.  A host with room
always wins over one with victims.  Ties end at the uuid, so that the same
facts give the same plan whatever order they come in.

Where only so many victims may go, the plan for one preemptor costs the least
of those that keep to it.  For several it is the one of least cost if that
keeps to it, or else one with as few victims as possible.
"""

import collections
import collections.abc
import dataclasses

from opie.preemption import candidate_pool
from opie.preemption import cost
from opie.preemption import errors
from opie.preemption import live_cloud
from opie.preemption import model
from opie.preemption import placing
from opie.preemption import shares

_TOO_FEW = 'it cannot take all of them, alone or with other hosts'


def make_plan(
    request: model.Request,
    hosts: collections.abc.Iterable[model.Host],
    its_cost: cost.Cost,
    cloud: live_cloud.LiveCloud,
) -> model.Plan:
    """Plan a request at the least cost, with as few victims as are allowed.

    A plan of least cost that has more victims than the request allows is made
    again, with a cost that only counts victims.  If that one has too many as
    well, because it avoids hosts whose builds have failed, it avoids none.

    :param hosts: in any order.  They may be out of date, and ``cloud`` tells
        how those are now that can win.
    :raises errors.InvalidRequest: if a host or a victim is listed twice.
    """
    by_provider = _by_provider(hosts)
    plan = _least_plan(request, by_provider, its_cost, cloud)
    if _has_few_enough(plan, request):
        return plan
    fewest = _fewest_plan(request, by_provider, its_cost.fewest(), cloud)
    # Without more time, the fewest are not known for certain.
    is_given_up = not fewest.is_least and cloud.is_search_over()
    is_cut_short = plan.is_cut_short or fewest.is_cut_short or is_given_up
    if not _has_few_enough(fewest, request):
        unfit = model.Unfit.by_limit(request.most_victims or 0)
        reasons = dict.fromkeys(by_provider, unfit.reason)
        return model.Plan(
            reasons={**reasons, **plan.reasons},
            is_least=fewest.is_least,
            is_cut_short=is_cut_short,
        )
    return dataclasses.replace(
        fewest,
        cost=its_cost.cost_of_all(fewest.evicted),
        is_least=False,
        is_cut_short=is_cut_short,
    )


def _has_few_enough(plan: model.Plan, request: model.Request) -> bool:
    most = request.most_victims
    return most is None or len(plan.evicted) <= most


def _fewest_plan(
    request: model.Request,
    hosts: dict[str, model.Host],
    fewest: cost.Cost,
    cloud: live_cloud.LiveCloud,
) -> model.Plan:
    plan = _least_plan(request, hosts, fewest, cloud)
    if not _has_few_enough(plan, request) and any(
        map(fewest.failed_builds, hosts.values())
    ):
        anywhere = dataclasses.replace(fewest, avoids_failed_builds=False)
        return _least_plan(request, hosts, anywhere, cloud)
    return plan


def _least_plan(
    request: model.Request,
    hosts: dict[str, model.Host],
    its_cost: cost.Cost,
    cloud: live_cloud.LiveCloud,
) -> model.Plan:
    pool = candidate_pool.CandidatePool(request, hosts, its_cost, cloud)
    nominations = placing.place(request, pool, cloud)
    if nominations is None:
        reasons = dict.fromkeys(hosts, _TOO_FEW)
        return model.Plan(
            reasons={**reasons, **pool.reasons()},
            is_least=pool.is_least,
            is_cut_short=pool.is_cut_short,
        )
    victims = [server for one in nominations for server in one.victims]
    _check_unique(server.uuid for server in victims)
    nominated = {one.provider for one in nominations}
    return model.Plan(
        nominations,
        its_cost.cost_of_all(one for one in victims if not one.costs_nothing),
        {
            provider: reason
            for provider, reason in pool.reasons(most_preemptors=1).items()
            if provider not in nominated
        },
        _shares(request, pool, nominations),
        pool.is_least,
        pool.is_cut_short,
    )


def _by_provider(
    hosts: collections.abc.Iterable[model.Host],
) -> dict[str, model.Host]:
    hosts = list(hosts)
    by_provider = {host.provider: host for host in hosts}
    if len(by_provider) < len(hosts):
        _check_unique(host.provider for host in hosts)
    return by_provider


def _check_unique(uuids: collections.abc.Iterable[str]) -> None:
    for uuid, count in collections.Counter(uuids).items():
        if count > 1:
            raise errors.InvalidRequest(problem='%s is listed twice' % uuid)


def _shares(
    request: model.Request,
    pool: candidate_pool.CandidatePool,
    nominations: tuple[model.Nomination, ...],
) -> dict[str, dict[str, dict[str, int]]]:
    """Return the shares of all victims of a plan."""
    split: dict[str, dict[str, dict[str, int]]] = {}
    for provider in sorted({one.provider for one in nominations}):
        here = [one for one in nominations if one.provider == provider]
        shared = shares.share_out(
            pool.untouched(provider),
            [server for one in here for server in one.victims],
            {one.preemptor: one.takes(request) for one in here},
        )
        # Only victims that can be shared were nominated.
        assert shared is not None
        split.update(shared)
    return split
