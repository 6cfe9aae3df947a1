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

"""What could serve one group of a request, tree by tree.

Source: placement's API reference, GET /allocation_candidates.  Where it says
too little, the rules are those of placement 16; tests compare both.
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Set
import itertools
import typing

from opie.preemption.trees import asked
from opie.preemption.trees import providers


class Choice(typing.NamedTuple):
    """One way to serve a group.

    :ivar providers: uuids of the providers that serve it.
    :ivar taken: (provider, resource class, amount) for each that is taken.
    """

    providers: frozenset[str]
    taken: tuple[tuple[str, str, int], ...]


# Anchor to the choices for its tree.
Choices = dict[str, list[Choice]]


def for_group(
    forest: providers.Forest, suffix: str, group: asked.Group
) -> Choices:
    """Return all choices for a group."""
    tree = None
    if group.in_tree is not None:
        if group.in_tree not in forest.providers:
            return {}
        tree = forest.root(group.in_tree)
    if suffix:
        return _on_one_provider(forest, group, tree)
    return _over_trees(forest, group, tree)


def _on_one_provider(
    forest: providers.Forest, group: asked.Group, tree: str | None
) -> Choices:
    """Return the choices for a group that one provider must serve whole."""
    found: Choices = {}
    for provider in _with_all_classes(forest, group):
        if not (
            provider.has_room(group.resources)
            and _has_traits(provider.traits, group)
            and _is_member(provider.aggregates, group)
            and not provider.aggregates & group.not_member_of
        ):
            continue
        # NOTE: placement/objects/research_context.py looks at in_tree only
        # where it looks for resources.
        if tree and group.resources and forest.root(provider.uuid) != tree:
            continue
        choice = _choice(
            (provider.uuid, name, amount)
            for name, amount in group.resources.items()
        )._replace(providers=frozenset((provider.uuid,)))
        for anchor in forest.anchors(provider):
            found.setdefault(anchor, []).append(choice)
    return found


def _with_all_classes(
    forest: providers.Forest, group: asked.Group
) -> Iterable[providers.Provider]:
    """Return providers among which are all that can serve a group."""
    if group.resources:
        return min(
            (forest.by_class.get(name, []) for name in group.resources),
            key=len,
        )
    # NOTE: placement/objects/research_context.py finds none for a group that
    # only says what must not be there.
    if group.required or group.member_of:
        return forest.providers.values()
    return ()


def _has_traits(traits: Set[str], group: asked.Group) -> bool:
    return all(traits & some for some in group.required) and not (
        traits & group.forbidden
    )


def _is_member(aggregates: Set[str], group: asked.Group) -> bool:
    return all(aggregates & some for some in group.member_of)


def _choice(taken: Iterable[tuple[str, str, int]]) -> Choice:
    amounts = tuple(taken)
    return Choice(frozenset(uuid for uuid, _, _ in amounts), amounts)


def _over_trees(
    forest: providers.Forest, group: asked.Group, tree: str | None
) -> Choices:
    """Return the choices for the group that may be spread over a tree.

    The traits that it requires are those of all its providers together.
    """
    by_anchor: dict[str, dict[str, list[providers.Provider]]] = {}
    for name, anchor, provider in _parts(forest, group, tree):
        by_class = by_anchor.setdefault(anchor, {})
        by_class.setdefault(name, []).append(provider)
    found: Choices = {}
    for anchor, by_class in by_anchor.items():
        if len(by_class) < len(group.resources):
            continue
        for some in itertools.product(*by_class.values()):
            traits = frozenset().union(*(one.traits for one in some))
            if not _has_traits(traits, group):
                continue
            taken = zip(some, by_class, strict=True)
            found.setdefault(anchor, []).append(
                _choice(
                    (provider.uuid, name, group.resources[name])
                    for provider, name in taken
                )
            )
    return found


def _parts(
    forest: providers.Forest, group: asked.Group, tree: str | None
) -> Iterator[tuple[str, str, providers.Provider]]:
    """Yield (resource class, anchor, provider) for each that could serve."""
    for name, amount in group.resources.items():
        for provider in forest.by_class.get(name, ()):
            if provider.traits & group.forbidden or not provider.has_room(
                {name: amount}
            ):
                continue
            for anchor in _anchors(forest, group, provider, tree):
                yield name, anchor, provider


def _anchors(
    forest: providers.Forest,
    group: asked.Group,
    provider: providers.Provider,
    tree: str | None,
) -> Iterator[str]:
    """Yield the anchors for which a provider may serve a part of the group.

    A root's aggregates count for all of its tree, but not for the sharing
    providers that the tree uses.
    """
    root = forest.root(provider.uuid)
    is_member = _is_member(provider.aggregates, group)
    anchors = frozenset((root,))
    if is_member and tree is None:
        anchors = forest.anchors(provider)
    if tree not in (None, root) or provider.aggregates & group.not_member_of:
        return
    for anchor in anchors:
        aggregates = forest.providers[anchor].aggregates
        if not aggregates & group.not_member_of and (
            is_member or _is_member(aggregates, group)
        ):
            yield anchor
