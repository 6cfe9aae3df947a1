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

"""How much of each victim's resources each preemptor takes.

Between the claim and the end of its eviction a victim still runs, so what it
holds is split: the preemptor takes a share of it, and the rest stays allocated
to the victim so that no other request can have it.  A preemptor takes all it
can from its victims and only the remainder from the host's free capacity.
Then the claim needs no more capacity than the host has given up already,
others may use what is free meanwhile, and giving everything back always fits.
"""

import collections.abc
import math

from opie.preemption import amounts
from opie.preemption import model


def share_out(
    host: model.Host,
    victims: collections.abc.Sequence[model.Server],
    wanted: collections.abc.Mapping[str, model.Amounts],
) -> dict[str, dict[str, dict[str, int]]] | None:
    """Split the victims of one host among the preemptors nominated to it.

    :param host: the host as it is before any server is gone.
    :param victims: the servers that will be gone; the preemptors fit then.
    :param wanted: preemptor uuid to what it takes on the host; the first takes
        first.
    :returns: victim uuid to preemptor uuid to resource class to amount, where
        every victim has at least one preemptor, if only with nothing taken;
        None when placement's units do not allow what would be left allocated
        to a victim.
    """
    taken: dict[str, dict[str, int]] = {server.uuid: {} for server in victims}
    for name, amount in amounts.total(wanted.values()).items():
        parts = _taken_of_class(host.inventories[name], name, victims, amount)
        if parts is None:
            return None
        for uuid, part in parts.items():
            taken[uuid][name] = part
    return _split(taken, wanted)


def _taken_of_class(
    inventory: model.Inventory,
    name: str,
    victims: collections.abc.Sequence[model.Server],
    by_all: int,
) -> dict[str, int] | None:
    """Return victim uuid to the amount taken, or None if units forbid it.

    :param by_all: what all preemptors take of the class.
    """
    remaining = by_all
    parts = {}
    for server in sorted(
        victims, key=lambda server: (-server.held.get(name, 0), server.uuid)
    ):
        held = server.held.get(name, 0)
        part = _most_that_leaves_a_unit(inventory, held, remaining)
        if part is None:
            return None
        parts[server.uuid] = part
        remaining -= part
    free = inventory.free
    from_free = by_all if free >= by_all else math.floor(max(0, free))
    return parts if remaining <= from_free else None


def _most_that_leaves_a_unit(
    inventory: model.Inventory, held: int, most: int
) -> int | None:
    """Return how much to take so that placement accepts what is left.

    :param most: what the preemptors still need.
    """
    if most >= held:
        return held
    step = inventory.step_size
    least_left = max(held - most, inventory.min_unit)
    left = -(-least_left // step) * step
    if left > held:
        # Nothing can be taken in part; the server keeps what it holds.
        left = held
    return held - left if inventory.is_unit(left) else None


def _split(
    taken: dict[str, dict[str, int]],
    wanted: collections.abc.Mapping[str, model.Amounts],
) -> dict[str, dict[str, dict[str, int]]]:
    """Attribute what was taken to the preemptors, each up to its need."""
    needs = {preemptor: dict(some) for preemptor, some in wanted.items()}
    shares = {}
    for uuid, parts in sorted(taken.items()):
        share: dict[str, dict[str, int]] = {}
        for name, amount in parts.items():
            for preemptor in wanted:
                part = min(amount, needs[preemptor].get(name, 0))
                if part:
                    share.setdefault(preemptor, {})[name] = part
                    needs[preemptor][name] -= part
                    amount -= part
        shares[uuid] = share or {next(iter(wanted)): {}}
    return shares
