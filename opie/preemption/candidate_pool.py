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

The pool keeps the candidates of all hosts in order.  It begins with bounds,
and refines a candidate only when that is among the best ones.
"""

import collections.abc
import heapq

from opie.preemption import bounds
from opie.preemption import candidates
from opie.preemption import cost
from opie.preemption import live_cloud
from opie.preemption import model

# How many hosts are read together.
MOST_AT_ONCE = 64
# How many are whose trees are read: a tree takes as many requests as a dozen
# hosts, and what has begun is ended although the search is over.
MOST_TREES_AT_ONCE = 8


class CandidatePool:
    """The candidates of all hosts, for any number of preemptors.

    :ivar is_cut_short: whether candidates were given up because the time was
        over.
    """

    def __init__(
        self,
        request: model.Request,
        hosts: dict[str, model.Host],
        its_cost: cost.Cost,
        cloud: live_cloud.LiveCloud,
    ) -> None:
        """Begin with no preemptor nominated.

        :param hosts: provider to host.
        """
        self._refiner = candidates.Refiner(request, hosts, its_cost, cloud)
        self._is_spread = request.is_spread
        self._most_at_once = (
            MOST_TREES_AT_ONCE if request.is_spread else MOST_AT_ONCE
        )
        self._cloud = cloud
        self._reasons: dict[str, tuple[int, str]] = {}
        self.is_cut_short = False
        self.begin(())

    def begin(
        self,
        nominations: tuple[model.Nomination, ...],
        may_take: collections.abc.Callable[[str], bool] | None = None,
    ) -> None:
        """Take nominations for granted, and begin anew for the others.

        :param may_take: tells by its provider whether a host may take others;
            None if each may.
        """
        self._may_take = may_take
        self._has_nominations = bool(nominations)
        self._refiner.begin(nominations)
        self._heaps: dict[int, list[candidates.Candidate]] = {}
        self._current: dict[tuple[str, int], candidates.Candidate | None] = {}
        # The numbers of preemptors for which hosts without room are ruled out.
        self._ruled_out: set[int] = set()
        # Provider to how many preemptors its host may be asked to take: fewer
        # than any number for which it was found unfit.
        self._most: dict[str, int] = {}

    def untouched(self, provider: str) -> model.Host:
        """Return a nominated host as it is without its nominations."""
        return self._refiner.untouched(provider)

    @property
    def is_least(self) -> bool:
        """Whether no search was given up."""
        return self._refiner.is_least and not self.is_cut_short

    def reasons(self, most_preemptors: int | None = None) -> dict[str, str]:
        """Return provider to why its host cannot take some preemptors.

        :param most_preemptors: leave out hosts that can take as many.
        """
        return {
            provider: reason
            for provider, (number, reason) in self._reasons.items()
            if most_preemptors is None or number <= most_preemptors
        }

    def best(self, number: int, most: int = 1) -> list[candidates.Candidate]:
        """Return the best candidates, in order, as far as they are refined.

        When the search is over, only those whose victims are chosen, and
        when the time is over, only those that are accepted.

        :param number: how many preemptors each of them takes.
        :param most: how many candidates to return, if there are as many.
        """
        if number not in self._heaps:
            self._open(number)
        heap = self._heaps[number]
        read = self._refiner.estimates.read_providers
        least_stage = self._least_stage()
        found: list[candidates.Candidate] = []
        while heap and len(found) < most:
            candidate = heapq.heappop(heap)
            if not self._is_current(candidate):
                continue
            if number > self._most.get(candidate.provider, number):
                # The host is unfit for fewer, which need less than these.
                continue
            if candidate.stage < least_stage or (
                candidate.needs_reading and least_stage
            ):
                self._withdraw(
                    candidate.provider, candidate.number, model.CUT_SHORT
                )
            elif (
                candidate.stage < candidates.Stage.READ
                and candidate.provider in read
            ):
                self._put(candidate, self._refiner.choose(candidate))
            else:
                found.append(candidate)
        for candidate in found:
            heapq.heappush(heap, candidate)
        return found

    def _least_stage(self) -> candidates.Stage:
        """Return the stage that a candidate must have to be left."""
        if self._cloud.is_time_over():
            return candidates.Stage.ACCEPTED
        if self._cloud.is_search_over():
            return candidates.Stage.CHOSEN
        return candidates.Stage.BOUND

    def refine(
        self, some: collections.abc.Iterable[candidates.Candidate]
    ) -> bool:
        """Take each candidate to its next stage, where it may be withdrawn.

        :returns: whether one of them was not accepted yet.
        """
        pending = [
            candidate
            for candidate in some
            if candidate.stage < candidates.Stage.ACCEPTED
        ]
        for candidate in pending:
            if self._is_current(candidate):
                self._refine(candidate)
        return bool(pending)

    def _refine(self, candidate: candidates.Candidate) -> None:
        refiner, stage = self._refiner, candidate.stage
        if candidate.needs_reading and candidate.number not in self._ruled_out:
            self._rule_out_too_small(candidate.number)
            return
        is_read = candidate.provider in refiner.estimates.read_providers
        if candidate.needs_reading and not refiner.estimates.may_read(
            candidate.provider
        ):
            self._put(candidate, refiner.why_unread(candidate))
            return
        if stage == candidates.Stage.READ:
            self._put(candidate, refiner.ask_filters(candidate))
            return
        if stage == candidates.Stage.CHOSEN and not is_read:
            self._read(candidate)
        self._put(candidate, refiner.choose(candidate))

    def _rule_out_too_small(self, number: int) -> None:
        """Withdraw hosts that need no reading, because they have no room."""
        self._ruled_out.add(number)
        small = [
            self._refiner.untouched(candidate.provider)
            for candidate in self._heaps[number]
            if candidate.needs_reading and self._is_current(candidate)
        ]
        estimates, demand = self._refiner.estimates, self._refiner.demand
        for provider, unfit in estimates.without_room(small, demand(number)):
            self._withdraw(provider, number, unfit)

    def _read(self, candidate: candidates.Candidate) -> None:
        """Read a host, and as many of the next ones as ever before."""
        estimates = self._refiner.estimates
        self._refiner.rule_out(
            other.provider
            for other in self._heaps[candidate.number]
            if self._is_current(other)
        )
        if candidate.provider in estimates.read_providers:
            return
        most = 1
        if not self._cloud.is_search_over():
            most = min(
                max(1, len(estimates.read_providers)), self._most_at_once
            )
        most = estimates.grant(most, candidate.needs_reading)
        providers = [candidate.provider] + [
            other.provider
            for other in self.best(candidate.number, most + 1)
            if other.stage < candidates.Stage.READ
            and other.provider != candidate.provider
        ]
        self._refiner.read(providers[:most])

    def _is_current(self, candidate: candidates.Candidate) -> bool:
        # The first one of a host is not registered: most stay what they are.
        key = candidate.provider, candidate.number
        return self._current.get(key, candidate) is candidate

    def _open(self, number: int) -> None:
        """Make the bounds of all hosts."""
        heap = self._heaps[number] = []
        estimates = self._refiner.estimates
        demand = self._refiner.demand(number)
        least_rank = bounds.make_least_rank(demand, self._is_spread)
        bound, new = candidates.Stage.BOUND, candidates.Candidate
        # As Candidate(...) does, at half the cost.
        new_tuple, append, unfit = tuple.__new__, heap.append, model.Unfit
        for provider, host in self._refiner.with_nominations().items():
            if isinstance(host, unfit) or not (
                self._may_take is None or self._may_take(provider)
            ):
                continue
            rank = least_rank(host)
            # Most hosts were read once.
            if not isinstance(rank, unfit) and (
                not host.is_unknown or estimates.believe(host)
            ):
                append(
                    new_tuple(
                        new,
                        (
                            False,
                            rank,
                            0.0,
                            provider,
                            bound,
                            number,
                            None,
                            None,
                        ),
                    )
                )
            elif estimates.is_worth_reading(host):
                append(candidates.needing_reading(host, number))
            else:
                # Only an estimate is not believed.
                assert isinstance(rank, unfit)
                self._withdraw(provider, number, rank)
        heapq.heapify(heap)

    def _put(
        self,
        candidate: candidates.Candidate,
        refined: candidates.Candidate | model.Unfit,
    ) -> None:
        """Put a candidate in the place of an earlier one, or withdraw it."""
        if isinstance(refined, model.Unfit):
            self._withdraw(candidate.provider, candidate.number, refined)
            return
        self._current[candidate.provider, candidate.number] = refined
        heapq.heappush(self._heaps[candidate.number], refined)

    def _withdraw(
        self, provider: str, number: int, unfit: model.Unfit
    ) -> None:
        self._current[provider, number] = None
        if unfit is model.CUT_SHORT:
            self.is_cut_short = True
        else:
            self._most[provider] = min(
                number - 1, self._most.get(provider, number)
            )
        if self._has_nominations:
            return
        previous = self._reasons.get(provider)
        if previous is None or previous[0] > number:
            self._reasons[provider] = number, unfit.reason
