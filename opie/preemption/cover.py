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


"""Which items cover all needs at the least sum of keys.

It is an integer program: a column for each item, a row for each need.  Branch
and bound decides one item after the other.  The bound of a node is the optimum
of its linear relaxation, see relaxation.py.

Label setting over sorts of servers was tried.  It was as fast for usual
flavors, and its worst cases were slower by far with rules of filters, a limit
of victims, or random holds.

Source: branch and bound with reduced cost fixing and dominated columns as in
G. L. Nemhauser, L. A. Wolsey, "Integer and Combinatorial Optimization" (1988).
"""

import collections.abc
import dataclasses

from opie.preemption import relaxation
from opie.preemption import vectors

DEFAULT_MAX_NODES = 50_000

# Relaxations compare quotients of keys as whole numbers: of keys that are this
# much longer these are as good as fractions.
_MORE_BITS = 40
# In how many parts all items would be taken by what they hold for their cost.
_PARTS = 32


@dataclasses.dataclass(frozen=True)
class Cover:
    """A set of items that covers all needs, each of them indispensable.

    :ivar chosen: indexes of the items, ascending; None if all sets that cover
        have more items than allowed, or if none with fewer is known.
    :ivar is_least: whether no other such set has a lesser sum of keys; if
        not, the search was given up and this is the best one it has met.
    """

    chosen: tuple[int, ...] | None
    is_least: bool


def least_cover(
    keys: list[int],
    holds: list[tuple[int, ...]],
    needs: tuple[int, ...],
    max_nodes: int = DEFAULT_MAX_NODES,
    most_items: int | None = None,
    is_search_over: collections.abc.Callable[[], bool] = lambda: False,
) -> Cover | None:
    """Return the least cover, None if all items together do not cover.

    It is exact unless ``max_nodes`` or the time is used up.  With the default
    of nodes that was not seen for up to 120 servers of realistic flavors, with
    6 rows and 8 rules of filters, nor for as many items whose holds and keys
    are random.

    :param keys: what each item costs, from zero, of any length.
    :param holds: for each item what it holds of each row, from zero.
    :param needs: what is needed of each row; a row without need has zero or
        less.
    :param max_nodes: how many relaxations may be solved before the search is
        given up; one takes about 0.1 ms.
    :param most_items: how many items may be taken, None for any number.
    :param is_search_over: tells whether to give up the search.
    """
    if any(need <= 0 for need in needs):
        holds = [_of_rows_in_need(hold, needs) for hold in holds]
        needs = _of_rows_in_need(needs, needs)
    if not needs:
        return Cover((), True)
    holds = [tuple(map(min, hold, needs)) for hold in holds]
    if not _suffice(holds, needs):
        return None
    if most_items == 0:
        return Cover(None, True)
    useful = sorted(
        (index for index, hold in enumerate(holds) if any(hold)),
        key=lambda index: (keys[index], index),
    )
    keys = [keys[index] for index in useful]
    holds = [holds[index] for index in useful]
    if needs in holds:
        # Most often the cheapest item that is enough is the answer, and no
        # better cover has an item that costs as much.
        single = holds.index(needs)
        if (
            single < 2
            or keys[0] + keys[1] >= keys[single]
            or not _suffice(holds[:single], needs)
        ):
            return Cover((useful[single],), True)
        keys, holds = keys[: single + 1], holds[: single + 1]
    search = _BranchAndBound(keys, holds, needs, most_items)
    is_least = search.run(max_nodes, is_search_over)
    if search.best is None:
        return Cover(None, is_least)
    return Cover(tuple(sorted(useful[item] for item in search.best)), is_least)


def _of_rows_in_need(
    amounts: tuple[int, ...], needs: tuple[int, ...]
) -> tuple[int, ...]:
    return tuple(
        amount for amount, need in zip(amounts, needs, strict=True) if need > 0
    )


def _suffice(holds: list[tuple[int, ...]], needs: tuple[int, ...]) -> bool:
    return bool(holds) and min(vectors.surplus(holds, needs)) >= 0


class _BranchAndBound:
    """Branch and bound, depth first.

    :ivar best: the items of the best cover known, or None.
    :ivar limit: what it costs; more than any cover if none is known.
    """

    def __init__(
        self,
        keys: list[int],
        holds: list[tuple[int, ...]],
        needs: tuple[int, ...],
        most_items: int | None,
    ) -> None:
        # No two keys are the same, and none is zero.
        size = len(keys) + 1
        self._keys = [
            (key * size * size + place) << _MORE_BITS
            for place, key in enumerate(keys, 1)
        ]
        self._holds, self._needs = holds, needs
        self._most_items = most_items
        self.best: list[int] | None = None
        self.limit = sum(self._keys) + 1
        self._note(range(len(keys)))

    def _by_density(self) -> list[int]:
        """Return a cover of the items that cost least for what they hold.

        A search that is given up early may have none that is better.  What is
        still needed changes as items are taken, so it is looked at anew after
        each part of them.
        """
        others = list(range(len(self._keys)))
        some = max(1, len(others) // _PARTS)
        left = list(self._needs)
        chosen: list[int] = []
        while max(left) > 0:
            rows = [(row, need) for row, need in enumerate(left) if need > 0]

            def price(item: int, rows: list[tuple[int, int]] = rows) -> int:
                hold = self._holds[item]
                parts = [
                    (min(hold[row], need) << _MORE_BITS) // need
                    for row, need in rows
                ]
                return self._keys[item] // max(1, sum(parts))

            others.sort(key=price)
            taken, others = others[:some], others[some:]
            for item in taken:
                left = vectors.less(left, self._holds[item])
            chosen += taken
        return chosen

    def run(
        self,
        max_nodes: int,
        is_search_over: collections.abc.Callable[[], bool],
    ) -> bool:
        """Search; return whether it has come to an end."""
        holds: list[vectors.Vector] = [*self._holds]
        needs = self._needs
        if self._most_items is not None:
            # As a row: each item holds one less than nothing of it.
            holds = [(*hold, -1) for hold in holds]
            needs = (*needs, -self._most_items)
        nodes = [relaxation.Relaxation(self._keys, holds, needs)]
        for _ in range(max_nodes):
            if not nodes or is_search_over():
                break
            nodes += self._branch(nodes.pop())
        if nodes:
            self._note(self._by_density())
        return not nodes

    def _branch(
        self, node: relaxation.Relaxation
    ) -> collections.abc.Iterator[relaxation.Relaxation]:
        """Return what is left to search of a node, the likelier half last."""
        if not node.solve(self.limit):
            return
        self._note(node.support())
        if not node.fix_by_reduced_cost(self.limit):
            return
        item, is_taken = node.branching_item()
        if item is None:
            return
        for decision in (not is_taken, is_taken):
            child = node.copy()
            child.decide(
                self._with(item, decision, node.undecided()), decision
            )
            yield child

    def _with(self, item: int, is_taken: bool, others: list[int]) -> list[int]:
        """Return an item and the others that may be decided as it is.

        Some least cover takes an item only together with all that cost no more
        and hold no less, the columns that dominate it.
        """
        hold = self._holds[item]
        if is_taken:
            return [
                other
                for other in others
                if other <= item
                and all(map(int.__ge__, self._holds[other], hold))
            ]
        return [
            other
            for other in others
            if other >= item and all(map(int.__le__, self._holds[other], hold))
        ]

    def _note(self, items: collections.abc.Iterable[int]) -> None:
        """Take note of the cover that is left when superfluous items go."""
        # A relaxation that was cut short may count an item twice.
        chosen = sorted(set(items), reverse=True)
        surplus = vectors.surplus(
            [self._holds[item] for item in chosen], self._needs
        )
        if min(surplus) < 0:
            return
        for item in tuple(chosen):
            if all(map(int.__ge__, surplus, self._holds[item])):
                surplus = vectors.less(surplus, self._holds[item])
                chosen.remove(item)
        cost = sum(self._keys[item] for item in chosen)
        if cost < self.limit and (
            self._most_items is None or len(chosen) <= self._most_items
        ):
            self.best, self.limit = chosen, cost
