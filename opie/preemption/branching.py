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

"""Branch and bound: decide one item after the other, until all is known.

What its relaxation proves to be no better than the best cover known is not
looked at.  Each relaxation also shows a cover nearby, by taking whole what it
divides and sparing whom it can.

Sets of items are integers, with a bit for each item.
"""

import dataclasses
import itertools

from opie.preemption import covering
from opie.preemption import relaxation

# Most searches end before that; others are worth some preparation.
_FEW_NODES = 200


def least(problem, max_nodes):
    """Search for the least cover.

    :param problem: a :class:`covering.Problem` that has a cover.
    :param max_nodes: how many relaxations may be solved; what is prepared
        for a long search is not counted, it takes a few hundred.
    :returns: the best cover found, and whether it is known to be the least.
    """
    search = _Search(problem)
    search.run(min(max_nodes, _FEW_NODES))
    if search.open and max_nodes > _FEW_NODES:
        search.open = _roots(problem, _cuts(problem))
        search.run(max_nodes - _FEW_NODES)
    return search.best, not search.open


class _Search:
    """A search, depth first.

    :ivar best: the best cover known.
    :ivar limit: what it costs.
    :ivar open: the relaxations that may have a better one.
    """

    def __init__(self, problem):
        self.problem = problem
        self.best = problem.spare((1 << len(problem.keys)) - 1)
        self.limit = problem.cost(self.best)
        self.open = _roots(problem)

    def run(self, max_nodes):
        for _ in range(max_nodes):
            if not self.open:
                break
            self._step(self.open.pop())

    def _step(self, node):
        if not node.settle(self.limit):
            return
        is_cover = self._learn(node.taken())
        node.decide_by_cost(self.limit)
        choice = node.divided()
        if choice is None:
            if is_cover and node.is_settled:
                return
            # It takes too many, for a gain, or it goes round in circles.
            undecided = covering.members(node.undecided())
            if not undecided:
                return
            choice = undecided[0], True
        self._branch(node, *choice)

    def _learn(self, taken):
        """Take note of the cover next to a relaxation.

        :returns: whether that is the relaxation itself.
        """
        cover = self.problem.spare(taken)
        if cover is not None:
            cost = self.problem.cost(cover)
            if cost < self.limit:
                self.best, self.limit = cover, cost
        return cover == taken

    def _branch(self, node, item, is_taken):
        """Decide an item both ways; the given one is looked at first."""
        for decision in (not is_taken, is_taken):
            group = self.problem.before if decision else self.problem.after
            child = node.copy()
            if child.decide(group[item] | 1 << item, decision):
                self.open.append(child)


def _roots(problem, cuts=()):
    """Return relaxations such that each cover is one of some of them.

    :param cuts: pairs of what each item holds and how much is needed, true of
        any cover.
    """
    holds, needs = problem.holds, problem.needs
    for row, need in cuts:
        holds = [(*hold, has) for hold, has in zip(holds, row, strict=True)]
        needs = (*needs, need)
    if not problem.has_gain:
        return [relaxation.Relaxation(problem.keys, holds, needs)]
    rows = range(len(needs))
    return [
        _where_they_matter(problem, critical)
        for size in rows
        for critical in itertools.combinations(rows, size + 1)
    ]


def _where_they_matter(problem, critical):
    """Return a relaxation of covers whose items matter in the given rows.

    Without an item that matters in a row its need would not be met, so the
    surplus is less than what the item holds.  This keeps a search for gain
    from sets that take more than they need.
    """
    most_surplus = [
        max(row) - 1 if number in critical else None
        for number, row in enumerate(zip(*problem.holds, strict=True))
    ]
    root = relaxation.Relaxation(
        problem.keys, problem.holds, problem.needs, most_surplus
    )
    others = sum(
        1 << item
        for item, hold in enumerate(problem.holds)
        if not any(hold[row] for row in critical)
    )
    root.decide(others, False)
    return root


def _cuts(problem):
    """Count how many items any cover has, at least.

    And how many of the dear ones, where one of them costs more than all the
    others together.  Otherwise a relaxation that has a part of an item less
    leaves room for all there is to gain among the rest.
    """
    if problem.has_gain:
        return
    size = len(problem.keys)
    for first in sorted({0, _first_of_dear_ones(problem.keys)}):
        units = [0] * first + [1] * (size - first)
        need = _least_number(dataclasses.replace(problem, keys=units))
        if need > 1:
            yield units, need


def _first_of_dear_ones(keys):
    total = first = 0
    for item, key in enumerate(keys):
        if 0 < total < key:
            first = item
        total += key
    return first


def _least_number(problem):
    search = _Search(problem)
    search.run(_FEW_NODES)
    if not search.open:
        return search.limit
    (root,) = _roots(problem)
    root.settle(search.limit)
    return root.bound()
