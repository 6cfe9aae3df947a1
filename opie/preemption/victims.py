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

Resources alone make it a covering problem; see shortfall.py.  The cloud's
filters have the last word.  A set of victims that they refuse teaches a rule,
that another server has to go as well, and the problem is solved again with
that rule.  So the choice stays exact for filters that want certain servers
gone, or a number of them, and for those that want one to stay.  A set is never
larger than needed: with any one of its victims left, the request would no
longer fit.  Leaving servers count as gone; those needed join the victims last.
"""

import typing

from opie.preemption import amounts
from opie.preemption import efforts
from opie.preemption import model
from opie.preemption import shortfall

# How many rules are learnt from filters before the choice is made by leaving
# one server after the other, which is no longer exact.
_MAX_RULES = 16


class Answers(typing.Protocol):
    """Answers about one host; see :class:`filter_answers.HostAnswers`."""

    def why_unacceptable(
        self, victims: tuple[model.Server, ...]
    ) -> str | None: ...

    def why_filters_refuse(
        self, victims: tuple[model.Server, ...]
    ) -> str | None: ...


class Choice(typing.NamedTuple):
    """Victims ordered by uuid, none where there is room, and their rank.

    :ivar taking: what the preemptor takes if its request is spread.
    """

    rank: int
    victims: tuple[model.Server, ...]
    taking: model.Taking | None = None

    def with_leaving(self, leaving: tuple[model.Server, ...]) -> 'Choice':
        """Return this choice with leaving servers, which add to its rank."""
        victims = sorted(self.victims + leaving, key=lambda one: one.uuid)
        return self._replace(
            rank=self.rank + len(leaving), victims=tuple(victims)
        )


def choose_victims(
    host: model.Host,
    demand: amounts.Demand,
    answers: Answers,
    effort: efforts.Effort,
) -> Choice | model.Unfit:
    """Choose the victims of least rank on one host.

    :param answers: what the cloud's filters say of the host.
    :param effort: is told if it is exceeded.
    """
    search = _HostSearch(shortfall.Shortfall(host, demand), answers, effort)
    chosen = search.run()
    if isinstance(chosen, model.Unfit):
        return chosen
    return Choice(search.shortfall.rank(chosen), chosen)


class _HostSearch:
    """The search on one host."""

    def __init__(
        self,
        lacking: shortfall.Shortfall,
        answers: Answers,
        effort: efforts.Effort,
    ) -> None:
        self.shortfall = lacking
        self._answers = answers
        self._effort = effort

    def run(self) -> tuple[model.Server, ...] | model.Unfit:
        """Return the victims of least rank."""
        reason = self.shortfall.why_unfit()
        if reason:
            return model.Unfit(reason)
        if self._why_not(()) is None:
            return ()
        servers = self.shortfall.servers
        reason = self._why_not(servers)
        if reason is None:
            chosen = [self._least(servers)]
        else:
            chosen = self._least_with_one_kept(servers)
            if not chosen:
                return model.Unfit(reason)
        few_enough = [victims for victims in chosen if victims]
        if not few_enough and self._effort.is_search_over():
            # There may be so few, but there is no time to find them.
            return model.CUT_SHORT
        if not few_enough:
            return model.Unfit.by_limit(
                self.shortfall.demand.most_victims or 0
            )
        return min(few_enough, key=self.shortfall.key)

    def _least_with_one_kept(
        self, servers: tuple[model.Server, ...]
    ) -> list[tuple[model.Server, ...] | None]:
        """Return what may go if one of the servers stays, whichever it is.

        Some filters want a server to stay: affinity to a group or to a named
        server.  One that stays is enough for each of them.
        """
        chosen: list[tuple[model.Server, ...] | None] = []
        for kept in servers:
            if any(chosen) and self._effort.is_search_over():
                self._effort.exceed()
                break
            others = tuple(other for other in servers if other is not kept)
            if self._why_not(others) is None:
                chosen.append(self._least(others))
        return chosen

    def _why_not(self, victims: tuple[model.Server, ...]) -> str | None:
        """Return why the request does not fit with victims gone, or None."""
        return self.shortfall.why_short(
            victims
        ) or self._answers.why_unacceptable(victims)

    def _least(
        self, servers: tuple[model.Server, ...]
    ) -> tuple[model.Server, ...] | None:
        """Return the victims among servers that may all be gone.

        None if they would be more than may go.
        """
        rules: list[shortfall.Rule] = []
        while len(rules) < _MAX_RULES:
            chosen, is_least = self.shortfall.least_victims(
                servers,
                rules,
                self._effort.max_nodes,
                self._effort.is_search_over,
            )
            if not is_least:
                self._effort.exceed()
            if chosen is None:
                return None
            if self._answers.why_unacceptable(chosen) is None:
                return self._reprieve(chosen) if rules else chosen
            rule = self._rule(servers, chosen)
            if not rule.uuids:
                # A filter that changes its mind has nothing to teach.
                break
            rules.append(rule)
        self._effort.exceed()
        chosen = self._reprieve(servers)
        return chosen if self._are_few_enough(chosen) else None

    def _are_few_enough(self, victims: tuple[model.Server, ...]) -> bool:
        most = self.shortfall.demand.most_victims
        return most is None or len(victims) <= most

    def _rule(
        self,
        servers: tuple[model.Server, ...],
        refused: tuple[model.Server, ...],
    ) -> shortfall.Rule:
        """Return what a set of victims that was refused teaches.

        The set is grown as long as it is still refused, because the fewer are
        left the more the rule says.
        """
        gone = {server.uuid for server in refused}
        for server in servers:
            if self._effort.is_search_over():
                break
            if server.uuid in gone:
                continue
            grown = tuple(
                other
                for other in servers
                if other.uuid in gone or other is server
            )
            if self._answers.why_unacceptable(grown) is not None:
                gone.add(server.uuid)
        every_uuid = frozenset(server.uuid for server in servers)
        if self._is_about_number(servers, len(gone)):
            return shortfall.Rule(every_uuid, len(gone) + 1)
        return shortfall.Rule(every_uuid - gone, 1)

    def _is_about_number(
        self, servers: tuple[model.Server, ...], number: int
    ) -> bool:
        """Tell whether any so many servers are too few.

        Of all but one, each is asked about, because filters may want certain
        servers gone.  Otherwise the first and the last so many stand for all.
        The request need not fit without them, so that is not asked.
        """
        size, twice = len(servers), servers * 2
        firsts = range(size) if number == size - 1 else (0, size - number)
        return all(
            self._answers.why_filters_refuse(twice[at : at + number])
            for at in firsts
        )

    def _reprieve(
        self, chosen: tuple[model.Server, ...]
    ) -> tuple[model.Server, ...]:
        """Let servers stay, the dearest first, until each one must go."""
        victims = list(chosen)
        has_changed = True
        while has_changed:
            has_changed = False
            for server in sorted(
                victims, key=lambda one: -self.shortfall.key([one])
            ):
                fewer = tuple(one for one in victims if one is not server)
                if self._why_not(fewer) is None:
                    victims = list(fewer)
                    has_changed = True
        return tuple(sorted(victims, key=lambda server: server.uuid))
