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


def least(problem, max_nodes, most_items=None):
    """Search for the least cover.

    :param problem: a :class:`covering.Problem` that has a cover.
    :param max_nodes: how many relaxations may be solved; what is prepared
        for a long search is not counted, it takes a few hundred.
    :param most_items: how many items may be taken, None for any number.
    :returns: the best cover found, None for none of so few items, and whether
        it is known to be the least, or that there is none.
    """
    best, is_least = _least(_Search(problem), max_nodes)
    if most_items is None or best.bit_count() <= most_items:
        return best, is_least
    fewest = _fewest(problem)
    if not fewest.open and fewest.limit > most_items:
        return None, True
    search = _Search(problem, most_items)
    search.note(fewest.best)
    return _least(search, max_nodes)


def _least(search, max_nodes):
    search.run(min(max_nodes, _FEW_NODES))
    if search.open and max_nodes > _FEW_NODES:
        search.open = search.roots(_cuts(search.problem))
        search.run(max_nodes - _FEW_NODES)
    return search.best, not search.open


class _Search:
    """A search, depth first.

    :param most_items: how many items a cover may take, None for any number.
    :ivar best: the best cover known, or None.
    :ivar limit: what it costs; more than any cover if none is known.
    :ivar open: the relaxations that may have a better one.
    """

    def __init__(self, problem, most_items=None):
        self.problem = problem
        self._most_items = most_items
        self.best = None
        self.limit = sum(max(0, key) for key in problem.keys) + 1
        self.note(problem.spare((1 << len(problem.keys)) - 1))
        self.open = self.roots()

    def roots(self, cuts=()):
        return _roots(self.problem, cuts, self._most_items)

    def note(self, cover):
        """Take note of a cover; return whether it is one of those wanted."""
        if (
            self._most_items is not None
            and cover.bit_count() > self._most_items
        ):
            return False
        cost = self.problem.cost(cover)
        if cost < self.limit:
            self.best, self.limit = cover, cost
        return True

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
        return cover is not None and self.note(cover) and cover == taken

    def _branch(self, node, item, is_taken):
        """Decide an item both ways; the given one is looked at first."""
        for decision in (not is_taken, is_taken):
            group = self.problem.before if decision else self.problem.after
            child = node.copy()
            if child.decide(group[item] | 1 << item, decision):
                self.open.append(child)


def _roots(problem, cuts=(), most_items=None):
    """Return relaxations such that each cover is one of some of them.

    :param cuts: pairs of what each item holds and how much is needed, true of
        any cover.
    :param most_items: how many items a cover may take, None for any number.
    """
    rows = range(len(problem.needs))
    units = [1] * len(problem.keys)
    if most_items is not None:
        # Nobody needs it, and there may be so much of it.
        cuts = [*cuts, (units, 0)]
    holds, needs = problem.holds, problem.needs
    for row, need in cuts:
        holds = [(*hold, has) for hold, has in zip(holds, row, strict=True)]
        needs = (*needs, need)
    most_surplus = [None] * len(needs)
    most_surplus[-1] = most_items
    if not problem.has_gain:
        return [
            relaxation.Relaxation(problem.keys, holds, needs, most_surplus)
        ]
    return [
        _where_they_matter(problem, holds, needs, most_surplus, critical)
        for size in rows
        for critical in itertools.combinations(rows, size + 1)
    ]


def _where_they_matter(problem, holds, needs, most_surplus, critical):
    """Return a relaxation of covers whose items matter in the given rows.

    Without an item that matters in a row its need would not be met, so the
    surplus is less than what the item holds.  This keeps a search for gain
    from sets that take more than they need.
    """
    most_surplus = list(most_surplus)
    for row in critical:
        most_surplus[row] = max(hold[row] for hold in holds) - 1
    root = relaxation.Relaxation(problem.keys, holds, needs, most_surplus)
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


def _fewest(problem):
    """Return a search for a cover of as few items as possible."""
    search = _Search(
        dataclasses.replace(problem, keys=[1] * len(problem.keys))
    )
    search.run(_FEW_NODES)
    return search


def _least_number(problem):
    search = _Search(problem)
    search.run(_FEW_NODES)
    if not search.open:
        return search.limit
    (root,) = _roots(problem)
    root.settle(search.limit)
    return root.bound()
