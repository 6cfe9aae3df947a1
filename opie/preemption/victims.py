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

"""Which servers of one host must go so that a request fits: the cheapest.

Resources alone make it a covering problem, whose exact optimum is found in
cover.py.  The cloud's filters have the last word.  A set of victims that they
refuse teaches a rule, that somebody else has to go as well, and the problem is
solved again with it: so the choice stays exact for filters that want certain
servers gone, or a number of them, and for those that want one to stay.  A set
is never larger than needed: with any one of its victims spared, the request
would no longer fit.
"""

import math

from opie.preemption import bounds
from opie.preemption import cover
from opie.preemption import model
from opie.preemption import ranks

# How many rules are learnt from filters before the choice is left to sparing
# one server after the other, which is no longer exact.
_MAX_RULES = 16
# How long the least set is searched for, see cover.py: a few seconds at the
# most, and far more than servers of a cloud's flavors were seen to need.
_MAX_NODES = 5000
_FEW_NODES = 100


class Effort:
    """What may be spent on the choices of one plan.

    :ivar max_nodes: how long to search for a least set.
    :ivar is_exceeded: whether a search was given up, so that some choice may
        not be the least.
    """

    def __init__(self):
        self.max_nodes = _MAX_NODES
        self.is_exceeded = False

    def exceed(self):
        self.is_exceeded = True
        self.max_nodes = _FEW_NODES


def choose_victims(
    host,
    resources,
    number,
    cost,
    passes,
    effort=None,
    most_victims=None,
    filters=None,
):
    """Choose the victims of least rank on one host.

    :param host: a :class:`model.Host`.
    :param resources: resource class to what one preemptor takes.
    :param number: how many preemptors are to go there.
    :param cost: a :class:`cost.Cost`.
    :param passes: called with a tuple of servers that would be gone, returns
        None when the cloud's filters let the host pass then, or the reason
        why they do not.
    :param effort: an :class:`Effort`, which is told if it is exceeded.
    :param most_victims: how many may go, None for any number.
    :param filters: as passes, for servers without which the request does not
        fit as well; passes if it does not matter to that.
    :returns: a tuple of servers ordered by uuid, empty when the request fits
        as it is; or a :class:`model.Unfit`.
    """
    reason = bounds.why_unfit(host, resources)
    if reason:
        return model.Unfit(reason)
    choice = _Choice(
        host,
        resources,
        number,
        cost,
        passes,
        effort or Effort(),
        most_victims,
        filters or passes,
    )
    if choice.why_not(()) is None:
        return ()
    servers = choice.servers
    reason = choice.why_not(servers)
    if reason is None:
        return choice.least(servers) or model.Unfit(
            bounds.too_many(most_victims)
        )
    # Some filters want a server to stay: affinity to a group or to a named
    # server.  One that stays is enough for each of them.
    chosen = [
        choice.least(others)
        for others in (
            tuple(other for other in servers if other is not kept)
            for kept in servers
        )
        if choice.why_not(others) is None
    ]
    if not chosen:
        return model.Unfit(reason)
    few_enough = list(filter(None, chosen))
    if not few_enough:
        return model.Unfit(bounds.too_many(most_victims))
    return min(few_enough, key=choice.key)


class _Choice:
    """The search on one host."""

    def __init__(
        self,
        host,
        resources,
        number,
        cost,
        passes,
        effort,
        most_victims,
        filters,
    ):
        self._host = host
        self._effort = effort
        self._most_victims = most_victims
        self._resources = resources
        self._number = number
        self._passes = passes
        self._filters = filters
        self.servers = tuple(
            sorted(
                filter(cost.may_evict, host.potential_victims),
                key=lambda server: server.uuid,
            )
        )
        missing = bounds.shortfall(host, resources, number)
        self._needs = {
            name: math.ceil(amount) for name, amount in missing.items()
        }
        scale = ranks.scale_of(host, resources)
        # Of sets of one rank, the one whose first uuid that the other does
        # not have is the smaller wins.
        last = len(self.servers) - 1
        self._keys = {
            server.uuid: (
                ranks.rank_of_server(
                    server, cost, ranks.freed_by(server, scale)
                )
                << len(self.servers)
            )
            - (1 << (last - index))
            for index, server in enumerate(self.servers)
        }

    def key(self, servers):
        return sum(self._keys[server.uuid] for server in servers)

    def why_not(self, servers):
        """Return why the request does not fit with servers gone, or None."""
        missing = bounds.shortfall(
            self._host, self._resources, self._number, servers
        )
        if missing:
            return bounds.too_small(self._host, missing)
        return self._passes(servers)

    def least(self, servers):
        """Return the victims among servers that may all be gone.

        None if they would be more than may go.
        """
        rules = []
        while len(rules) < _MAX_RULES:
            chosen = self._cover(servers, rules)
            if chosen is None:
                return None
            if self._passes(chosen) is None:
                return self._reprieve(chosen) if rules else chosen
            rule = self._rule(servers, chosen)
            if not rule[0]:
                # A filter that changes its mind has nothing to teach.
                break
            rules.append(rule)
        self._effort.exceed()
        chosen = self._reprieve(servers)
        return chosen if self._are_few_enough(chosen) else None

    def _are_few_enough(self, servers):
        return self._most_victims is None or len(servers) <= self._most_victims

    def _cover(self, servers, rules):
        """Return the best set that resources and rules allow, or None."""
        holds = [
            (
                *(server.held.get(name, 0) for name in self._needs),
                *(int(server.uuid in uuids) for uuids, _ in rules),
            )
            for server in servers
        ]
        found = cover.least_cover(
            [self._keys[server.uuid] for server in servers],
            holds,
            (*self._needs.values(), *(number for _, number in rules)),
            self._effort.max_nodes,
            self._most_victims,
        )
        if not found.is_least:
            self._effort.exceed()
        if found.chosen is None:
            return None
        return tuple(servers[index] for index in found.chosen)

    def _rule(self, servers, refused):
        """Return (uuids, how many of them have to go).

        The set that was refused is grown as long as it is still refused, for
        the fewer are left the more the rule says.
        """
        gone = {server.uuid for server in refused}
        for server in servers:
            if server.uuid in gone:
                continue
            grown = tuple(
                other
                for other in servers
                if other.uuid in gone or other is server
            )
            if self._passes(grown) is not None:
                gone.add(server.uuid)
        everyone = frozenset(server.uuid for server in servers)
        if self._is_about_number(servers, len(gone)):
            return everyone, len(gone) + 1
        return everyone - gone, 1

    def _is_about_number(self, servers, number):
        """Tell whether so many are too few, whoever they are.

        It takes the first and the last of them for all: those have little in
        common.  The request need not fit without them, so that is not asked.
        """
        return all(
            self._filters(some) is not None
            for some in (servers[:number], servers[len(servers) - number :])
        )

    def _reprieve(self, victims):
        """Spare servers, the dearest first, until none can be spared."""
        victims = list(victims)
        is_spared = True
        while is_spared:
            is_spared = False
            for server in sorted(
                victims, key=lambda one: -self._keys[one.uuid]
            ):
                fewer = tuple(
                    other for other in victims if other is not server
                )
                if self.why_not(fewer) is None:
                    victims = list(fewer)
                    is_spared = True
        return tuple(sorted(victims, key=lambda server: server.uuid))
