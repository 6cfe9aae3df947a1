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

"""Which of two choices is the better one, as one number each.

A rank folds the criteria into a whole number, the first one uppermost, so
that ranks can be compared and, for choices that are made together, added.
Lower wins:

1. victims that are younger than the protected age;
2. the cost, in millionths;
3. the number of victims;
4. the resources freed beyond need, in millionths of what is asked for.

So a host with room, whose rank is zero, wins over any host with victims.

What still ties is decided by the cloud's own weighers, and then by uuid.
"""

import math

from opie.preemption import cost

# Far more than the sum of any criterion over all victims of a plan.
_BITS = 96


def fold(young=0, millionths=0, count=0, surplus=0):
    """Return the rank of a choice; all criteria are whole numbers."""
    rank = young
    for criterion in (millionths, count, surplus):
        rank = (rank << _BITS) + criterion
    return rank


def rank_of_bound(millionths, count):
    """Return the rank of a cost and a number of victims, quickly."""
    return ((millionths << _BITS) + count) << _BITS


def rank_of_server(server, its_cost, freed):
    """Return what a server adds to the rank of a choice.

    :param freed: see :func:`freed_by`.
    """
    return fold(
        young=int(its_cost.is_young(server)),
        millionths=its_cost.millionths(server),
        count=1,
        surplus=freed,
    )


def rank_of_choice(servers, its_cost, needed, scale):
    """Return the rank of evicting some servers of one host.

    :param needed: resource class to what is missing on the host.
    :param scale: see :func:`scale_of`.
    """
    if not servers:
        return 0
    freed = sum(freed_by(server, scale) for server in servers)
    return sum(
        rank_of_server(server, its_cost, 0) for server in servers
    ) + fold(
        surplus=max(0, freed - _millionths(needed, scale)),
    )


def scale_of(host, resources):
    """Return resource class to the amount that counts as one of it.

    What is asked for is counted in preemptors' needs, and what is freed of
    other classes in shares of the host.
    """
    return {
        name: resources.get(name) or max(1, inventory.total)
        for name, inventory in host.inventories.items()
    }


def freed_by(server, scale):
    """Return what a server frees, in millionths of the scale."""
    return _millionths(server.held, scale)


def _millionths(amounts, scale):
    return sum(
        math.ceil(amount) * cost.MILLIONTHS // scale[name]
        for name, amount in amounts.items()
    )
