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

import heapq

from opie.preemption import errors
from opie.preemption import model
from opie.preemption import shares
from opie.preemption import victims


def make_plan(request, hosts, cost, accepts):
    """Plan a request.

    :param request: a :class:`model.Request`.
    :param hosts: :class:`model.Host` values, in any order.
    :param cost: a :class:`cost.Cost`.
    :param accepts: a :class:`model.Accepts`, the cloud's filters.
    :returns: a :class:`model.Plan`.
    :raises errors.InvalidRequest: if two hosts have the same uuid.
    """
    hosts = {host.uuid: host for host in _unique(hosts)}
    unsplittable = {}
    while True:
        plan = _plan_over(request, hosts, cost, accepts)
        if not plan.is_feasible and len(request.preemptors) > 1:
            plan = _plan_on_one(request, hosts, cost, accepts) or plan
        split, bad_host = _shares(request, hosts, plan)
        if bad_host is None:
            break
        unsplittable[bad_host] = (
            'placement would refuse what is left booked on a victim: '
            'min_unit or step_size'
        )
        del hosts[bad_host]
    return model.Plan(
        nominations=plan.nominations,
        cost=plan.cost,
        reasons={**_of_others(plan), **unsplittable},
        shares=split,
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
    hosts = sorted(hosts, key=lambda host: host.uuid)
    for one, other in zip(hosts, hosts[1:], strict=False):
        if one.uuid == other.uuid:
            raise errors.InvalidRequest(
                problem='host %s is listed twice' % one.uuid
            )
    return hosts


def _plan_over(request, hosts, cost, accepts):
    """Place the preemptors one after the other, each at least cost."""
    hosts = dict(hosts)
    gone = {uuid: frozenset() for uuid in hosts}
    nominations = ()
    for preemptor in request.preemptors:

        def passes(host, servers, nominations=nominations):
            uuids = frozenset(server.uuid for server in servers)
            return accepts(host.uuid, gone[host.uuid] | uuids, nominations)

        host, chosen, reasons = _cheapest(
            hosts.values(), request.resources, cost, passes
        )
        if host is None:
            return model.Plan(reasons=reasons)
        nominations += (model.Nomination(preemptor, host.uuid, chosen),)
        gone[host.uuid] |= {server.uuid for server in chosen}
        hosts[host.uuid] = host.after(chosen, request.resources)
    everyone = [
        server for nomination in nominations for server in nomination.victims
    ]
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


def _cheapest(hosts, resources, cost, passes):
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

    for host in hosts:
        by_resources = victims.choose_victims(
            host, resources, cost, lambda servers: None
        )
        consider(host, by_resources, False)
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


def _shares(request, hosts, plan):
    """Return (shares, None), or (None, uuid of a host that cannot split)."""
    everyone = {}
    for uuid in sorted({nomination.host for nomination in plan.nominations}):
        here = [item for item in plan.nominations if item.host == uuid]
        servers = [server for item in here for server in item.victims]
        split = shares.share_out(
            hosts[uuid],
            servers,
            [item.preemptor for item in here],
            request.resources,
        )
        if split is None:
            return None, uuid
        everyone.update(split)
    return everyone, None
