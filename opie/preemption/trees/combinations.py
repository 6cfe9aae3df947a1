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

"""Which choices for the groups of a request go together, on one tree."""

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
    ) -> None:
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

    def of(
        self, options: Sequence[Sequence[choices.Choice]]
    ) -> Iterable[Combination]:
        """Return all combinations, made as they are asked for.

        :param options: the choices for each group, in the order of suffixes.
        """
        return self._extend((), options) if self._is_enough(options) else ()

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
        options: Sequence[Sequence[choices.Choice]],
    ) -> Iterator[Combination]:
        place = len(chosen)
        if place == len(options):
            yield chosen
            return
        for choice in options[place]:
            extended = (*chosen, choice)
            if self._is_possible(extended):
                yield from self._extend(extended, options)

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
        not be more than the largest unit.  It need not be a unit.
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
