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

"""Whether a claim that was made leaves its hosts within their capacity.

placement's check is not enough: it lets concurrent claims through, and claims
on a provider that was over capacity before.
"""

from opie.scheduler import providers

# NOTE: placement/objects/allocation.py raises the generation of a provider by
# one for each write, whatever number of consumers it has there.
_GENERATIONS_OF_A_CLAIM = 1


def over_capacity(client, facts, provider, names, victims):
    """Return the resource classes that a provider will have too little of.

    :param client: a :class:`opie.scheduler.placement.Placement`.
    :param facts: the ProviderFacts that the claim was planned with.
    :param names: the classes that were claimed.
    :param victims: uuids of servers whose allocations do not count, for they
        will be gone.
    """
    generation, allocations = client.provider_allocations(provider)
    used = providers.used_by(
        {
            consumer: resources
            for consumer, resources in allocations.items()
            if consumer not in victims
        }
    )
    inventories = _inventories(client, provider, generation, facts)
    return [
        name
        for name in sorted(names)
        if name not in inventories or used[name] > inventories[name].capacity
    ]


def _inventories(client, provider, generation, facts):
    """Return the inventories of a provider at a generation or later."""
    if generation == facts.generation + _GENERATIONS_OF_A_CLAIM:
        # Nobody else has written to it since.
        return facts.inventories
    _, raw = client.inventories(provider)
    return providers.inventories_of(raw, {})
