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


"""What is right, by definition and by trying everything.

Nothing in here calls the core: it reads its values and does its own sums, the
way placement does them.
"""

import itertools


def capacity(inventory):
    """Return what may be allocated.  Source: placement's documentation."""
    return (inventory.total - inventory.reserved) * inventory.allocation_ratio


def is_valid_unit(inventory, amount):
    return (
        amount >= inventory.min_unit
        and amount <= inventory.max_unit
        and amount % inventory.step_size == 0
    )


def held_by(servers, name):
    return sum(server.held.get(name, 0) for server in servers)


def fits(host, resources, gone, number=1):
    """Tell whether a number of preemptors fits once the servers are gone."""
    for name, amount in resources.items():
        inventory = host.inventories.get(name)
        if inventory is None or not is_valid_unit(inventory, amount):
            return False
        used = inventory.used - held_by(gone, name)
        if used + amount * number > capacity(inventory):
            return False
    return True


def subsets(servers):
    return itertools.chain.from_iterable(
        itertools.combinations(servers, size)
        for size in range(len(servers) + 1)
    )


def uuids(servers):
    return frozenset(server.uuid for server in servers)


def can_serve(host, resources, accepts):
    """Tell whether any set of victims makes room for one preemptor."""
    return any(
        fits(host, resources, gone)
        and accepts(host.uuid, uuids(gone), ()) is None
        for gone in subsets(host.potential_victims)
    )


def most_that_fit(host, resources, gone):
    """Return how many preemptors fit once the servers are gone."""
    number = 0
    while fits(host, resources, gone, number + 1):
        number += 1
    return number


def is_split(inventory, held, wanted):
    """Tell whether placement would accept any split of a single victim.

    :param held: what the victim holds of the class.
    :param wanted: what the preemptor takes of it altogether.
    """
    free = max(0, capacity(inventory) - inventory.used)
    return any(
        wanted - part <= free
        and (part == held or is_valid_unit(inventory, held - part))
        for part in range(min(held, wanted) + 1)
    )
