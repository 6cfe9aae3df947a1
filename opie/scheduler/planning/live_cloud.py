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

"""The cloud that the planner asks about: nova and placement, as they are now.

Hosts are read a few at a time, and only those that can still win; the planner
says which.
"""

import collections
from collections.abc import Collection
from collections.abc import Mapping
import dataclasses
import typing

import nova.conf

from opie.preemption import host_search
from opie.preemption import model
from opie.preemption.trees import asked as asked_of_trees
from opie.scheduler import host_state
from opie.scheduler import waiting
from opie.scheduler.placement import client as placement
from opie.scheduler.placement import provider_trees
from opie.scheduler.placement import providers as placement_providers
from opie.scheduler.planning import cloud_snapshot
from opie.scheduler.planning import filter_trial
from opie.scheduler.planning import host_filters
from opie.scheduler.planning import host_values
from opie.scheduler.planning import inputs
from opie.scheduler.planning import leaving
from opie.scheduler.planning import old_places
from opie.scheduler.planning import planned
from opie.scheduler.planning import requirements
from opie.scheduler.planning import rivals
from opie.scheduler.planning import takings
from opie.scheduler.planning import unread_hosts

CONF = nova.conf.CONF

_States = dict[str, host_state.HostState]

_NO_NODE = 'nova has no such compute node'
_CHANGES = 'its resource provider goes or changes'


class NovaCloud:
    """A :class:`live_cloud.LiveCloud` for one plan.

    :param required: what the request asks for.
    :param shared: the snapshot of the turn, which reads the hosts.
    :param excluded: uuids of servers that are to be no victims, and not to be
        waited for; besides those that other preemptions evict.
    :param excluded_providers: provider to why its host is left out.
    :ivar states: provider to host state, of the hosts that were read
        until now.
    :ivar facts: provider to what placement has of it, likewise.
    :ivar trees: the same of whole trees, for a request spread over them.
    :ivar has_changed: whether a host changed while it was read, so that
        another plan may find it in order.
    """

    def __init__(
        self,
        sources: inputs.Sources,
        required: requirements.Requirements,
        shared: cloud_snapshot.CloudSnapshot,
        excluded: frozenset[str],
        excluded_providers: Mapping[str, str] | None = None,
    ) -> None:
        self._host_manager = sources.worker.host_manager
        self._sources = sources
        self._required = required
        self._shared = shared
        self._excluded = excluded
        self._excluded_providers = excluded_providers or {}
        self.states: _States = {}
        self.facts: dict[str, placement_providers.ProviderFacts] = {}
        self.trees: dict[str, provider_trees.TreeFacts] = {}
        self.has_changed = False
        # How often which filter has refused a host.
        self._reasons: collections.Counter[str] = collections.Counter()
        self._unread = unread_hosts.UnreadHosts(sources.worker, shared)
        seconds = CONF.opie.max_planning_seconds
        self._search_ends = waiting.Deadline.after(seconds / 2)
        self._planning_ends = waiting.Deadline.after(seconds)
        self._filters = filter_trial.FilterTrial(
            required.spec.obj_clone(),
            required.request,
            shared,
            self._host_manager,
        )

    def read(
        self, providers: tuple[str, ...]
    ) -> dict[str, model.Host | model.Unfit]:
        """See :class:`live_cloud.LiveCloud`.

        :raises errors.NoRoomMade: if a cell does not answer, or the time is
            over.
        :raises placement.PlacementError: if placement cannot be read.
        """
        self._sources.deadline.check()
        states, in_migration = self._shared.read_states(
            self._required.context, self._required.spec, providers
        )
        excluded = self._excluded | in_migration
        if self._required.asked:
            return self._read_trees(providers, states, excluded)
        reasons = self._why_unfit(states)
        passing = {
            uuid: state
            for uuid, state in states.items()
            if uuid not in reasons
        }
        self._shared.read_facts(self._sources.placement, passing)
        answers: dict[str, model.Host | model.Unfit] = {}
        for provider in providers:
            if provider in self._excluded_providers:
                reason = self._excluded_providers[provider]
                answers[provider] = model.Unfit(reason)
            elif provider in passing:
                answers[provider] = self._host(passing[provider], excluded)
            else:
                reason = reasons.get(provider, _NO_NODE)
                answers[provider] = model.Unfit(reason)
        self.states.update(passing)
        return answers

    def _why_unfit(
        self, states: _States, hosts: Mapping[str, model.Host] | None = None
    ) -> dict[str, str]:
        """Return provider to reason, of hosts that filters refuse for certain.

        They refuse such a host with its victims gone, and as it is.

        :param hosts: provider to host, of those whose trees were read.
        """

        def candidates_of(uuid: str) -> list[dict[str, typing.Any]]:
            host = hosts[uuid] if hosts else None
            return [
                planned.candidate(uuid, self._required.request, taking)
                for taking in (host and host.takings) or (None,)
            ]

        reasons = host_filters.why_unfit(
            self._sources.worker,
            self._required.spec,
            states,
            candidates_of,
            lambda uuid: self._shared.state_without(
                uuid, self._unread.may_go(states[uuid])
            ),
            lambda uuid: self._shared.state_without(uuid, ()),
        )
        self._reasons.update(reasons.values())
        return reasons

    def _read_trees(
        self,
        providers: tuple[str, ...],
        states: _States,
        excluded: frozenset[str],
    ) -> dict[str, model.Host | model.Unfit]:
        """Do the same as :meth:`read`, for a request spread over trees.

        Trees are read before the filters are asked, because some filters look
        at what would be taken of which provider.
        """
        asked = self._required.asked
        assert asked
        left = {
            uuid: state
            for uuid, state in states.items()
            if uuid not in self._excluded_providers
        }
        self._shared.read_trees(
            self._sources.placement, left, self._required.request.resources
        )
        answers: dict[str, model.Host | model.Unfit] = {}
        for provider in providers:
            if provider in self._excluded_providers:
                reason = self._excluded_providers[provider]
                answers[provider] = model.Unfit(reason)
            elif provider in left:
                answers[provider] = self._tree(left[provider], excluded, asked)
            else:
                answers[provider] = model.Unfit(_NO_NODE)
        hosts = {
            provider: host
            for provider, host in answers.items()
            if isinstance(host, model.Host)
        }
        passing = {provider: states[provider] for provider in hosts}
        for provider, reason in self._why_unfit(passing, hosts).items():
            answers[provider] = model.Unfit(reason)
            del passing[provider]
        self.states.update(passing)
        return answers

    def _tree(
        self,
        state: host_state.HostState,
        excluded: Collection[str],
        asked: asked_of_trees.Request,
    ) -> model.Host | model.Unfit:
        tree = self._shared.tree(state.uuid)
        if tree is None:
            lacking = self._sources.worker.hosts.trees.lacking(
                state.uuid, self._required.request.resources
            )
            if lacking:
                return model.Unfit(takings.why_lacking(lacking))
            self.has_changed = True
            return model.Unfit(_CHANGES)
        self.trees[state.uuid] = tree
        host = self._from_facts(state, tree.facts, excluded)
        self._sources.worker.hosts.unread_trees.note(host)
        host = takings.with_takings(host, tree, asked)
        return host if host.takings else host_search.NO_TAKING

    def with_free(self, some: model.Amounts) -> set[str]:
        """See :class:`live_cloud.LiveCloud`."""
        resources = ','.join(
            '%s:%d' % (name, amount) for name, amount in sorted(some.items())
        )
        query = [('resources', resources), *self._required.query]
        return {
            provider['uuid']
            for provider in self._sources.placement.providers(query)
        }

    def unfit_ones(self, providers: tuple[str, ...]) -> dict[str, model.Unfit]:
        """See :class:`live_cloud.LiveCloud`.

        :raises errors.NoRoomMade: if a cell does not answer.
        """
        if self._required.asked:
            # Some filters look at what would be taken of which provider.
            return {}
        return self._unread.why_unfit(
            self._required,
            providers,
            max(self._reasons, key=self._reasons.__getitem__, default=''),
            self.is_search_over,
        )

    def why_refused(
        self,
        provider: str,
        gone: frozenset[str],
        nominations: tuple[model.Nomination, ...],
        taking: model.Taking | None = None,
    ) -> str | None:
        """See :class:`live_cloud.LiveCloud`.

        :raises errors.TooLate: if the time is over.
        """
        self._sources.deadline.check()
        reason = self._filters.why_failed(provider, gone, nominations, taking)
        if reason:
            self._reasons[reason] += 1
        return reason

    def rank_by_weight(self, providers: tuple[str, ...]) -> dict[str, int]:
        """See :class:`live_cloud.LiveCloud`."""
        if self._required.request.tolerance:
            own = rivals.own_ones(
                providers, self._sources.worker.name, self._shared.rivals
            )
            return {provider: provider not in own for provider in providers}
        weighed = self._host_manager.get_weighed_hosts(
            [
                self._shared.state_without(provider, ())
                for provider in providers
            ],
            self._required.spec,
        )
        weights = sorted({item.weight for item in weighed}, reverse=True)
        return {item.obj.uuid: weights.index(item.weight) for item in weighed}

    def is_search_over(self) -> bool:
        """See :class:`live_cloud.LiveCloud`."""
        return self._search_ends.is_over

    def is_time_over(self) -> bool:
        """See :class:`live_cloud.LiveCloud`."""
        return self._planning_ends.is_over

    def leaving_of(self, plan: model.Plan) -> dict[str, leaving.LeavingServer]:
        """Return uuid to server, of those that a plan waits for."""
        found: dict[str, leaving.LeavingServer] = {}
        for provider, server in plan.victims:
            if server.is_leaving:
                here = self._shared.leaving_on(provider)
                found[server.uuid] = here[server.uuid]
        return found

    def select(self, plan: model.Plan) -> list[typing.Any]:
        """Return nova's Selection for each nomination of a plan."""
        return self._filters.select(plan)

    def _host(
        self, state: host_state.HostState, excluded: Collection[str]
    ) -> model.Host | model.Unfit:
        try:
            facts = self._shared.facts(self._sources.placement, state.uuid)
        except (placement.ErrorResponse, placement_providers.Unstable):
            self.has_changed = True
            return model.Unfit(_CHANGES)
        self.facts[state.uuid] = facts
        return self._from_facts(state, facts, excluded)

    def _from_facts(
        self,
        state: host_state.HostState,
        facts: placement_providers.ProviderFacts,
        excluded: Collection[str],
    ) -> model.Host:
        """Return a host by facts of placement, of its root or its tree."""
        servers = state.preemptibles or ()
        # What a migration holds of a tree is not split.
        number = len(self._required.request.preemptors)
        places = self._shared.old_places.on(state.uuid, number)
        if self._required.asked:
            places = ()
        victims = old_places.potential_victims(
            self._shared.protected,
            state.host,
            servers,
            places,
            self._shared.no_victims_on(state.uuid).union(excluded),
        )
        leaving = self._shared.leaving_on(state.uuid, excluded).values()
        host = host_values.host_from_facts(
            state.uuid,
            facts,
            victims,
            self._shared.protected.why_protected(state.host),
            leaving,
            state.failed_builds,
            places,
        )
        return dataclasses.replace(
            host,
            has_excluded=host_values.has_excluded(servers, victims, leaving),
        )
