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

"""The candidates: hosts with the victims that each of them would take.

A candidate begins as a bound and is refined in stages.  Each stage is dearer
to reach than the one before, so only a candidate that can still win is refined
any further.
"""

import collections.abc
import enum
import typing

from opie.preemption import amounts
from opie.preemption import cost
from opie.preemption import estimates
from opie.preemption import host_search
from opie.preemption import live_cloud
from opie.preemption import model
from opie.preemption import victims


class Stage(enum.IntEnum):
    """How far a candidate is refined."""

    BOUND = 0  # its rank is a bound
    CHOSEN = 1  # its victims are those that resources ask for
    READ = 2  # and its host was read, so that is true
    ACCEPTED = 3  # and the cloud's filters accept its victims


class Candidate(typing.NamedTuple):
    """A host that would take a number of preemptors; the least one is best.

    The fields stand in the order in which candidates are compared.

    :ivar needs_reading: whether the host seems too small by an estimate, so
        that nothing is known of it before it is read.
    :ivar rank: see ranks.py; a bound of it in the first stage, and zero where
        the host needs reading.
    :ivar read_at: when a host that needs reading was read last, else zero.
    :ivar provider: the host's provider.
    :ivar stage: how far the candidate is refined.
    :ivar number: how many preemptors the host would take.
    :ivar victims: servers ordered by uuid, None before they are chosen.
    :ivar taking: what the preemptor takes if the request is spread, once the
        victims are chosen.
    """

    needs_reading: bool
    rank: int
    read_at: float
    provider: str
    stage: Stage
    number: int
    victims: tuple[model.Server, ...] | None = None
    taking: model.Taking | None = None

    @property
    def key(self) -> tuple[bool, int]:
        """What is compared first; equal keys are a tie."""
        return self.needs_reading, self.rank


def needing_reading(host: model.Host, number: int) -> Candidate:
    """Return the candidate of a host that seems too small."""
    return Candidate(
        True, 0, host.read_at, host.provider, Stage.CHOSEN, number
    )


class Refiner:
    """Takes candidates to their next stages; :meth:`begin` comes first.

    :ivar hosts: provider to host, as given, and as it is now where it was
        read.
    :ivar estimates: which of them are believed.
    """

    def __init__(
        self,
        request: model.Request,
        hosts: dict[str, model.Host],
        its_cost: cost.Cost,
        cloud: live_cloud.LiveCloud,
    ) -> None:
        self._request = request
        self._cost = its_cost
        self._cloud = cloud
        self.hosts: dict[str, model.Host | model.Unfit] = dict(hosts)
        self.estimates = estimates.Estimates(request.resources, cloud)
        self._search = host_search.HostSearch(request, cloud)

    def begin(self, nominations: tuple[model.Nomination, ...]) -> None:
        """Take nominations for granted."""
        self._search.answers.begin(nominations)
        # The hosts with all nominated preemptors on them.
        self._with_nominations: dict[str, model.Host] = {}
        for provider in {one.provider for one in nominations}:
            here = [one for one in nominations if one.provider == provider]
            self._with_nominations[provider] = self.untouched(provider).after(
                [server for one in here for server in one.victims],
                amounts.total(one.takes(self._request) for one in here),
            )
        self._demands: dict[int, amounts.Demand] = {}

    @property
    def is_least(self) -> bool:
        """Whether no search was given up."""
        return not self._search.effort.is_exceeded

    def with_nominations(self) -> dict[str, model.Host | model.Unfit]:
        """Return provider to host, with all nominated preemptors on them."""
        return {**self.hosts, **self._with_nominations}

    def untouched(self, provider: str) -> model.Host:
        """Return a host as it is without this plan's nominations.

        Its servers are all there.  Only hosts that can serve are asked for.
        """
        host = self.hosts[provider]
        assert isinstance(host, model.Host)
        return host

    def demand(self, number: int) -> amounts.Demand:
        """Return what so many preemptors ask for."""
        if number not in self._demands:
            self._demands[number] = amounts.Demand(
                self._request.resources,
                number,
                self._cost,
                self._request.most_victims,
            )
        return self._demands[number]

    def choose(self, candidate: Candidate) -> Candidate | model.Unfit:
        """Take a candidate to CHOSEN, or to READ if its host was read."""
        provider = candidate.provider
        host = self._with_nominations.get(provider, self.hosts[provider])
        if self.estimates.is_unknown(host) or self._is_unread_tree(host):
            # There is nothing to choose by.
            return candidate._replace(stage=Stage.CHOSEN)
        if isinstance(host, model.Unfit):
            return host
        chosen = self._search.by_resources(host, self.demand(candidate.number))
        if isinstance(chosen, model.Unfit):
            if self.estimates.is_worth_reading(host):
                return needing_reading(host, candidate.number)
            return chosen
        is_read = provider in self.estimates.read_providers
        return _refined(
            candidate, Stage.READ if is_read else Stage.CHOSEN, chosen
        )

    def _is_unread_tree(self, host: model.Host | model.Unfit) -> bool:
        return (
            self._request.is_spread
            and isinstance(host, model.Host)
            and host.takings is None
        )

    def why_unread(self, candidate: Candidate) -> model.Unfit:
        """Return why a host is unfit that seems too small and is not read."""
        host = self.untouched(candidate.provider)
        chosen = self._search.by_resources(
            self._with_nominations.get(candidate.provider, host),
            self.demand(candidate.number),
        )
        assert isinstance(chosen, model.Unfit)
        return chosen

    def read(self, providers: list[str]) -> None:
        """Have the cloud read hosts, and take them as they are now."""
        answers = self._cloud.read(tuple(providers))
        self._take(answers)
        self.estimates.note_refusals(
            sum(isinstance(host, model.Unfit) for host in answers.values())
        )

    def rule_out(self, providers: collections.abc.Iterable[str]) -> None:
        """Take hosts as read that filters refuse in any case."""
        self._take(self.estimates.unfit_ones(providers))

    def _take(
        self, answers: collections.abc.Mapping[str, model.Host | model.Unfit]
    ) -> None:
        self.estimates.read_providers.update(answers)
        self.hosts.update(answers)

    def ask_filters(self, candidate: Candidate) -> Candidate | model.Unfit:
        """Take a candidate to the stage ACCEPTED."""
        provider = candidate.provider
        untouched = self.untouched(provider)
        assert candidate.victims is not None
        chosen = self._search.by_filters(
            self._with_nominations.get(provider, untouched),
            self.demand(candidate.number),
            untouched,
            victims.Choice(
                candidate.rank, candidate.victims, candidate.taking
            ),
        )
        if isinstance(chosen, model.Unfit):
            self.estimates.note_refusals(1)
            return chosen
        return _refined(candidate, Stage.ACCEPTED, chosen)


def _refined(
    candidate: Candidate, stage: Stage, chosen: victims.Choice
) -> Candidate:
    return Candidate(
        False,
        chosen.rank,
        0.0,
        candidate.provider,
        stage,
        candidate.number,
        chosen.victims,
        chosen.taking,
    )
