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

"""Which servers must go so that placement would propose something.

What is proposed if all of them were gone includes all that is proposed if only
some are.  So each of these proposals has a shortfall, of some classes on some
providers, and the servers that make up for it are a covering problem; see
cover.py.  The least of all covers is the choice.

A server frees what it holds, on each provider where it holds something.  What
stays reserved when it goes, as a device that is used once does, is no part of
the capacity, so nothing is freed there.
"""

from collections.abc import Callable
from collections.abc import Sequence
import math
import typing

from opie.preemption import cover
from opie.preemption import shortfall
from opie.preemption.trees import asked
from opie.preemption.trees import proposals
from opie.preemption.trees import providers

# (provider, resource class).
_Row = tuple[str, str]
Lacking = dict[_Row, int]

# How many proposals of one request are looked at; trees of a cloud's hosts
# have far less that differ in what is taken.
_MOST_PROPOSALS = 20_000


class PotentialVictim(typing.NamedTuple):
    """A server that may be evicted.

    :ivar held: what it holds, on providers within the forest or beyond.
    :ivar key: what evicting it costs, from zero; lower wins.
    """

    uuid: str
    held: providers.Allocations
    key: int


class Choice(typing.NamedTuple):
    """Victims, none where there is room, and what is proposed without them.

    :ivar victims: each of them has to go for this proposal.
    :ivar is_least: whether no other choice has a lesser sum of keys.
    """

    victims: tuple[PotentialVictim, ...]
    proposal: proposals.Proposal
    is_least: bool

    @property
    def key(self) -> int:
        """What evicting all of them costs."""
        return sum(server.key for server in self.victims)


def lacking(forest: providers.Forest, proposal: proposals.Proposal) -> Lacking:
    """Return what is missing for a proposal; empty where there is room."""
    missing = {}
    for uuid, name, amount in proposal.taken:
        inventory = forest.providers[uuid].inventories[name]
        over = math.ceil(amount - inventory.free)
        if over > 0:
            missing[uuid, name] = over
    return missing


def choose(
    forest: providers.Forest,
    request: asked.Request,
    servers: Sequence[PotentialVictim],
    rules: Sequence[shortfall.Rule] = (),
    most_victims: int | None = None,
    is_search_over: Callable[[], bool] = lambda: False,
    max_nodes: int = cover.DEFAULT_MAX_NODES,
) -> Choice | None:
    """Choose the victims of least key that make room for a request.

    :param forest: the trees as they are, with all the servers there.
    :param rules: so many of certain servers have to go in any case.
    :param most_victims: how many may go, None for any number.
    :param is_search_over: tells whether to end with the best that is found.
    :param max_nodes: how long to search for one cover; see cover.py.
    :returns: None if no set of victims makes room, or none is small enough,
        or none was found in time.
    """
    search = _Search(forest, servers, rules)
    is_least = search.gather(request, is_search_over)
    best: Choice | None = None
    for bound, missing, proposal in search.by_bound():
        if best and bound >= best.key:
            break
        if best and is_search_over():
            is_least = False
            break
        covered = search.cover(
            missing, max_nodes, most_victims, is_search_over
        )
        if covered is None:
            continue
        is_least &= covered.is_least
        if covered.chosen is not None:
            chosen = tuple(servers[index] for index in covered.chosen)
            choice = Choice(chosen, proposal, True)
            if best is None or choice.key < best.key:
                best = choice
    return best and best._replace(is_least=is_least)


class _Search:
    """What is missing for each proposal, and the covers of that."""

    def __init__(
        self,
        forest: providers.Forest,
        servers: Sequence[PotentialVictim],
        rules: Sequence[shortfall.Rule],
    ) -> None:
        self._forest = forest
        self._servers = servers
        self._rules = rules
        # Each different shortfall once, with one of its proposals.
        self._found: dict[frozenset[tuple[_Row, int]], proposals.Proposal] = {}
        self._holders: dict[_Row, frozenset[int]] = {}

    def gather(
        self, request: asked.Request, is_search_over: Callable[[], bool]
    ) -> bool:
        """Look at all proposals; return whether none was left out."""
        without = self._forest.without(server.held for server in self._servers)
        found = proposals.propose_takings(without, request)
        for number, proposal in enumerate(found):
            if number == _MOST_PROPOSALS or (number and is_search_over()):
                return False
            missing = lacking(self._forest, proposal)
            self._found.setdefault(frozenset(missing.items()), proposal)
        return True

    def by_bound(self) -> list[tuple[int, Lacking, proposals.Proposal]]:
        """Return (bound, shortfall, proposal), the least bound first."""
        bounded = [
            (self._bound(dict(missing)), dict(missing), proposal)
            for missing, proposal in self._found.items()
        ]
        return sorted(bounded, key=lambda item: item[0])

    def _bound(self, missing: Lacking) -> int:
        """Return a key that no set of victims is below.

        Some server that holds some of a row has to go for it.  Rows that have
        no server in common take one each.
        """
        keys = sorted(
            (
                (min(self._servers[at].key for at in self._of(row)), row)
                for row in missing
            ),
            reverse=True,
        )
        bound = 0
        counted: set[int] = set()
        for key, row in keys:
            if counted.isdisjoint(self._of(row)):
                counted |= self._of(row)
                bound += key
        return bound

    def _of(self, row: _Row) -> frozenset[int]:
        """Return the indexes of the servers that hold some of a row."""
        if row not in self._holders:
            self._holders[row] = frozenset(
                index
                for index, server in enumerate(self._servers)
                if _holds(server, row)
            )
        return self._holders[row]

    def cover(
        self,
        missing: Lacking,
        max_nodes: int,
        most_victims: int | None,
        is_search_over: Callable[[], bool],
    ) -> cover.Cover | None:
        """Return the least cover of a shortfall and the rules."""
        holds = [
            (
                *(_holds(server, row) for row in missing),
                *(int(server.uuid in rule.uuids) for rule in self._rules),
            )
            for server in self._servers
        ]
        return cover.least_cover(
            [server.key for server in self._servers],
            holds,
            (*missing.values(), *(rule.number for rule in self._rules)),
            max_nodes,
            most_victims,
            is_search_over,
        )


def _holds(server: PotentialVictim, row: _Row) -> int:
    uuid, name = row
    return server.held.get(uuid, {}).get(name, 0)
