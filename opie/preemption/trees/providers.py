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

"""Trees of providers, as placement has them at one moment."""

from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import functools

from opie.preemption import amounts
from opie.preemption import errors
from opie.preemption import model

# Provider to what is held there, as one consumer has them.
Allocations = Mapping[str, amounts.Amounts]

# Source: os_traits, MISC_SHARES_VIA_AGGREGATE.
SHARING = 'MISC_SHARES_VIA_AGGREGATE'


@dataclasses.dataclass(frozen=True, slots=True)
class Provider:
    """A provider, by its uuid.

    :ivar inventories: resource class to inventory, with all that is in use.
    :ivar parent: the uuid of its parent, None for a root.
    :ivar aggregates: the uuids of its aggregates.
    """

    uuid: str
    inventories: Mapping[str, model.Inventory]
    parent: str | None = None
    traits: frozenset[str] = frozenset()
    aggregates: frozenset[str] = frozenset()

    @property
    def is_sharing(self) -> bool:
        """Whether others use its inventories through an aggregate."""
        return SHARING in self.traits

    def has_room(self, resources: amounts.Amounts) -> bool:
        """Tell whether all of the resources could be taken of it now."""
        for name, amount in resources.items():
            inventory = self.inventories.get(name)
            if (
                inventory is None
                or inventory.free < amount
                or not inventory.is_unit(amount)
            ):
                return False
        return True

    def without(self, held: amounts.Amounts) -> 'Provider':
        """Return the provider as it is when something is given back."""
        unknown = held.keys() - self.inventories.keys()
        if unknown:
            raise errors.InvalidHost(
                provider=self.uuid,
                problem='a server holds %s, of which it has no inventory'
                % ', '.join(sorted(unknown)),
            )
        freed = {
            name: dataclasses.replace(
                self.inventories[name],
                used=self.inventories[name].used - amount,
            )
            for name, amount in held.items()
        }
        return dataclasses.replace(
            self, inventories={**self.inventories, **freed}
        )


@dataclasses.dataclass(frozen=True)
class Forest:
    """Whole trees of providers.

    Beside the trees of the hosts in question, it has to have the sharing
    providers that have an aggregate in common with any of them.

    :ivar providers: uuid to provider.
    """

    providers: Mapping[str, Provider]

    def __post_init__(self) -> None:
        for provider in self.providers.values():
            parent = provider.parent
            if parent is not None and parent not in self.providers:
                raise errors.InvalidHost(
                    provider=provider.uuid,
                    problem='its parent %s is missing' % parent,
                )

    @classmethod
    def of(cls, providers: Iterable[Provider]) -> 'Forest':
        """Return the forest of some providers."""
        return cls({provider.uuid: provider for provider in providers})

    def without(self, consumers: Iterable[Allocations]) -> 'Forest':
        """Return the forest as it is when consumers are gone.

        :param consumers: what each of them holds.  What one holds of providers
            beyond the forest does not count.
        """
        freed: dict[str, list[amounts.Amounts]] = {}
        for held in consumers:
            for uuid in held.keys() & self.providers.keys():
                freed.setdefault(uuid, []).append(held[uuid])
        changed = {
            uuid: self.providers[uuid].without(amounts.total(some))
            for uuid, some in freed.items()
        }
        return Forest({**self.providers, **changed})

    @functools.cached_property
    def paths(self) -> dict[str, tuple[str, ...]]:
        """Uuid to the uuids from a provider up to its root, both included."""
        paths: dict[str, tuple[str, ...]] = {}
        for uuid in self.providers:
            path = [uuid]
            while (parent := self.providers[path[-1]].parent) is not None:
                if parent in path:
                    raise errors.InvalidHost(
                        provider=uuid, problem='it is its own ancestor'
                    )
                path.append(parent)
            paths[uuid] = tuple(path)
        return paths

    def root(self, uuid: str) -> str:
        """Return the uuid of the root of a provider's tree."""
        return self.paths[uuid][-1]

    @functools.cached_property
    def by_class(self) -> dict[str, list[Provider]]:
        """Resource class to the providers that have an inventory of it."""
        found: dict[str, list[Provider]] = {}
        for provider in self.providers.values():
            for name in provider.inventories:
                found.setdefault(name, []).append(provider)
        return found

    @functools.cached_property
    def shared_with(self) -> dict[str, frozenset[str]]:
        """Sharing provider to the roots of the trees that may use it.

        An aggregate of any provider of a tree counts.
        """
        roots: dict[str, set[str]] = {}
        for provider in self.providers.values():
            for aggregate in provider.aggregates:
                roots.setdefault(aggregate, set()).add(
                    self.root(provider.uuid)
                )
        return {
            provider.uuid: frozenset().union(
                *(roots[aggregate] for aggregate in provider.aggregates)
            )
            for provider in self.providers.values()
            if provider.is_sharing
        }

    def anchors(self, provider: Provider) -> frozenset[str]:
        """Return the roots of all trees that may use a provider."""
        return self.shared_with.get(provider.uuid, frozenset()) | {
            self.root(provider.uuid)
        }
