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

"""What placement knows of the hosts' root providers, read once per change.

Every change of a provider's inventory or allocations raises its generation,
so facts that were read at a generation hold as long as placement lists the
provider with the same one.
"""

import dataclasses

from opie.preemption import model
from opie.scheduler import placement

_READS_UNTIL_STABLE = 3
_INVENTORY_FIELDS = (
    'total',
    'reserved',
    'allocation_ratio',
    'min_unit',
    'max_unit',
    'step_size',
)


@dataclasses.dataclass(frozen=True)
class ProviderFacts:
    """A provider at one generation.

    :ivar inventories: resource class to :class:`model.Inventory`.
    :ivar allocations: consumer uuid to resource class to amount.
    """

    generation: int
    inventories: dict
    allocations: dict


class ProviderCache:
    """Provider facts of one scheduler worker."""

    def __init__(self):
        self._facts = {}

    def get(self, client, uuid, generation):
        """Return the facts of a provider.

        :param client: a :class:`placement.Placement`.
        :param generation: as placement has just listed it.
        :raises placement.PlacementError: if they cannot be read.
        """
        facts = self._facts.get(uuid)
        if facts is None or facts.generation != generation:
            facts = _read(client, uuid)
            self._facts[uuid] = facts
        return facts

    def keep_only(self, uuids):
        """Forget all other providers."""
        for uuid in set(self._facts) - set(uuids):
            self._facts.pop(uuid, None)


def inventories_of(raw, used):
    """Return resource class to :class:`model.Inventory`.

    :param raw: inventories as placement gives them.
    :param used: resource class to amount.
    """
    return {
        name: model.Inventory(
            used=used.get(name, 0),
            **{field: item[field] for field in _INVENTORY_FIELDS},
        )
        for name, item in raw.items()
    }


def _read(client, uuid):
    for _ in range(_READS_UNTIL_STABLE):
        generation, raw = client.inventories(uuid)
        same_generation, allocations = client.provider_allocations(uuid)
        if generation == same_generation:
            used = {}
            for resources in allocations.values():
                for name, amount in resources.items():
                    used[name] = used.get(name, 0) + amount
            return ProviderFacts(
                generation, inventories_of(raw, used), allocations
            )
    raise placement.NoAnswer(
        'provider %s changes faster than it can be read' % uuid
    )
