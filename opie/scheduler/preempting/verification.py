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
from collections.abc import Iterable
from collections.abc import Mapping

from opie.preemption import model
from opie.preemption import rows
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
    takes: Iterable[resources.Amounts],
) -> list[str]:
    """Return why a claim on a host must not stand; empty if it may.

    :param shot: what was planned on.
    :param victims: uuids of servers whose allocations do not count, because
        they will be gone.
    :param takes: what each preemptor on the host takes, row by row.
    """
    host = shot.node_names[provider]
    found: set[str] = set()
    are_as_read = True
    for uuid, names in _taken_of(provider, takes).items():
        generation, allocations = client.provider_allocations(uuid)
        read_at, inventories = _as_read(shot, provider, uuid)
        # Whether the claim is all that was written since the facts were read.
        is_claim_alone = generation == read_at + _RAISED_BY_A_CLAIM
        are_as_read = are_as_read and is_claim_alone
        used = resources.total(
            held
            for consumer, held in allocations.items()
            if consumer not in victims
        )
        if not is_claim_alone:
            _, raw = client.inventories(uuid)
            inventories = providers.inventories_of(raw, {})
        found.update(
            name
            for name in names
            if name not in inventories
            or used[name] > inventories[name].capacity
        )
    problems = [
        'over capacity: %s of %s' % (name, host) for name in sorted(found)
    ]
    # Whether the provider is still what placement has listed for the request,
    # but for the claim.
    generation, _ = _as_read(shot, provider, provider)
    is_as_listed = are_as_read and generation == shot.generations[provider]
    if not is_as_listed and not shot.still_matches(client, provider):
        problems.append('%s does not match the request any more' % host)
    return problems


def _taken_of(
    provider: str, takes: Iterable[resources.Amounts]
) -> dict[str, set[str]]:
    """Return provider to the classes that a claim takes of it.

    :param provider: of the host.
    """
    found: dict[str, set[str]] = {}
    for amounts in takes:
        allocations = rows.to_allocations(provider, amounts)
        for uuid, by_class in allocations.items():
            found.setdefault(uuid, set()).update(by_class)
    return found


def _as_read(
    shot: snapshot.Snapshot, host: str, provider: str
) -> tuple[int, Mapping[str, model.Inventory]]:
    """Return (generation, inventories) of a provider when it was read.

    :param host: the provider of its host.
    """
    tree = shot.cloud.trees.get(host)
    if tree is None:
        facts = shot.cloud.facts[host]
        return facts.generation, facts.inventories
    by_provider = rows.to_allocations(host, tree.facts.inventories)
    return tree.parts[provider].generation, by_provider[provider]
