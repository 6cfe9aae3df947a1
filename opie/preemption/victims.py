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

"""Which servers of one host must go so that a request fits.

Remove every potential victim and check; if the request fits then, spare as
many of them as possible.  A set of victims is never larger than needed: with
any one of them spared, the request would no longer fit.

Source: the reprieve of kube-scheduler's preemption.
"""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Refusal:
    """Why a host cannot serve a request, with or without victims."""

    reason: str


def shortfall(host, resources, victims=()):
    """Return what is missing on a host once the victims are gone.

    :param resources: resource class to amount wanted.
    :returns: resource class to the amount missing, more than zero; a class
        of which nothing is missing is left out.  The amounts are fractions
        where the host's capacity is one.
    """
    missing = {}
    for name, amount in resources.items():
        inventory = host.inventories[name]
        freed = sum(server.held.get(name, 0) for server in victims)
        over = inventory.used - freed + amount - inventory.capacity
        if over > 0:
            missing[name] = over
    return missing


def choose_victims(host, resources, cost, passes):
    """Choose the victims on one host.

    :param host: a :class:`model.Host`.
    :param resources: resource class to amount wanted on it.
    :param cost: a :class:`cost.Cost`.
    :param passes: called with a tuple of servers that would be gone, returns
        None when the cloud's filters let the host pass then, or the reason
        why they do not.
    :returns: a tuple of servers ordered by uuid, empty when the request fits
        as it is; or a :class:`Refusal`.
    """
    reason = _unfit(host, resources)
    if reason:
        return Refusal(reason)

    def why_not(servers):
        missing = shortfall(host, resources, servers)
        return _too_small(missing) if missing else passes(servers)

    if why_not(()) is None:
        return ()
    for start in _starts(host.potential_victims):
        refused = why_not(start)
        if refused is None:
            return _spare_most(
                start, shortfall(host, resources), cost, why_not
            )
        reason = reason or refused
    return Refusal(reason)


def _spare_most(start, missing, cost, why_not):
    def key(servers):
        return cost.of_all(servers), len(servers), _uuids(servers)

    return min(
        (
            _reprieve(start, order, why_not)
            for order in _orders(start, missing, cost)
        ),
        key=key,
    )


def _unfit(host, resources):
    for name, amount in sorted(resources.items()):
        if name not in host.inventories:
            return 'no inventory of %s' % name
        if not host.inventories[name].is_unit(amount):
            return 'its units of %s do not allow the amount' % name
    return None


def _too_small(missing):
    return 'not enough %s even without preemptible servers' % ', '.join(
        sorted(missing)
    )


def _starts(servers):
    """Yield the sets to begin with: everybody, then everybody but one.

    Some filters want a server to stay: affinity to a group or to a named
    server.  One that stays is enough for each of them.
    """
    servers = tuple(sorted(servers, key=lambda server: server.uuid))
    yield servers
    for kept in servers:
        yield tuple(server for server in servers if server is not kept)


def _orders(servers, missing, cost):
    """Return the orders in which to try to spare servers.

    Neither is always the better one: sparing the dearest first can leave many
    small victims where a single large one would do.
    """

    def part_of_need(server):
        # The sum of fsum does not depend on the order of the classes.
        return math.fsum(
            min(1.0, server.held.get(name, 0) / amount)
            for name, amount in missing.items()
        )

    def dearest_first(server):
        return -cost.of(server), part_of_need(server), server.uuid

    def smallest_first(server):
        return part_of_need(server), -cost.of(server), server.uuid

    return sorted(servers, key=dearest_first), sorted(
        servers, key=smallest_first
    )


def _reprieve(start, order, why_not):
    """Spare servers in the given order until none can be spared any more."""
    victims = list(start)
    spared = True
    while spared:
        spared = False
        for server in order:
            if server not in victims:
                continue
            fewer = tuple(other for other in victims if other is not server)
            if why_not(fewer) is None:
                victims = list(fewer)
                spared = True
    return tuple(sorted(victims, key=lambda server: server.uuid))


def _uuids(servers):
    return tuple(sorted(server.uuid for server in servers))
