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

"""What placement knows of the hosts' root providers, as it was last read.

A provider's generation rises with most changes, but not with all: it stays
when the allocations of a consumer are removed, as nova does when it deletes a
server.  So what was read is a fact in that moment, and an estimate afterwards.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import time
import typing

from opie.preemption import model
from opie.scheduler import resources
from opie.scheduler import waiting
from opie.scheduler.placement import client as placement

_READS_UNTIL_STABLE = 3
_STRICT_SECONDS = 600
_INVENTORY_FIELDS = (
    'total',
    'reserved',
    'allocation_ratio',
    'min_unit',
    'max_unit',
    'step_size',
)


class Unstable(placement.PlacementError):
    """The provider changes faster than it can be read."""


@dataclasses.dataclass(frozen=True)
class ProviderFacts:
    """A provider at one generation.

    :ivar read_at: the monotonic time when it was read.
    :ivar inventories: resource class to :class:`model.Inventory`.
    :ivar allocations: consumer uuid to resource class to amount.
    """

    read_at: float
    generation: int
    inventories: dict[str, model.Inventory]
    allocations: dict[str, dict[str, int]]

    def may_be_left(self, held: resources.Amounts) -> bool:
        """Tell whether a claim may write again what a consumer holds.

        Units may have changed since a server came.
        """
        return all(
            self.inventories[name].is_unit(amount)
            for name, amount in held.items()
        )

    def has_single_units(self, names: Iterable[str]) -> bool:
        """Tell whether any amount of some resource classes may be held."""
        return all(
            self.inventories[name].min_unit == 1
            and self.inventories[name].step_size == 1
            for name in names
        )


class ProviderCache:
    """Provider facts of one scheduler worker, as they were last read.

    Placement is strict if it refuses what leaves a provider over its capacity,
    even if it was no better before.

    NOTE: placement/objects/allocation.py does so before release 14.  No
    version of the API tells.
    """

    def __init__(self) -> None:
        self._strict_until = waiting.Deadline(0)
        self._facts: dict[str, ProviderFacts] = {}

    def last(self, uuid: str) -> ProviderFacts | None:
        """Return the facts of a provider, None if it was never read."""
        return self._facts.get(uuid)

    def forget_all_but(self, uuids: Collection[str]) -> None:
        """Forget the providers of compute nodes that are gone.

        :param uuids: of all compute nodes that nova has.
        """
        for uuid in self._facts.keys() - set(uuids):
            del self._facts[uuid]

    def read(self, client: placement.Client, uuid: str) -> ProviderFacts:
        """Return the facts of a provider as they are now.

        :raises Unstable: if they change all the time.
        :raises placement.PlacementError: if they cannot be read.
        """
        facts = self._facts[uuid] = _read(client, uuid)
        return facts

    def note_strict(self) -> None:
        """Note that placement was found to be strict; it may be upgraded."""
        self._strict_until = waiting.Deadline.after(_STRICT_SECONDS)

    def writable(self, facts: ProviderFacts) -> ProviderFacts:
        """Return facts as a strict placement lets a claim change them.

        Those of a placement that is not strict are as they were.
        """
        if self._strict_until.is_over:
            return facts
        inventories = {
            name: dataclasses.replace(inventory, is_closed=inventory.free < 0)
            for name, inventory in facts.inventories.items()
        }
        return dataclasses.replace(facts, inventories=inventories)


def inventories_of(
    raw: Mapping[str, Mapping[str, typing.Any]], used: resources.Amounts
) -> dict[str, model.Inventory]:
    """Return resource class to inventory, as the planner has them.

    :param raw: resource class to inventory, as placement has them.
    :param used: what all consumers hold together.
    """
    return {
        name: model.Inventory(
            used=used.get(name, 0),
            **{field: item[field] for field in _INVENTORY_FIELDS},
        )
        for name, item in raw.items()
    }


def facts_of(
    read_at: float,
    generation: int,
    raw: Mapping[str, Mapping[str, typing.Any]],
    allocations: dict[str, dict[str, int]],
) -> ProviderFacts:
    """Return facts of what was read together.

    :param raw: resource class to inventory, as placement has them.
    """
    used = resources.total(allocations.values())
    return ProviderFacts(
        read_at, generation, inventories_of(raw, used), allocations
    )


def _read(client, uuid):
    for _ in range(_READS_UNTIL_STABLE):
        generation, raw = client.inventories(uuid)
        same_generation, allocations = client.provider_allocations(uuid)
        if generation == same_generation:
            return facts_of(time.monotonic(), generation, raw, allocations)
    raise Unstable('provider %s changes all the time' % uuid)
