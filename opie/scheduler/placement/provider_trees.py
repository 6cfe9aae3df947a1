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

"""What placement knows of the whole trees of some hosts.

Inventories, traits and aggregates are kept by the generation of their
provider, which rises when they change.  Allocations are read each time,
because it stays when those of a consumer are removed.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Set
from concurrent import futures
import dataclasses
import time
import typing

from opie.preemption import model
from opie.preemption import rows
from opie.preemption.trees import providers as forests
from opie.scheduler.placement import client as placement
from opie.scheduler.placement import providers

_READS_UNTIL_STABLE = 3
# For how long a tree counts as one without a resource class.
_LACKING_SECONDS = 300

_Item = typing.TypeVar('_Item', str, typing.Any)
_Found = typing.TypeVar('_Found')


@dataclasses.dataclass(frozen=True)
class Part:
    """One provider of a tree, as it is at one generation.

    :ivar root: the uuid of the root of its tree.
    :ivar parent: the uuid of its parent, None for the root.
    :ivar inventories: resource class to inventory, as placement has them.
    """

    uuid: str
    root: str
    parent: str | None
    generation: int
    inventories: Mapping[str, Mapping[str, typing.Any]]
    traits: frozenset[str] = frozenset()
    aggregates: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class TreeFacts:
    """A tree at one moment.

    :ivar root: the uuid of its root, which is that of the host.
    :ivar parts: provider to :class:`Part`.
    :ivar facts: what there is and what is held, where the names of amounts are
        rows of the tree.
    :ivar root_facts: the same of the root alone.
    """

    root: str
    parts: Mapping[str, Part]
    facts: providers.ProviderFacts
    root_facts: providers.ProviderFacts

    def forest(
        self, inventories: Mapping[str, model.Inventory]
    ) -> forests.Forest:
        """Return the tree as a value.

        :param inventories: row to inventory, with what is in use.
        """
        by_provider = rows.to_allocations(self.root, inventories)
        return forests.Forest.of(
            forests.Provider(
                part.uuid,
                by_provider.get(part.uuid, {}),
                part.parent,
                part.traits,
                part.aggregates,
            )
            for part in self.parts.values()
        )


class Trees:
    """Reads trees for one scheduler worker."""

    def __init__(self) -> None:
        # Provider to what was read at its last generation.
        self._parts: dict[str, Part] = {}
        # Root to (the classes of its tree, the monotonic time of that).
        self._classes: dict[str, tuple[frozenset[str], float]] = {}

    def forget_all_but(self, roots: Set[str]) -> None:
        """Forget the trees of compute nodes that nova has no more."""
        self._classes = {
            root: known
            for root, known in list(self._classes.items())
            if root in roots
        }
        self._parts = {
            uuid: part
            for uuid, part in list(self._parts.items())
            if part.root in roots
        }

    def lacking(self, root: str, classes: Collection[str]) -> frozenset[str]:
        """Return those of some classes that a tree was lately without."""
        known, read_at = self._classes.get(root, (frozenset(classes), 0.0))
        if time.monotonic() >= read_at + _LACKING_SECONDS:
            return frozenset()
        return frozenset(classes) - known

    def read(
        self,
        client: placement.Client,
        roots: Iterable[str],
        classes: Collection[str],
    ) -> dict[str, TreeFacts]:
        """Return root to the facts of its tree, of some hosts.

        Those are left out that lack a resource class, that change faster than
        they can be read, or that placement does not tell of.
        """
        found: dict[str, TreeFacts] = {}
        left = set(roots)
        for _ in range(_READS_UNTIL_STABLE):
            if not left:
                break
            read = self._read_once(client, sorted(left), classes)
            left -= read.keys()
            left = {one for one in left if not self.lacking(one, classes)}
            found |= read
        return found

    def _read_once(
        self,
        client: placement.Client,
        roots: list[str],
        classes: Collection[str],
    ) -> dict[str, TreeFacts]:
        listed = _each(
            lambda root: client.providers([('in_tree', root)]), roots
        )
        every = [one for some in listed.values() for one in some]
        sizes = _each(lambda one: self._with_inventories(client, one), every)
        for root, some in listed.items():
            known = [sizes.get(one['uuid']) for one in some]
            if known and all(known):
                names = frozenset().union(
                    *(part.inventories for part in known if part)
                )
                self._classes[root] = names, time.monotonic()
        listed = {
            root: some
            for root, some in listed.items()
            if not self.lacking(root, classes)
        }
        every = [one for some in listed.values() for one in some]
        parts = _each(
            lambda one: self._whole(client, sizes.get(one['uuid'])), every
        )
        self._parts.update(
            {uuid: part for uuid, part in parts.items() if part}
        )
        held = _each(
            lambda one: client.provider_allocations(one['uuid']), every
        )
        found = {}
        for root, some in listed.items():
            facts = _facts(
                root,
                {one['uuid']: parts.get(one['uuid']) for one in some},
                held,
            )
            if facts:
                found[root] = facts
        return found

    def _with_inventories(
        self, client: placement.Client, listed: Mapping[str, typing.Any]
    ) -> Part | None:
        """Return a provider, without traits and aggregates if it is new."""
        uuid, generation = listed['uuid'], listed['generation']
        kept = self._parts.get(uuid)
        if kept and kept.generation == generation:
            return kept
        now, inventories = client.inventories(uuid)
        if now != generation:
            return None
        return Part(
            uuid,
            listed['root_provider_uuid'],
            listed['parent_provider_uuid'],
            generation,
            inventories,
        )

    def _whole(
        self, client: placement.Client, part: Part | None
    ) -> Part | None:
        if part is None or self._parts.get(part.uuid) is part:
            return part
        generation, traits = client.traits(part.uuid)
        same_generation, aggregates = client.aggregates(part.uuid)
        if not part.generation == generation == same_generation:
            return None
        return dataclasses.replace(part, traits=traits, aggregates=aggregates)


def _each(
    read: Callable[[_Item], _Found], items: Collection[_Item]
) -> dict[str, _Found]:
    """Return uuid to what is read of it, of what can be read."""

    def read_one(item: _Item) -> _Found | None:
        try:
            return read(item)
        except placement.PlacementError:
            return None

    if not items:
        return {}
    with futures.ThreadPoolExecutor(placement.MAX_READS_AT_ONCE) as pool:
        found = list(pool.map(read_one, items))
    return {
        item if isinstance(item, str) else item['uuid']: one
        for item, one in zip(items, found, strict=True)
        if one is not None
    }


def _facts(
    root: str,
    parts: Mapping[str, Part | None],
    held: Mapping[str, tuple[int, dict[str, dict[str, int]]]],
) -> TreeFacts | None:
    """Return the facts of a tree, None if it is gone or changes meanwhile.

    :param held: provider to (generation, consumer to amounts).
    """
    if root not in parts:
        return None
    stable: dict[str, Part] = {}
    for uuid, part in parts.items():
        if not part or uuid not in held or held[uuid][0] != part.generation:
            return None
        stable[uuid] = part
    by_consumer: dict[str, dict[str, dict[str, int]]] = {}
    for uuid in stable:
        for consumer, amounts in held[uuid][1].items():
            by_consumer.setdefault(consumer, {})[uuid] = amounts
    allocations = {
        consumer: rows.from_allocations(root, by_provider)
        for consumer, by_provider in by_consumer.items()
    }
    raw = rows.from_allocations(
        root, {uuid: part.inventories for uuid, part in stable.items()}
    )
    read_at = time.monotonic()
    generation = stable[root].generation
    return TreeFacts(
        root,
        stable,
        providers.facts_of(read_at, generation, raw, allocations),
        providers.facts_of(
            read_at, generation, stable[root].inventories, held[root][1]
        ),
    )
