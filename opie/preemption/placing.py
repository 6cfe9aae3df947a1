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

"""On which hosts the preemptors of a request go, at the least cost together.

Preemptors are placed together, so that their plan costs the least that is
possible for all of them.  Of more than ``MOST_TOGETHER``, so many are placed
at a time, and a plan of n such rounds costs at most n times the least.
Preemptors whose request is spread over trees are placed one at a time.  If
they must share a host, some hosts are tried, the one first where the first
preemptor costs least.
"""

import collections.abc

from opie.preemption import candidate_pool
from opie.preemption import candidates
from opie.preemption import live_cloud
from opie.preemption import model
from opie.preemption import ranks

MOST_TOGETHER = 16
# How many hosts of equal cost the cloud's weighers are asked about, the first
# ones by uuid.
MOST_TIES = 16
# How many hosts of nearly equal cost a preference decides between.
MOST_NEAR = 64
# How many hosts are tried for preemptors that must share one, where each has
# to have its part of the tree before what the next one takes is known.
MOST_SHARED = 16


def place(
    request: model.Request,
    pool: candidate_pool.CandidatePool,
    cloud: live_cloud.LiveCloud,
) -> tuple[model.Nomination, ...] | None:
    """Return a nomination for each preemptor, or None.

    :param pool: the candidates, with no preemptor nominated.
    """
    nominations = None
    is_one = len(request.preemptors) == 1
    if request.is_spread and request.is_together and not is_one:
        return _on_one_tree(request, pool, cloud)
    if is_one or request.is_spread or not request.is_together:
        nominations = _spread(request, pool, cloud)
    if nominations is None and not is_one and not request.is_spread:
        # Filters may want them together for reasons of their own.
        nominations = _on_one(request, pool, cloud)
    return nominations


def _spread(
    request: model.Request,
    pool: candidate_pool.CandidatePool,
    cloud: live_cloud.LiveCloud,
) -> tuple[model.Nomination, ...] | None:
    """Return nominations to the hosts that together cost least, or None."""
    nominations: tuple[model.Nomination, ...] = ()
    # What several take of one tree is not known before the first has its part.
    most = 1 if request.is_spread else MOST_TOGETHER
    while len(nominations) < len(request.preemptors):
        left = request.preemptors[len(nominations) :][:most]
        split = _best_split(request, pool, len(left), cloud)
        if split is None:
            return None
        nominations = _nominate(nominations, left, split)
        pool.begin(nominations)
    if _are_accepted(nominations, cloud):
        return nominations
    return None


def _are_accepted(
    nominations: tuple[model.Nomination, ...], cloud: live_cloud.LiveCloud
) -> bool:
    """Ask the filters about a plan of several hosts, each in its turn.

    The filters were asked before about each of the hosts alone.
    """
    if len({one.provider for one in nominations}) == 1:
        return True
    gone: dict[str, frozenset[str]] = {}
    for one in nominations:
        gone[one.provider] = gone.get(one.provider, frozenset()).union(
            server.uuid for server in one.victims
        )
    return all(
        cloud.why_refused(
            one.provider,
            gone[one.provider],
            nominations[:index],
            one.taking,
        )
        is None
        for index, one in enumerate(nominations)
    )


def _on_one(
    request: model.Request,
    pool: candidate_pool.CandidatePool,
    cloud: live_cloud.LiveCloud,
) -> tuple[model.Nomination, ...] | None:
    """Return nominations to the one host that costs least, or None."""
    pool.begin(())
    best = _best_candidate(pool, len(request.preemptors), cloud, 0.0)
    return best and _nominate((), request.preemptors, [best])


def _on_one_tree(
    request: model.Request,
    pool: candidate_pool.CandidatePool,
    cloud: live_cloud.LiveCloud,
) -> tuple[model.Nomination, ...] | None:
    """Return nominations to one host whose tree has room for all, or None."""
    tried: set[str] = set()
    while len(tried) < MOST_SHARED:
        pool.begin((), lambda provider: provider not in tried)
        nominations: tuple[model.Nomination, ...] = ()
        for preemptor in request.preemptors:
            best = _best_candidate(pool, 1, cloud, 0.0)
            if best is None:
                break
            nominations = _nominate(nominations, (preemptor,), [best])
            pool.begin(nominations, {best.provider}.__contains__)
        if len(nominations) == len(request.preemptors):
            return nominations
        if not nominations:
            break
        tried.add(nominations[0].provider)
    return None


def _best_split(
    request: model.Request,
    pool: candidate_pool.CandidatePool,
    number: int,
    cloud: live_cloud.LiveCloud,
) -> list[candidates.Candidate] | None:
    """Return accepted candidates that take a number of preemptors, or None."""
    if number == 1:
        best = _best_candidate(pool, 1, cloud, request.tolerance)
        return best and [best]
    most_per_host = request.most_per_host or number
    while True:
        # A split uses at most so many hosts, so each of its candidates is one
        # of so many best ones, or could be.
        split = _cheapest_split(
            [
                candidate
                for part in range(1, min(number, most_per_host) + 1)
                for candidate in pool.best(part, number)
            ],
            number,
        )
        if split is None or not pool.refine(split):
            return split


def _best_candidate(
    pool: candidate_pool.CandidatePool,
    number: int,
    cloud: live_cloud.LiveCloud,
    tolerance: float,
) -> candidates.Candidate | None:
    """Return the best accepted candidate for a number of preemptors.

    :param tolerance: see :class:`model.Request`.
    """
    while True:
        best = pool.best(number)
        if not best:
            return None
        if pool.refine(best):
            continue
        if tolerance:
            # Only the one that is preferred is worth the questions.
            near = _near(pool.best(number, MOST_NEAR), best[0], tolerance)
            ties = [_preferred(near, cloud)]
        else:
            ties = [
                candidate
                for candidate in pool.best(number, MOST_TIES)
                if candidate.key == best[0].key
            ]
        if not pool.refine(ties):
            return _preferred(ties, cloud)


def _near(
    some: collections.abc.Iterable[candidates.Candidate],
    best: candidates.Candidate,
    tolerance: float,
) -> list[candidates.Candidate]:
    """Return those candidates that cost little more than the best one."""
    worst = ranks.tolerated(best.rank, tolerance)
    return [
        candidate
        for candidate in some
        if candidate.needs_reading == best.needs_reading
        and candidate.rank <= worst
    ]


def _preferred(
    ties: list[candidates.Candidate], cloud: live_cloud.LiveCloud
) -> candidates.Candidate:
    if len(ties) == 1:
        return ties[0]
    order = cloud.rank_by_weight(tuple(one.provider for one in ties))
    return min(
        ties, key=lambda one: (order[one.provider], one.rank, one.provider)
    )


def _cheapest_split(
    some: collections.abc.Iterable[candidates.Candidate], number: int
) -> list[candidates.Candidate] | None:
    """Choose at most one candidate of each host that take all preemptors.

    Exact, in time proportional to candidates times preemptors.

    :returns: None if they cannot take so many.
    """
    by_provider: dict[str, list[candidates.Candidate]] = {}
    for candidate in some:
        by_provider.setdefault(candidate.provider, []).append(candidate)
    # How many are placed, to the least total of it and the candidates taken.
    # A split of which fewer hosts need reading is the better one.
    best: dict[
        int,
        tuple[tuple[int, int, float], tuple[candidates.Candidate, ...]],
    ] = {0: ((0, 0, 0.0), ())}
    for _, of_provider in sorted(by_provider.items()):
        extended = dict(best)
        for placed, (total, taken) in best.items():
            for candidate in of_provider:
                reached = placed + candidate.number
                if reached > number:
                    continue
                new = (
                    total[0] + candidate.needs_reading,
                    total[1] + candidate.rank,
                    total[2] + candidate.read_at,
                )
                if reached not in extended or new < extended[reached][0]:
                    extended[reached] = new, (*taken, candidate)
        best = extended
    return list(best[number][1]) if number in best else None


def _nominate(
    before: tuple[model.Nomination, ...],
    preemptors: tuple[str, ...],
    split: list[candidates.Candidate],
) -> tuple[model.Nomination, ...]:
    """Return nominations with those of a split added, the best host first."""
    nominations = before
    for candidate in sorted(split):
        names, preemptors = (
            preemptors[: candidate.number],
            preemptors[candidate.number :],
        )
        nominations += model.nominate(
            names,
            candidate.provider,
            candidate.victims or (),
            candidate.taking,
        )
    return nominations
