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

import collections.abc
import typing

from opie.preemption import amounts
from opie.preemption import filter_answers
from opie.preemption import live_cloud
from opie.preemption import model
from opie.preemption import shortfall

# How many rules are learnt from filters before the choice is made by leaving
# one server after the other, which is no longer exact.
_MAX_RULES = 16
# How long the least set is searched for, see cover.py: a few seconds at the
# most, and far more than servers of a cloud's flavors were seen to need.
_MAX_NODES = 5000
_FEW_NODES = 100

NO_TAKING = model.Unfit(
    'its tree of providers cannot serve all groups of the request, even '
    'without preemptible servers'
)


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


class VictimSearch:
    """Chooses victims for one request, host by host.

    :ivar answers: the :class:`filter_answers.FilterAnswers` of the request.
    :ivar effort: what may be spent.
    """

    def __init__(
        self, request: model.Request, cloud: live_cloud.LiveCloud
    ) -> None:
        self.answers = filter_answers.FilterAnswers(request, cloud)
        self.effort = Effort(cloud.is_search_over)

    def by_resources(
        self, host: model.Host, demand: amounts.Demand
    ) -> Choice | model.Unfit:
        """Choose the victims that resources alone ask for."""
        if host.takings is None:
            return choose_victims(host, demand, _NoFilters(), self.effort)
        return _least(by_taking(host, host.takings, demand, self.effort))

    def by_filters(
        self,
        host: model.Host,
        demand: amounts.Demand,
        untouched: model.Host,
        chosen: Choice,
    ) -> Choice | model.Unfit:
        """Choose the victims that have to be gone, leaving servers as well.

        :param untouched: the host as it is without this plan's nominations.
        :param chosen: the victims that resources alone ask for.
        """
        answers = self._answers_on(untouched, demand, chosen.taking)
        try:
            if answers.why_unacceptable(chosen.victims) is not None:
                found = self._choose_otherwise(host, demand, untouched)
                if isinstance(found, model.Unfit):
                    return found
                chosen = found
                answers = self._answers_on(untouched, demand, chosen.taking)
            return chosen.with_leaving(answers.leaving_for(chosen.victims))
        except filter_answers.TimeOver:
            return model.CUT_SHORT

    def _answers_on(
        self,
        untouched: model.Host,
        demand: amounts.Demand,
        taking: model.Taking | None,
    ) -> filter_answers.HostAnswers:
        return self.answers.on_host(untouched, demand.number, taking)

    def _choose_otherwise(
        self, host: model.Host, demand: amounts.Demand, untouched: model.Host
    ) -> Choice | model.Unfit:
        """Choose the victims that filters accept.

        Of several takings, those that would cost least are tried first.
        """
        if host.takings is None:
            answers = self._answers_on(untouched, demand, None)
            return choose_victims(host, demand, answers, self.effort)
        found: Choice | model.Unfit | None = None
        bounds = by_taking(host, host.takings, demand, self.effort)
        for bound in sorted(
            (one for one in bounds if isinstance(one, Choice)),
            key=lambda one: one.rank,
        ):
            if isinstance(found, Choice) and bound.rank >= found.rank:
                break
            assert bound.taking is not None
            answers = self._answers_on(untouched, demand, bound.taking)
            new = choose_victims(
                host, demand.of(bound.taking.amounts), answers, self.effort
            )
            if isinstance(new, Choice):
                new = new._replace(taking=bound.taking)
                found = new if found is None else _least([found, new])
            elif found is None:
                found = new
        return found or NO_TAKING


def _never() -> bool:
    return False


class Effort:
    """What may be spent on the choices of one plan.

    :ivar is_search_over: tells whether to end with what is found.
    :ivar max_nodes: how long to search for a least set.
    :ivar is_exceeded: whether a search was given up, so that some choice may
        not be the least.
    """

    def __init__(
        self, is_search_over: collections.abc.Callable[[], bool] = _never
    ) -> None:
        self.is_search_over = is_search_over
        self.max_nodes = _MAX_NODES
        self.is_exceeded = False

    def exceed(self) -> None:
        """Note that a search was given up, and let later ones be short."""
        self.is_exceeded = True
        self.max_nodes = _FEW_NODES


class _NoFilters:
    """Answers of filters that let everything pass."""

    def why_unacceptable(self, victims: tuple[model.Server, ...]) -> None:
        return None

    why_filters_refuse = why_unacceptable


def by_taking(
    host: model.Host,
    takings: collections.abc.Iterable[model.Taking],
    demand: amounts.Demand,
    effort: 'Effort',
) -> collections.abc.Iterator[Choice | model.Unfit]:
    """Yield what resources ask for, taking by taking."""
    for taking in takings:
        found = choose_victims(
            host, demand.of(taking.amounts), _NoFilters(), effort
        )
        if isinstance(found, Choice):
            found = found._replace(taking=taking)
        yield found


def _least(
    some: collections.abc.Iterable[Choice | model.Unfit],
) -> Choice | model.Unfit:
    """Return the choice of least rank, or why there is none."""
    best: Choice | model.Unfit = NO_TAKING
    for one in some:
        if isinstance(one, model.Unfit):
            best = one if best is NO_TAKING else best
        elif isinstance(best, model.Unfit) or one.rank < best.rank:
            best = one
    return best


def choose_victims(
    host: model.Host,
    demand: amounts.Demand,
    answers: Answers,
    effort: Effort,
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
        self, lacking: shortfall.Shortfall, answers: Answers, effort: Effort
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
