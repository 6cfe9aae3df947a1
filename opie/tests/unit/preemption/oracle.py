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


"""The right answers, by definition and by trying everything.

No function here calls the planner.  They take the planner's values and do
their own sums, as placement does.  Only the cost of a single server comes from
the code under test.
"""

import dataclasses
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


def later(host):
    """Return a host as it will be when its leaving servers are gone."""
    return dataclasses.replace(
        host,
        inventories={
            name: dataclasses.replace(
                item, used=item.used - held_by(host.leaving, name)
            )
            for name, item in host.inventories.items()
        },
        leaving=(),
    )


def evicted(plan):
    """Return the servers that a plan has deleted."""
    return [server for _, server in plan.victims if not server.is_leaving]


def subsets(servers, most=None):
    """Return all subsets, or those of no more than so many."""
    largest = len(servers) if most is None else min(most, len(servers))
    return itertools.chain.from_iterable(
        itertools.combinations(servers, size) for size in range(largest + 1)
    )


def uuids(servers):
    return frozenset(server.uuid for server in servers)


def can_serve(host, resources, accepts):
    """Tell whether any set of victims makes room for one preemptor."""
    return any(
        fits(host, resources, gone)
        and accepts(host.provider, uuids(gone), ()) is None
        for gone in subsets(host.potential_victims + host.leaving)
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


def least(host, resources, its_cost, number=1, most=None):
    """Return what the best set of victims on one host costs, None if none.

    Leaving servers are gone before, and cost nothing.

    :param most: how many victims there may be, None for any number.
    :returns: (failed builds of the host, young victims, cost in millionths,
        victims) of the set that is the least in this order.
    """
    host = later(host)
    criteria = [
        _criteria(host, gone, its_cost)
        for gone in subsets(host.potential_victims, most)
        if fits(host, resources, gone, number)
        and _is_needed(host, resources, gone, number)
    ]
    return min(criteria, default=None)


def _is_needed(host, resources, gone, number):
    """Tell whether none of the servers could stay."""
    return not any(
        fits(
            host,
            resources,
            [other for other in gone if other is not one],
            number,
        )
        for one in gone
    )


def _criteria(host, gone, its_cost):
    return (
        its_cost.failed_builds(host) if gone else 0,
        sum(its_cost.is_young(server) for server in gone),
        sum(its_cost.millionths(server) for server in gone),
        len(gone),
    )


def least_accepted(host, resources, its_cost, accepts, most=None):
    """Return what the best set costs that filters accept; see least."""
    criteria = [
        _criteria(host, gone, its_cost)
        for gone in subsets(host.potential_victims, most)
        for left in subsets(host.leaving)
        if fits(host, resources, gone + left)
        and accepts(host.provider, uuids(gone + left), ()) is None
    ]
    return min(criteria, default=None)


def least_together(hosts, resources, its_cost, number):
    """Return what the best plan for several preemptors costs; see least."""
    options = [
        [(0, 0, 0, 0)]
        + [
            least(host, resources, its_cost, part)
            for part in range(1, number + 1)
        ]
        for host in hosts
    ]
    plans = []
    for parts in itertools.product(range(number + 1), repeat=len(hosts)):
        chosen = [
            of_host[part] for of_host, part in zip(options, parts, strict=True)
        ]
        if sum(parts) == number and None not in chosen:
            plans.append(tuple(map(sum, zip(*chosen, strict=True))))
    return min(plans, default=None)


def covers(holds, needs, items):
    """Tell whether items hold what is needed of every row."""
    return all(
        sum(holds[item][row] for item in items) >= need
        for row, need in enumerate(needs)
    )


def is_indispensable(holds, needs, items):
    """Tell whether without any one of the items the others do not cover."""
    return not any(
        covers(holds, needs, [other for other in items if other != item])
        for item in items
    )


def least_cover(keys, holds, needs, most=None):
    """Return the least sum of keys and the cover that has it, or None."""
    return min(
        (
            (sum(keys[item] for item in items), items)
            for items in subsets(range(len(keys)), most)
            if covers(holds, needs, items)
            and is_indispensable(holds, needs, items)
        ),
        default=None,
    )
