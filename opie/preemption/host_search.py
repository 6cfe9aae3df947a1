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

"""The victims of one host for one request, as far as they have to be known.

What a preemptor takes may be one of several takings of the host's tree.  The
choice is made for each of them, and the best one counts.
"""

import collections.abc

from opie.preemption import amounts
from opie.preemption import efforts
from opie.preemption import filter_answers
from opie.preemption import live_cloud
from opie.preemption import model
from opie.preemption import victims

NO_TAKING = model.Unfit(
    'its tree of providers cannot serve all groups of the request, even '
    'without preemptible servers'
)

_Found = victims.Choice | model.Unfit


class HostSearch:
    """Chooses victims for one request, host by host.

    :ivar answers: the :class:`filter_answers.FilterAnswers` of the request.
    :ivar effort: what may be spent.
    """

    def __init__(
        self, request: model.Request, cloud: live_cloud.LiveCloud
    ) -> None:
        self.answers = filter_answers.FilterAnswers(request, cloud)
        self.effort = efforts.Effort(cloud.is_search_over)

    def by_resources(self, host: model.Host, demand: amounts.Demand) -> _Found:
        """Choose the victims that resources alone ask for."""
        if host.takings is None:
            return victims.choose_victims(
                host, demand, _NoFilters(), self.effort
            )
        found = _least(_by_taking(host, host.takings, demand, self.effort))
        if isinstance(found, model.Unfit):
            return _of_the_first(host, found)
        return found

    def by_filters(
        self,
        host: model.Host,
        demand: amounts.Demand,
        untouched: model.Host,
        chosen: victims.Choice,
    ) -> _Found:
        """Choose the victims that have to be gone, leaving servers as well.

        :param untouched: the host as it is without this plan's nominations.
        :param chosen: the victims that resources alone ask for.
        """
        answers = self._answers_on(untouched, demand, chosen.taking)
        try:
            if answers.why_unacceptable(chosen.victims) is not None:
                found = self._choose_otherwise(host, demand, untouched)
                if isinstance(found, model.Unfit):
                    return _of_the_first(host, found)
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
    ) -> _Found:
        """Choose the victims that filters accept.

        Of several takings, those that would cost least are tried first.
        """
        if host.takings is None:
            answers = self._answers_on(untouched, demand, None)
            return victims.choose_victims(host, demand, answers, self.effort)
        bounds = sorted(
            (
                one
                for one in _by_taking(host, host.takings, demand, self.effort)
                if isinstance(one, victims.Choice)
            ),
            key=lambda one: one.rank,
        )
        refused: list[victims.Choice] = []
        found = self._best_of(host, demand, untouched, bounds, refused)
        if isinstance(found, model.Unfit) and refused:
            # Some filters want a server to stay.
            found = _least(
                (found, self._best_of(host, demand, untouched, refused))
            )
        return found

    def _best_of(
        self,
        host: model.Host,
        demand: amounts.Demand,
        untouched: model.Host,
        bounds: collections.abc.Iterable[victims.Choice],
        refused: list[victims.Choice] | None = None,
    ) -> _Found:
        """Choose the victims that filters accept, of some takings.

        :param bounds: what resources alone ask for, the least rank first.
        :param refused: gets those takings that filters refuse even with all
            servers gone, which are not tried then.  One question tells that.
        """
        found: _Found = NO_TAKING
        for bound in bounds:
            if isinstance(found, victims.Choice) and bound.rank >= found.rank:
                break
            assert bound.taking is not None
            answers = self._answers_on(untouched, demand, bound.taking)
            if refused is not None and answers.why_filters_refuse(
                host.potential_victims
            ):
                refused.append(bound)
                continue
            new = victims.choose_victims(
                host, demand.of(bound.taking.amounts), answers, self.effort
            )
            if isinstance(new, victims.Choice):
                new = new._replace(taking=bound.taking)
            found = _least((found, new))
        return found


class _NoFilters:
    """Answers of filters that let everything pass."""

    def why_unacceptable(self, victims: tuple[model.Server, ...]) -> None:
        return None

    why_filters_refuse = why_unacceptable


def _by_taking(
    host: model.Host,
    takings: collections.abc.Iterable[model.Taking],
    demand: amounts.Demand,
    effort: efforts.Effort,
) -> collections.abc.Iterator[_Found]:
    """Yield what resources ask for, taking by taking."""
    if host.has_more_takings:
        effort.is_exceeded = True
    has_choice = False
    for taking in takings:
        if has_choice and effort.is_search_over():
            effort.exceed()
            break
        found = victims.choose_victims(
            host, demand.of(taking.amounts), _NoFilters(), effort
        )
        if isinstance(found, victims.Choice):
            found = found._replace(taking=taking)
            has_choice = True
        yield found


def _of_the_first(host: model.Host, unfit: model.Unfit) -> model.Unfit:
    """Return a reason that tells whether there are takings left to try."""
    if not host.has_more_takings or unfit is model.CUT_SHORT:
        return unfit
    return model.Unfit(
        '%s, for the first %d ways to serve all groups of the request'
        % (unfit.reason, len(host.takings or ()))
    )


def _least(
    some: collections.abc.Iterable[_Found],
) -> _Found:
    """Return the choice of least rank, or why there is none."""
    best: _Found = NO_TAKING
    for one in some:
        if isinstance(one, model.Unfit):
            best = one if best is NO_TAKING else best
        elif isinstance(best, model.Unfit) or one.rank < best.rank:
            best = one
    return best
