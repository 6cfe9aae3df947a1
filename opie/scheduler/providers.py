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

"""What placement knows of the hosts' root providers, read when it changes.

Writing a provider's inventory or allocations raises its generation, so facts
that were read at a generation hold while placement lists the provider with
the same one.  There is an exception: deleting a consumer's allocations, as
nova does when it deletes a server, raises nothing.  Therefore facts hold only
as long as all their consumers are servers that nova still has on the host,
and those that came from the cache are read again before a plan built on them
is carried out.
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
    """Provider facts of one scheduler worker."""

    def __init__(self):
        self._facts = {}

    def get(self, client, uuid, generation, servers):
        """Return the facts of a provider.

        :param client: a :class:`placement.Placement`.
        :param generation: as placement has just listed it.
        :param servers: uuids of the servers that nova has on the host.
        :raises Unstable: if they change all the time.
        :raises placement.PlacementError: if they cannot be read.
        """
        facts = self._facts.get(uuid)
        if (
            facts is None
            or facts.generation != generation
            or not servers >= facts.allocations.keys()
        ):
            return self.read(client, uuid)
        return facts

    def read(self, client, uuid):
        """Return the facts of a provider as they are now; see :meth:`get`."""
        facts = self._facts[uuid] = _read(client, uuid)
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
