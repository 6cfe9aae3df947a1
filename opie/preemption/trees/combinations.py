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

"""Which choices for the groups of a request go together, on one tree.

The first combinations differ as much as can be, because there may be more of
them than are of use: where 4 of 16 devices are asked for, the first ones have
each device, mostly with those beside it.
"""

import collections
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence

from opie.preemption.trees import asked
from opie.preemption.trees import choices
from opie.preemption.trees import providers

# A choice for each group, in the order of the suffixes.
Combination = tuple[choices.Choice, ...]


class Combinations:
    """Combines choices, group by group; what cannot be is left at once."""

    def __init__(
        self,
        forest: providers.Forest,
        request: asked.Request,
        suffixes: Sequence[str],
        is_taking_enough: bool = False,
    ) -> None:
        """Prepare for a request.

        :param suffixes: its suffixes, in any order.
        :param is_taking_enough: whether combinations do not count that differ
            only in which of several groups alike gets what.
        """
        self._forest = forest
        self._suffixes = suffixes
        self._is_isolated = request.is_isolated
        # What the groups ask for together, of classes that several of them
        # ask for.  What one asks for was compared with the inventories.
        classes = [
            name
            for group in request.groups.values()
            for name in group.resources
        ]
        self._repeated = {
            name: sum(
                group.resources.get(name, 0)
                for group in request.groups.values()
            )
            for name in classes
            if classes.count(name) > 1
        }
        # Position to the sets of positions that are complete with it.
        self._subtrees: dict[int, list[list[int]]] = {}
        for some in request.same_subtrees:
            places = [suffixes.index(suffix) for suffix in some]
            self._subtrees.setdefault(max(places), []).append(places)
        self._twins: dict[int, int] = {}
        if is_taking_enough:
            self._twins = _twins(request, suffixes)

    def of(
        self, options: Sequence[Sequence[choices.Choice]]
    ) -> Iterable[Combination]:
        """Return all combinations, made as they are asked for.

        :param options: the choices for each group, in the order of suffixes.
        """
        if not self._is_enough(options):
            return ()
        return self._extend((), (), options)

    def _is_enough(self, options: Sequence[Sequence[choices.Choice]]) -> bool:
        """Tell whether there is as much in all as the groups ask for.

        Where many providers are alike, trying all of them would take long.
        """
        for name, wanted in self._repeated.items():
            uuids = {
                uuid
                for some in options
                for choice in some
                for uuid, other, _ in choice.taken
                if other == name
            }
            inventories = [
                self._forest.providers[uuid].inventories[name]
                for uuid in uuids
            ]
            if sum(inventory.free for inventory in inventories) < wanted:
                return False
        return True

    def _extend(
        self,
        chosen: Combination,
        indexes: tuple[int, ...],
        options: Sequence[Sequence[choices.Choice]],
    ) -> Iterator[Combination]:
        """Yield the combinations that begin with what is chosen.

        :param indexes: the places of the chosen ones among their options.
        """
        place = len(chosen)
        if place == len(options):
            yield chosen
            return
        # Groups alike choose in ascending order, which is one of all orders.
        twin = self._twins.get(place)
        first = 0 if twin is None else indexes[twin]
        yield from _in_turn(
            self._extend(extended, (*indexes, index), options)
            for index in range(first, len(options[place]))
            if self._is_possible(extended := (*chosen, options[place][index]))
        )

    def _is_possible(self, chosen: Combination) -> bool:
        """Tell whether the last choice goes with those before it."""
        *others, last = chosen
        if self._is_isolated and self._suffixes[len(others)]:
            for suffix, other in zip(self._suffixes, others, strict=False):
                if suffix and other.providers == last.providers:
                    return False
        return self._has_room(others, last) and all(
            self._is_subtree([chosen[at] for at in places])
            for places in self._subtrees.get(len(others), ())
        )

    def _has_room(
        self, others: Sequence[choices.Choice], last: choices.Choice
    ) -> bool:
        """Tell whether inventories have all that is taken of them.

        What several groups take of one inventory is one allocation, so it may
        not be more than the largest unit.  The sum of units is no less than
        the smallest one, and a number of steps, in any case.
        """
        for uuid, name, amount in last.taken:
            if name not in self._repeated:
                continue
            total = amount + sum(
                taken
                for other in others
                for holder, other_name, taken in other.taken
                if holder == uuid and other_name == name
            )
            inventory = self._forest.providers[uuid].inventories[name]
            if total > min(inventory.free, inventory.max_unit):
                return False
        return True

    def _is_subtree(self, some: Sequence[choices.Choice]) -> bool:
        """Tell whether one of the providers is above all the others."""
        uuids = frozenset().union(*(choice.providers for choice in some))
        return any(
            all(top in self._forest.paths[uuid] for uuid in uuids)
            for top in uuids
        )


def _in_turn(
    some: Iterable[Iterator[Combination]],
) -> Iterator[Combination]:
    """Yield of each iterator the first combination, then the second one."""
    left = collections.deque(some)
    while left:
        iterator = left.popleft()
        for one in iterator:
            yield one
            left.append(iterator)
            break


def _twins(request: asked.Request, suffixes: Sequence[str]) -> dict[int, int]:
    """Return for each group alike to one before it the last of these."""

    def subtrees(suffix: str) -> list[bool]:
        return [suffix in some for some in request.same_subtrees]

    twins = {}
    for place, suffix in enumerate(suffixes):
        for before, other in enumerate(suffixes[:place]):
            if (
                suffix
                and other
                and request.groups[suffix] == request.groups[other]
                and subtrees(suffix) == subtrees(other)
            ):
                twins[place] = before
    return twins
