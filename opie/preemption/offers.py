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

"""What each host would cost, found out only as far as it matters.

An offer is a host, the number of preemptors that it would take, and the rank
of that.  It begins as a bound and is refined in stages, each dearer to reach
than the one before: the exact victims by resources, the host as it is now, the
consent of the cloud's filters.  Whoever always refines the best one never
refines those that cannot win.
"""

import heapq
import typing

from opie.preemption import bounds
from opie.preemption import consent
from opie.preemption import doubts
from opie.preemption import model
from opie.preemption import ranks
from opie.preemption import shares
from opie.preemption import victims

BOUND, COUNTED, READ, ACCEPTED = range(4)

# How many hosts are looked at together.
MOST_AT_ONCE = 64


class Offer(typing.NamedTuple):
    """What taking a number of preemptors would cost a host.

    :ivar rank: see ranks.py; a bound of it in the first stage.
    :ivar victims: servers ordered by uuid, None in the first stage.
    """

    rank: int
    provider: str
    stage: int
    number: int
    victims: tuple | None = None


class Book:
    """The offers of all hosts.

    :param request: a :class:`model.Request`.
    :param hosts: uuid to :class:`model.Host`.
    :param cost: a :class:`cost.Cost`.
    :param cloud: a :class:`model.LiveCloud`.
    :ivar hosts: as given, and as they are now where they were looked at.
    """

    def __init__(self, request, hosts, cost, cloud):
        self._request = request
        self._cost = cost
        self._cloud = cloud
        self.hosts = dict(hosts)
        self._doubts = doubts.Doubts(request.resources)
        self._effort = victims.Effort()
        self._refusals = {}
        self.settle(())

    def settle(self, nominations):
        """Take nominations for granted, and begin anew for the others."""
        self._before = nominations
        # The hosts with all nominated preemptors on them.
        self._left = {}
        for uuid in {one.provider for one in nominations}:
            here = [one for one in nominations if one.provider == uuid]
            self._left[uuid] = self.hosts[uuid].after(
                [server for one in here for server in one.victims],
                {
                    name: amount * len(here)
                    for name, amount in self._request.resources.items()
                },
            )
        self._heaps = {}
        self._current = {}
        self._consent = consent.Consent(self._request, self._cloud)
        self._most = {}  # host to how many preemptors it may be asked to take

    @property
    def is_least(self):
        return not self._effort.is_exceeded

    def reasons(self, most_preemptors=None):
        """Return host uuid to why it cannot take some number of preemptors.

        :param most_preemptors: leave out hosts that can take as many.
        """
        return {
            uuid: reason
            for uuid, (number, reason) in self._refusals.items()
            if most_preemptors is None or number <= most_preemptors
        }

    def least(self, number, count=1):
        """Return the best offers, in order, as far as they are refined.

        :param number: how many preemptors each of them takes.
        :param count: how many offers are wanted.
        """
        if number not in self._heaps:
            self._open(number)
        heap = self._heaps[number]
        found = []
        while heap and len(found) < count:
            offer = heapq.heappop(heap)
            if not self._is_current(offer):
                continue
            if number > self._most.get(offer.provider, number):
                # It cannot take fewer.
                continue
            if offer.stage < READ and offer.provider in self._doubts.read:
                self._count(offer)
            else:
                found.append(offer)
        for offer in found:
            heapq.heappush(heap, offer)
        return found

    def refine(self, offer):
        """Take an offer to its next stage, where it may be withdrawn."""
        if not self._is_current(offer):
            return
        if self._doubts.are_over(offer.rank):
            self._replace(offer, None, self._by_resources(offer))
        elif (
            offer.stage == COUNTED and offer.provider not in self._doubts.read
        ):
            self._look(offer)
        elif offer.stage < READ:
            self._count(offer)
        else:
            self._ask_filters(offer)

    def _is_current(self, offer):
        # The first one of a host is not registered: most stay what they are.
        key = offer.provider, offer.number
        return self._current.get(key, offer) is offer

    def _open(self, number):
        """Make the bounds of all hosts."""
        heap = self._heaps[number] = []
        least_rank = bounds.make_least_rank(
            self._request.resources,
            number,
            self._cost,
            self._request.most_victims,
        )
        for uuid, host in {**self.hosts, **self._left}.items():
            if isinstance(host, model.Unfit):
                continue
            rank = least_rank(host)
            is_refused = isinstance(rank, model.Unfit)
            if not is_refused and self._doubts.may_believe(host):
                # As Offer(...) does, at half the cost.
                heap.append(
                    tuple.__new__(Offer, (rank, uuid, BOUND, number, None))
                )
            elif self._doubts.is_doubtful(host):
                heap.append(
                    Offer(doubts.last_rank(host), uuid, COUNTED, number)
                )
            else:
                self._refuse(uuid, number, rank.reason)
        heapq.heapify(heap)

    def _refuse(self, uuid, number, reason):
        self._current[uuid, number] = None
        self._most[uuid] = min(number - 1, self._most.get(uuid, number))
        if self._before:
            return
        if uuid not in self._refusals or self._refusals[uuid][0] > number:
            self._refusals[uuid] = number, reason

    def _replace(self, offer, stage, chosen):
        """Put an offer in the place of an earlier one, or withdraw it."""
        if isinstance(chosen, model.Unfit):
            self._refuse(offer.provider, offer.number, chosen.reason)
            return
        rank = self._rank(self._host(offer), offer.number, chosen)
        self._put(Offer(rank, offer.provider, stage, offer.number, chosen))

    def _put(self, offer):
        self._current[offer.provider, offer.number] = offer
        heapq.heappush(self._heaps[offer.number], offer)

    def _host(self, offer):
        return self._left.get(offer.provider, self.hosts[offer.provider])

    def _rank(self, host, number, chosen):
        """Return the rank of a choice.

        By a hopeful estimate it is a bound, but for what is freed in vain:
        with a bound of that, all hosts of equal cost would be looked at.
        """
        resources = self._request.resources
        return ranks.rank_of_choice(
            chosen,
            self._cost,
            bounds.shortfall(host, resources, number),
            ranks.scale_of(host, resources),
        )

    def _count(self, offer):
        host = self._host(offer)
        if self._doubts.is_unknown(host):
            # There is nothing to count with.
            self._put(offer._replace(stage=COUNTED))
            return
        stage = READ if offer.provider in self._doubts.read else COUNTED
        chosen = self._by_resources(offer)
        if isinstance(chosen, model.Unfit) and self._doubts.is_doubtful(host):
            self._put(
                Offer(
                    doubts.last_rank(host),
                    offer.provider,
                    COUNTED,
                    offer.number,
                )
            )
        else:
            self._replace(offer, stage, chosen)

    def _by_resources(self, offer):
        """Return the victims that resources alone ask for, or a refusal."""
        host = self._host(offer)
        if isinstance(host, model.Unfit):
            return host
        return self._choose(host, offer.number, lambda servers: None)

    def _choose(self, host, number, passes, filters=None):
        return victims.choose_victims(
            shares.with_sharing_victims(host, self._request.resources),
            self._request.resources,
            number,
            self._cost,
            passes,
            self._effort,
            self._request.most_victims,
            filters,
        )

    def _look(self, offer):
        """Look at a host, and at as many of the next ones as ever before."""
        most = min(max(1, len(self._doubts.read)), MOST_AT_ONCE)
        most = self._doubts.spend(offer.rank, most)
        uuids = [offer.provider] + [
            other.provider
            for other in self.least(offer.number, most + 1)
            if other.stage < READ and other.provider != offer.provider
        ]
        uuids = uuids[:most]
        self._doubts.read.update(uuids)
        self.hosts.update(self._cloud.read(tuple(uuids)))
        self._count(offer)

    def _ask_filters(self, offer):
        def passes(servers):
            return self._consent.why_refused(
                self.hosts[offer.provider], self._before, offer.number, servers
            )

        def filters(servers):
            return self._consent.why_filtered(
                self.hosts[offer.provider], self._before, offer.number, servers
            )

        chosen = offer.victims
        if passes(chosen) is not None:
            chosen = self._choose(
                self._host(offer), offer.number, passes, filters
            )
        self._replace(offer, ACCEPTED, chosen)
