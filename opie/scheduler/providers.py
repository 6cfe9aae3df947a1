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

"""What placement knows of the hosts' root providers.

Writing a provider's inventory or allocations raises its generation, so what
was read at a generation holds while placement lists the provider with the
same one.  There is an exception: deleting a consumer's allocations, as nova
does when it deletes a server, raises nothing.  Therefore nova's own figures of
what is in use must be the same as well.
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


class Unstable(placement.PlacementError):
    """The provider changes faster than it can be read."""


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
    """Provider facts of one scheduler worker, as they were last read."""

    def __init__(self):
        self._facts = {}

    def last(self, uuid):
        """Return the :class:`ProviderFacts` of a provider, None if unread."""
        read = self._facts.get(uuid)
        return read[0] if read else None

    def is_current(self, compute, generation):
        """Tell whether nothing speaks against what was last read.

        :param compute: the :class:`computes.Compute` as it is now.
        :param generation: of its provider, as placement has just listed it.
        """
        read = self._facts.get(compute.uuid)
        return bool(
            read
            and read[0].generation == generation
            and read[1] == compute.usage
        )

    def forget_all_but(self, uuids):
        """Forget providers of hosts that are no more."""
        for uuid in self._facts.keys() - uuids:
            del self._facts[uuid]

    def read(self, client, compute):
        """Return the facts of a compute node's provider as they are now.

        :param client: a :class:`placement.Placement`.
        :raises Unstable: if they change all the time.
        :raises placement.PlacementError: if they cannot be read.
        """
        facts = _read(client, compute.uuid)
        self._facts[compute.uuid] = facts, compute.usage
        return facts


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
    raise Unstable('provider %s changes all the time' % uuid)
