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

"""Whether a claim that was made is on hosts that may and can serve it.

placement's check is not enough: it lets concurrent claims through, and claims
on a provider that was over capacity before.  And a host may have lost a trait
or an aggregate since placement was asked for hosts, or be disabled.
"""

from collections.abc import Collection

from opie.scheduler import resources
from opie.scheduler.placement import client as placement
from opie.scheduler.placement import providers
from opie.scheduler.planning import snapshot

# By how much a claim raises the generation of a provider.
# NOTE: placement/objects/allocation.py raises it by one for each write, for
# whatever number of consumers.
_RAISED_BY_A_CLAIM = 1


def problems(
    client: placement.Client,
    shot: snapshot.Snapshot,
    provider: str,
    victims: Collection[str],
) -> list[str]:
    """Return why a claim on a host must not stand; empty if it may.

    :param shot: what was planned on.
    :param victims: uuids of servers whose allocations do not count, because
        they will be gone.
    """
    generation, allocations = client.provider_allocations(provider)
    facts = shot.cloud.facts[provider]
    # Whether the claim is all that was written since the facts were read.
    is_claim_alone = generation == facts.generation + _RAISED_BY_A_CLAIM
    used = resources.total(
        held
        for consumer, held in allocations.items()
        if consumer not in victims
    )
    inventories = facts.inventories
    if not is_claim_alone:
        _, raw = client.inventories(provider)
        inventories = providers.inventories_of(raw, {})
    host = shot.node_names[provider]
    found = [
        'over capacity: %s of %s' % (name, host)
        for name in sorted(shot.request.resources)
        if name not in inventories or used[name] > inventories[name].capacity
    ]
    # Whether the provider is still what placement has listed for the request,
    # but for the claim.
    is_as_listed = (
        is_claim_alone and facts.generation == shot.generations[provider]
    )
    if not is_as_listed and not shot.still_matches(client, provider):
        found.append('%s does not match the request any more' % host)
    return found
