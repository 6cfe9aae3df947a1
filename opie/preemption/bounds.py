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
    for name, amount in sorted(resources.items()):
        inventory = inventories.get(name)
        if inventory is None:
            return 'no inventory of %s' % name
        if not inventory.is_unit(amount):
            return 'its units of %s do not allow the amount' % name
    return None


def make_least_rank(resources, number, cost, most_victims=None):
    """Return a function of a host that its rank is not below.

    It is called for every host of a cloud, so it does not touch their
    servers, and what is the same for all hosts is done here.

    :param resources: resource class to what one preemptor takes.
    :param number: how many preemptors are to go to the host.
    :param cost: a :class:`cost.Cost`.
    :param most_victims: how many may go, None for any number.
    :returns: a function of a :class:`model.Host` that returns a rank, or a
        :class:`model.Unfit`.
    """
    wanted = [
        (name, amount, number * amount) for name, amount in resources.items()
    ]
    floor = cost.make_floor()
    rank_of_bound = ranks.rank_of_bound
    # What hosts that are alike need is counted once.
    counts = {False: {}, True: {}}

    def least_rank(host):
        figures = host.figures
        known = counts[host.is_unknown]
        key = id(figures.classes)
        if key in known:
            count = known[key]
        else:
            count = known[key] = _least_victims(
                figures.classes, wanted, host.is_unknown
            )
        if not count:
            return 0 if count == 0 else _refusal(host, resources, number)
        if most_victims is not None and count > most_victims:
            return model.Unfit(too_many(most_victims))
        return rank_of_bound(floor(figures, count), count)

    return least_rank


def _least_victims(classes, wanted, is_unknown):
    """Return how many victims a host needs at the least, None if too many.

    :param classes: resource class to :class:`figures.ClassFigures`.
    :param wanted: (resource class, what one preemptor takes, what all take).
    :param is_unknown: whether it may have other classes as well.
    """
    count = 0
    for name, amount, total in wanted:
        if name not in classes:
            if is_unknown:
                continue
            return None
        figures = classes[name]
        most = bisect.bisect_left(figures.most_freed, total - figures.free)
        if (
            not figures.min_unit <= amount <= figures.max_unit
            or amount % figures.step_size
            or most == len(figures.most_freed)
        ):
            return None
        count = max(count, most)
    return count


def _refusal(host, resources, number):
    reason = why_unfit(host, resources) or too_small(
        host, shortfall(host, resources, number, host.potential_victims)
    )
    return model.Unfit(reason)


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
        over = number * amount - freed - host.figures.free(name)
        if over > 0:
            missing[name] = over
    return missing


def too_small(host, missing):
    """Return the reason of a host that has too little of some classes."""
    return (
        host.why_protected
        or 'not enough %s even without preemptible servers'
        % ', '.join(sorted(missing))
    )


def too_many(most_victims):
    """Return the reason of a host that needs more victims than may go."""
    return 'more than %d victims would have to go' % most_victims
