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

"""A cloud as both can have it, and what is proposed for a request there."""

from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
from urllib import parse

from opie.preemption import amounts
from opie.preemption import model
from opie.preemption.trees import proposals
from opie.preemption.trees import providers
from opie.preemption.trees import query


@dataclasses.dataclass(frozen=True)
class Cloud:
    """Providers, and the servers that hold something of them.

    :ivar providers: parents come before their children, and nothing is in use
        in their inventories.
    :ivar servers: server to what it holds.
    :ivar preemptible: the servers of them that are to count as gone.
    """

    providers: tuple[providers.Provider, ...]
    servers: Mapping[str, providers.Allocations] = dataclasses.field(
        default_factory=dict
    )
    preemptible: frozenset[str] = frozenset()

    def forest(self, is_strict: bool = False) -> providers.Forest:
        """Return its trees, with what all the servers hold in use.

        :param is_strict: whether placement lets nothing change on what is over
            its capacity.
        """
        return providers.Forest.of(
            dataclasses.replace(
                provider,
                inventories={
                    name: self._in_use(provider.uuid, name, item, is_strict)
                    for name, item in provider.inventories.items()
                },
            )
            for provider in self.providers
        )

    def _in_use(
        self, uuid: str, name: str, item: model.Inventory, is_strict: bool
    ) -> model.Inventory:
        item = dataclasses.replace(item, used=self.used(uuid, name))
        return dataclasses.replace(item, is_closed=is_strict and item.free < 0)

    def used(self, uuid: str, name: str) -> int:
        """Return what all servers hold of one class on a provider."""
        return amounts.of_class(
            name, (held.get(uuid, {}) for held in self.servers.values())
        )

    def without_preemptible(self) -> providers.Forest:
        """Return its trees as if the preemptible servers were gone."""
        return self.forest().without(
            self.servers[uuid] for uuid in self.preemptible
        )


def pairs_of(text: str) -> list[tuple[str, str]]:
    """Return the keys and values of a query string."""
    return parse.parse_qsl(text, keep_blank_values=True)


def proposed(
    forest: providers.Forest, pairs: Iterable[tuple[str, str]]
) -> list[proposals.Proposal]:
    """Return what opie's core proposes, in order."""
    return sorted(
        proposals.propose(forest, query.read(pairs)),
        key=lambda one: (sorted(one.taken), sorted(map(str, one.mappings))),
    )
