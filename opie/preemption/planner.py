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

"""Choose nominated hosts and victims for a request.

Preemptors are placed one after the other, each on the host where it costs
least, and everything they need is one plan: all or nothing.  A host with room
always wins over one with victims.  Ties end at the host's uuid, so that the
same facts give the same plan whatever order they come in.
"""

import collections
import dataclasses
import heapq

from opie.preemption import errors
from opie.preemption import model
from opie.preemption import shares
from opie.preemption import victims

_UNSPLITTABLE = (
    'placement would refuse what is left booked on a victim: min_unit, '
    'max_unit or step_size'
)


def make_plan(request, hosts, cost, accepts):
    """Plan a request.

    :param request: a :class:`model.Request`.
    :param hosts: :class:`model.Host` values, in any order.
    :param cost: a :class:`cost.Cost`.
    :param accepts: a :class:`model.Accepts`, the cloud's filters.
    :returns: a :class:`model.Plan`.
    :raises errors.InvalidRequest: if a host or a server is listed twice.
    """
    hosts = {
        host.uuid: _with_sharing_victims(host, request.resources)
        for host in _unique(hosts)
    }
    plan = _plan_over(request, hosts, cost, accepts)
    if not plan.is_feasible and len(request.preemptors) > 1:
        plan = _plan_on_one(request, hosts, cost, accepts) or plan
    return dataclasses.replace(
        plan,
        reasons=_of_others(plan),
        shares=_shares(request, hosts, plan.nominations),
    )


def _of_others(plan):
    """Return the reasons of the hosts that nobody is nominated to."""
    nominated = {nomination.host for nomination in plan.nominations}
    return {
        host: reason
        for host, reason in plan.reasons.items()
        if host not in nominated
    }


def _unique(hosts):
    """Return the hosts by uuid, with each of them and their servers once."""
    hosts = sorted(hosts, key=lambda host: host.uuid)
    uuids = [host.uuid for host in hosts]
    uuids += [
        server.uuid for host in hosts for server in host.potential_victims
    ]
    for uuid, count in collections.Counter(uuids).items():
        if count > 1:
            raise errors.InvalidRequest(problem='%s is listed twice' % uuid)
    return hosts


def _with_sharing_victims(host, resources):
    return dataclasses.replace(
        host,
        potential_victims=tuple(
            server
            for server in host.potential_victims
            if shares.may_share(host, server, resources)
        ),
    )


def _plan_over(request, hosts, cost, accepts):
    """Place the preemptors one after the other, each at least cost."""
    left = dict(hosts)
    # By resources alone; only the host last nominated changes.
    choices = {
        uuid: _choose_by_resources(host, request, cost)
        for uuid, host in hosts.items()
    }
    nominations = ()
    for preemptor in request.preemptors:

        def passes(host, servers, preemptor=preemptor, before=nominations):
            after = (*before, model.Nomination(preemptor, host.uuid, servers))
            here = [item for item in after if item.host == host.uuid]
            if _split(request, hosts[host.uuid], here) is None:
                return _UNSPLITTABLE
            gone = frozenset(
                server.uuid for item in here for server in item.victims
            )
            return accepts(host.uuid, gone, before)

        host, chosen, reasons = _cheapest(
            left, choices, request.resources, cost, passes
        )
        if host is None:
            return model.Plan(reasons=reasons)
        nominations += (model.Nomination(preemptor, host.uuid, chosen),)
        left[host.uuid] = host.after(chosen, request.resources)
        choices[host.uuid] = _choose_by_resources(
            left[host.uuid], request, cost
        )
    everyone = [server for item in nominations for server in item.victims]
    return model.Plan(nominations, cost.of_all(everyone), reasons)


def _plan_on_one(request, hosts, cost, accepts):
    """Place all preemptors on one host, the one where it costs least.

    An affinity group must stay together, and the host that is cheapest for
    its first member may be too small for the rest.
    """
    plans = {
        uuid: _plan_over(request, {uuid: host}, cost, accepts)
        for uuid, host in hosts.items()
    }
    ranked = [
        (_rank(hosts[uuid], plan.cost, plan.victims), plan)
        for uuid, plan in plans.items()
        if plan.is_feasible
    ]
    return min(ranked, key=lambda pair: pair[0])[1] if ranked else None


def _rank(host, cost, victims):
    """Return what orders the choices, the best one first."""
    return bool(victims), cost, len(victims), host.preference, host.uuid


def _choose_by_resources(host, request, cost):
    return victims.choose_victims(
        host, request.resources, cost, lambda servers: None
    )


def _cheapest(hosts, choices, resources, cost, passes):
    """Return (host, its victims, reasons); host is None if there is none.

    The cloud's filters are dear to ask, so hosts are ordered by what their
    resources alone would cost, and filters are asked about the best first.  A
    host they refuse gets a second choice of victims that they accept, and
    competes again with that.
    """
    reasons = {}
    queue = []

    def consider(host, chosen, is_checked):
        if isinstance(chosen, victims.Refusal):
            reasons[host.uuid] = chosen.reason
            return
        rank = _rank(host, cost.of_all(chosen), chosen)
        heapq.heappush(queue, (rank, is_checked, host, chosen))

    for uuid, host in hosts.items():
        consider(host, choices[uuid], False)
    while queue:
        _, is_checked, host, chosen = heapq.heappop(queue)
        if is_checked or passes(host, chosen) is None:
            return host, chosen, reasons

        def host_passes(servers, host=host):
            return passes(host, servers)

        consider(
            host,
            victims.choose_victims(host, resources, cost, host_passes),
            True,
        )
    return None, (), reasons


def _split(request, host, nominations):
    """Return the shares of one host's victims, None if units forbid it."""
    return shares.share_out(
        host,
        [server for item in nominations for server in item.victims],
        [item.preemptor for item in nominations],
        request.resources,
    )


def _shares(request, hosts, nominations):
    """Return the shares of all victims of a plan."""
    split = {}
    for uuid in sorted({item.host for item in nominations}):
        here = [item for item in nominations if item.host == uuid]
        split.update(_split(request, hosts[uuid], here))
    return split
