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

"""The least that a host could cost, from its figures alone.

A bound is never more than the true cost.  Hosts are visited in its order, so
those whose bound is more than the best plan are never looked at closely.
"""

import bisect

from opie.preemption import model
from opie.preemption import ranks


def why_unfit(host, resources):
    """Return why a host cannot hold one preemptor at all, or None."""
    inventories = host.inventories
    for name, amount in resources.items():
        inventory = inventories.get(name)
        if inventory is None:
            return 'no inventory of %s' % name
        if not inventory.is_unit(amount):
            return 'its units of %s do not allow the amount' % name
    return None


def least_rank(host, resources, number, cost):
    """Return a rank that the host's is not below, or a Refusal.

    :param host: a :class:`model.Host`.
    :param resources: resource class to what one preemptor takes.
    :param number: how many preemptors are to go there.
    :param cost: a :class:`cost.Cost`.
    """
    reason = why_unfit(host, resources)
    if reason:
        return model.Refusal(reason)
    figures = host.figures
    count = 0
    for name, amount in resources.items():
        missing = number * amount - figures.free[name]
        if missing <= 0:
            continue
        freed = figures.most_freed.get(name, (0,))
        if missing > freed[-1]:
            missing = shortfall(
                host, resources, number, host.potential_victims
            )
            return model.Refusal(too_small(missing))
        count = max(count, bisect.bisect_left(freed, missing) + 1)
    if not count:
        return 0
    return ranks.fold(
        beyond=int(cost.is_gain),
        millionths=cost.floor_millionths(figures, count),
        count=count,
    )


def shortfall(host, resources, number=1, victims=()):
    """Return what is missing on a host once the victims are gone.

    :param resources: resource class to what one preemptor takes.
    :param number: how many preemptors are to go there.
    :returns: resource class to the amount missing, more than zero; a class
        of which nothing is missing is left out.  The amounts are fractions
        where the host's capacity is one.
    """
    missing = {}
    for name, amount in resources.items():
        freed = sum(server.held.get(name, 0) for server in victims)
        over = number * amount - freed - host.figures.free[name]
        if over > 0:
            missing[name] = over
    return missing


def too_small(missing):
    """Return the reason of a host that has too little of some classes."""
    return 'not enough %s even without preemptible servers' % ', '.join(
        sorted(missing)
    )
