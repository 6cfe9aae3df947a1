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

"""What one host lacks for some preemptors, and which servers make up for it.

Only resources count here.  What they ask for is a covering problem, whose
exact optimum cover.py finds.
"""

import collections.abc
import functools
import math
import typing

from opie.preemption import amounts
from opie.preemption import cover
from opie.preemption import model
from opie.preemption import ranks


class Rule(typing.NamedTuple):
    """So many of the servers have to go."""

    uuids: frozenset[str]
    number: int


class Shortfall:
    """The shortfall of one host."""

    def __init__(self, host: model.Host, demand: amounts.Demand) -> None:
        self.host = host
        self.demand = demand

    def why_unfit(self) -> str | None:
        """Return why the host cannot hold one preemptor at all, or None."""
        inventories = self.host.inventories
        for name, amount in sorted(self.demand.resources.items()):
            inventory = inventories.get(name)
            if inventory is None:
                return 'no inventory of %s' % name
            if inventory.is_closed:
                return 'over its capacity of %s' % name
            if not inventory.is_unit(amount):
                return 'its units of %s do not allow the amount' % name
        return None

    def missing(
        self, victims: collections.abc.Collection[model.Server] = ()
    ) -> dict[str, float]:
        """Return resource class to what is missing once victims are gone.

        A class of which nothing is missing is left out.  The amounts are
        fractions where the host's capacity is one.
        """
        missing = {}
        for name, amount in self.demand.total.items():
            freed = amounts.of_class(name, [one.held for one in victims])
            over = amount - freed - self.host.figures.free(name)
            if over > 0:
                missing[name] = over
        return missing

    def why_short(
        self, victims: collections.abc.Collection[model.Server]
    ) -> str | None:
        """Return why there is no room once victims are gone, or None."""
        return self._why_missing(self.missing(victims))

    def why_too_small(self) -> str | None:
        """Return why there is no room without any potential victim, or None.

        The figures of the host tell what all of them hold together.
        """
        classes = self.host.figures.classes
        return self._why_missing(
            [
                name
                for name, amount in self.demand.total.items()
                if amount - classes[name].most_freed[-1] - classes[name].free
                > 0
            ]
        )

    def _why_missing(
        self, names: collections.abc.Collection[str]
    ) -> str | None:
        if not names:
            return None
        which = 'preemptible servers'
        if self.host.has_excluded:
            which = 'those that may be evicted'
        return self.host.why_protected or 'not enough %s even without %s' % (
            ', '.join(sorted(names)),
            which,
        )

    @functools.cached_property
    def servers(self) -> tuple[model.Server, ...]:
        """The servers that may be evicted for the preemptors, by uuid.

        A claim writes all anew that a victim keeps for a while.  So placement
        has to accept again what no preemptor takes of it, and units may have
        changed since then.
        """
        inventories = self.host.inventories
        return tuple(
            sorted(
                (
                    server
                    for server in self.host.potential_victims
                    if self.demand.its_cost.may_evict(server)
                    and all(
                        inventories[name].is_unit(amount)
                        for name, amount in server.held.items()
                        if name not in self.demand.resources
                    )
                ),
                key=lambda server: server.uuid,
            )
        )

    def rank(self, victims: collections.abc.Sequence[model.Server]) -> int:
        """Return the rank of a choice; see ranks.py.

        By a hopeful estimate the rank is a bound, but for what is freed in
        vain: with a bound of that, all hosts of equal cost would be read.
        """
        return self._ranking.rank_of_choice(victims, self.missing())

    def key(self, victims: collections.abc.Iterable[model.Server]) -> int:
        """Return a number by which sets of servers are in order.

        Of sets of one rank, that with the smaller uuid wins, where the uuids
        of both are compared in order and the first difference counts.
        """
        return sum(self._keys[server.uuid] for server in victims)

    def least_victims(
        self,
        servers: tuple[model.Server, ...],
        rules: collections.abc.Sequence[Rule],
        max_nodes: int,
        is_search_over: collections.abc.Callable[[], bool],
    ) -> tuple[tuple[model.Server, ...] | None, bool]:
        """Choose the set of least key that resources and rules allow.

        :param servers: all of them together are such a set.
        :param max_nodes: how long to search; see cover.py.
        :param is_search_over: tells whether to end with what is found.
        :returns: the set, None if no set is small enough, and whether it is
            certain that no other one is better.
        """
        needs = self._needs
        holds = [
            (
                *(server.held.get(name, 0) for name in needs),
                *(int(server.uuid in rule.uuids) for rule in rules),
            )
            for server in servers
        ]
        found = cover.least_cover(
            [self._keys[server.uuid] for server in servers],
            holds,
            (*needs.values(), *(rule.number for rule in rules)),
            max_nodes,
            self.demand.most_victims,
            is_search_over,
        )
        # All of them together cover what is needed.
        assert found is not None
        if found.chosen is None:
            return None, found.is_least
        return tuple(servers[index] for index in found.chosen), found.is_least

    @functools.cached_property
    def _ranking(self) -> ranks.Ranking:
        return ranks.Ranking(
            self.host, self.demand.resources, self.demand.its_cost
        )

    @functools.cached_property
    def _needs(self) -> dict[str, int]:
        return {
            name: math.ceil(amount) for name, amount in self.missing().items()
        }

    @functools.cached_property
    def _keys(self) -> dict[str, int]:
        size = len(self.servers)
        return {
            server.uuid: (self._ranking.rank_of_server(server) << size)
            - (1 << (size - 1 - index))
            for index, server in enumerate(self.servers)
        }
