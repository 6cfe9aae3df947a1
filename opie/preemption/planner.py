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

All that a request asks for is one plan: all or nothing.  Preemptors are placed
together, so that the plan costs the least that is possible for all of them; of
more than ``MOST_TOGETHER``, so many are placed at a time, and a plan of n such
rounds costs at most n times the least.  A host with room always wins over one
with victims.  Ties end at the uuid, so that the same facts give the same plan
whatever order they come in.

Where only so many victims may go, the plan for one preemptor costs the least
of those that keep to it.  For several it is the one of least cost if that
keeps to it, or else one with as few victims as possible.
"""

import collections
import dataclasses

from opie.preemption import bounds
from opie.preemption import consent
from opie.preemption import errors
from opie.preemption import joint
from opie.preemption import model
from opie.preemption import offers
from opie.preemption import shares

MOST_TOGETHER = 16
# How many hosts of equal cost the cloud's weighers are asked about, the first
# ones by uuid.
MOST_TIES = 16

_TOO_FEW = 'it cannot take all of them, alone or with other hosts'


def make_plan(request, hosts, cost, cloud):
    """Plan a request.

    :param request: a :class:`model.Request`.
    :param hosts: :class:`model.Host` values, in any order; they may be out of
        date, and ``cloud`` tells how those are now that can win.
    :param cost: a :class:`cost.Cost`.
    :param cloud: a :class:`model.LiveCloud`.
    :returns: a :class:`model.Plan`.
    :raises errors.InvalidRequest: if a host or a victim is listed twice.
    """
    hosts = _by_uuid(hosts)
    plan = _make_plan(request, hosts, cost, cloud)
    if _has_few_enough(plan, request):
        return plan
    fewest = _make_plan(request, hosts, cost.fewest(), cloud)
    if not _has_few_enough(fewest, request):
        reasons = dict.fromkeys(hosts, bounds.too_many(request.most_victims))
        return model.Plan(
            reasons={**reasons, **plan.reasons}, is_least=fewest.is_least
        )
    everyone = [server for _, server in fewest.victims]
    return dataclasses.replace(
        fewest, cost=cost.cost_of_all(everyone), is_least=False
    )


def _has_few_enough(plan, request):
    most = request.most_victims
    return most is None or len(plan.victims) <= most


def _make_plan(request, hosts, cost, cloud):
    book = offers.Book(request, hosts, cost, cloud)
    nominations = None
    is_one = len(request.preemptors) == 1
    if is_one or not request.is_together:
        nominations = _spread(request, book, cloud)
    if nominations is None and not is_one:
        # Filters may want them together for reasons of their own.
        nominations = _on_one(request, book, cloud)
    if nominations is None:
        reasons = dict.fromkeys(book.hosts, _TOO_FEW)
        return model.Plan(
            reasons={**reasons, **book.reasons()}, is_least=book.is_least
        )
    everyone = [server for one in nominations for server in one.victims]
    _check_unique(server.uuid for server in everyone)
    nominated = {one.provider for one in nominations}
    return model.Plan(
        nominations,
        cost.cost_of_all(everyone),
        {
            uuid: reason
            for uuid, reason in book.reasons(most_preemptors=1).items()
            if uuid not in nominated
        },
        _shares(request, book, nominations),
        book.is_least,
    )


def _by_uuid(hosts):
    hosts = list(hosts)
    by_uuid = {host.provider: host for host in hosts}
    if len(by_uuid) < len(hosts):
        _check_unique(host.provider for host in hosts)
    return by_uuid


def _check_unique(uuids):
    for uuid, count in collections.Counter(uuids).items():
        if count > 1:
            raise errors.InvalidRequest(problem='%s is listed twice' % uuid)


def _spread(request, book, cloud):
    """Return nominations to the hosts that together cost least, or None."""
    nominations = ()
    while len(nominations) < len(request.preemptors):
        left = request.preemptors[len(nominations) :][:MOST_TOGETHER]
        split = _best_split(book, len(left), request.most_per_host, cloud)
        if split is None:
            return None
        nominations = _nominate(nominations, left, split)
        book.settle(nominations)
    return nominations if _is_accepted(nominations, cloud) else None


def _on_one(request, book, cloud):
    """Return nominations to the one host that costs least, or None."""
    book.settle(())
    offer = _best_offer(book, len(request.preemptors), cloud)
    return offer and _nominate((), request.preemptors, [offer])


def _best_split(book, number, most_per_host, cloud):
    """Return accepted offers that take a number of preemptors, or None."""
    if number == 1:
        offer = _best_offer(book, 1, cloud)
        return offer and [offer]
    while True:
        # A split uses at most so many hosts, so each of its offers is one of
        # so many best ones, or could be.
        split = joint.cheapest_split(
            [
                offer
                for part in range(1, min(number, most_per_host or number) + 1)
                for offer in book.least(part, number)
            ],
            number,
        )
        if split is None or not _refine(book, split):
            return split


def _best_offer(book, number, cloud):
    """Return the best accepted offer for a number of preemptors, or None."""
    while True:
        best = book.least(number)
        if best and not _refine(book, best):
            best = [
                offer
                for offer in book.least(number, MOST_TIES)
                if offer.rank == best[0].rank
            ]
            if not _refine(book, best):
                return _preferred(best, cloud)
        elif not best:
            return None


def _refine(book, some_offers):
    """Refine the offers that are not accepted; return whether there are."""
    pending = [offer for offer in some_offers if offer.stage < offers.ACCEPTED]
    for offer in pending:
        book.refine(offer)
    return bool(pending)


def _preferred(some_offers, cloud):
    if len(some_offers) == 1:
        return some_offers[0]
    order = cloud.rank_by_weight(
        tuple(offer.provider for offer in some_offers)
    )
    return min(
        some_offers, key=lambda offer: (order[offer.provider], offer.provider)
    )


def _nominate(before, preemptors, split):
    """Return nominations with those of a split added, the best host first."""
    nominations = before
    for offer in sorted(split, key=lambda offer: (offer.rank, offer.provider)):
        names, preemptors = (
            preemptors[: offer.number],
            preemptors[offer.number :],
        )
        nominations += consent.nominations_of(
            names, offer.provider, offer.victims
        )
    return nominations


def _is_accepted(nominations, cloud):
    """Ask the filters about a plan of several hosts, each in its turn.

    About each of the hosts alone they were asked before.
    """
    if len({one.provider for one in nominations}) == 1:
        return True
    return all(
        cloud.why_refused(
            one.provider,
            _gone_from(nominations, one.provider),
            nominations[:index],
        )
        is None
        for index, one in enumerate(nominations)
    )


def _gone_from(nominations, host):
    return frozenset(
        server.uuid
        for one in nominations
        if one.provider == host
        for server in one.victims
    )


def _shares(request, book, nominations):
    """Return the shares of all victims of a plan."""
    split = {}
    for uuid in sorted({one.provider for one in nominations}):
        here = [one for one in nominations if one.provider == uuid]
        split.update(
            shares.share_out(
                book.hosts[uuid],
                [server for one in here for server in one.victims],
                [one.preemptor for one in here],
                request.resources,
            )
        )
    return split
