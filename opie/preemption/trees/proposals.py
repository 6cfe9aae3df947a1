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

"""All allocations that a request could be given."""

from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
import itertools
import typing

from opie.preemption.trees import asked
from opie.preemption.trees import choices
from opie.preemption.trees import combinations
from opie.preemption.trees import providers


class Proposal(typing.NamedTuple):
    """What placement calls an allocation request.

    :ivar taken: (provider, resource class, amount) for all that is taken.
    :ivar mappings: (suffix, uuids of the providers that serve its group) for
        all groups.
    """

    taken: frozenset[tuple[str, str, int]]
    mappings: frozenset[tuple[str, frozenset[str]]]

    @property
    def allocations(self) -> dict[str, dict[str, int]]:
        """Provider to what is taken of it."""
        allocations: dict[str, dict[str, int]] = {}
        for uuid, name, amount in self.taken:
            allocations.setdefault(uuid, {})[name] = amount
        return allocations


def propose(
    forest: providers.Forest, request: asked.Request
) -> Iterator[Proposal]:
    """Yield what placement would propose, each once, in any order.

    Proposals are made as they are asked for, because there may be very many
    where a tree has many providers alike.

    :param forest: the trees, without the servers that are to count as gone.
    """
    found = (
        _proposal(suffixes, chosen)
        for suffixes, chosen in _all_chosen(forest, request)
    )
    return itertools.islice(_each_once(found, lambda one: one), request.limit)


def propose_takings(
    forest: providers.Forest, request: asked.Request
) -> Iterator[Proposal]:
    """Yield one proposal for each set of amounts that could be taken.

    Which of several groups gets what makes no difference.  The limit of the
    request does not count.
    """
    found = (
        _proposal(suffixes, chosen)
        for suffixes, chosen in _all_chosen(forest, request, True)
    )
    return _each_once(found, lambda one: one.taken)


def _each_once(
    found: Iterable[Proposal], key: Callable[[Proposal], Hashable]
) -> Iterator[Proposal]:
    seen = set()
    for proposal in found:
        its_key = key(proposal)
        if its_key not in seen:
            seen.add(its_key)
            yield proposal


def _all_chosen(
    forest: providers.Forest,
    request: asked.Request,
    is_taking_enough: bool = False,
) -> Iterator[tuple[Sequence[str], combinations.Combination]]:
    """Yield suffixes and the choices for their groups, tree by tree."""
    by_suffix = {}
    for suffix, group in request.groups.items():
        by_suffix[suffix] = choices.for_group(forest, suffix, group)
        if not by_suffix[suffix]:
            return
    # What few choices rule out is ruled out early.
    suffixes = sorted(
        by_suffix,
        key=lambda suffix: sum(map(len, by_suffix[suffix].values())),
    )
    combined = combinations.Combinations(
        forest, request, suffixes, is_taking_enough
    )
    for anchor in sorted(set.intersection(*map(set, by_suffix.values()))):
        if _is_root_accepted(forest.providers[anchor], request):
            options = [by_suffix[suffix][anchor] for suffix in suffixes]
            for chosen in combined.of(options):
                yield suffixes, chosen


def _is_root_accepted(
    root: providers.Provider, request: asked.Request
) -> bool:
    return (
        request.root_required <= root.traits
        and not request.root_forbidden & root.traits
    )


def _proposal(
    suffixes: Sequence[str], chosen: Sequence[choices.Choice]
) -> Proposal:
    total: dict[tuple[str, str], int] = {}
    for choice in chosen:
        for uuid, name, amount in choice.taken:
            total[uuid, name] = total.get((uuid, name), 0) + amount
    return Proposal(
        frozenset((*key, amount) for key, amount in total.items()),
        frozenset(
            (suffix, choice.providers)
            for suffix, choice in zip(suffixes, chosen, strict=True)
        ),
    )
