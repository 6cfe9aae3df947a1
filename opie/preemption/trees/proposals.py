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
    found = _all_proposals(forest, request)
    return itertools.islice(found, request.limit)


def _all_proposals(
    forest: providers.Forest, request: asked.Request
) -> Iterator[Proposal]:
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
    combined = combinations.Combinations(forest, request, suffixes)
    anchors = set.intersection(*map(set, by_suffix.values()))
    seen: set[Proposal] = set()
    for anchor in anchors:
        if not _is_root_accepted(forest.providers[anchor], request):
            continue
        options = [by_suffix[suffix][anchor] for suffix in suffixes]
        for chosen in combined.of(options):
            proposal = _proposal(suffixes, chosen)
            if proposal not in seen:
                seen.add(proposal)
                yield proposal


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
