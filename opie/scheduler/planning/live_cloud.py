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

Hosts are looked at a few at a time, and only those that can still win; the
planner says which.
"""

from opie.preemption import model
from opie.scheduler import errors
from opie.scheduler.placement import client as placement
from opie.scheduler.placement import providers
from opie.scheduler.planning import filter_trial
from opie.scheduler.planning import host_values


def check_all_answered(silent):
    """Give up if a cell does not answer, before it is asked anything else.

    A database that hangs is waited for as long as nova does, a minute, and
    again for each question.

    :param silent: uuids of the cells that did not answer.
    :raises errors.SilentCells: if there are any.
    """
    if silent:
        raise errors.SilentCells(silent)


class NovaCloud:
    """A :class:`model.LiveCloud` for one request.

    :param context: an elevated context.
    :param spec: the RequestSpec, as nova's request filters left it.
    :param request: the :class:`model.Request` that was made from it.
    :param computes: provider uuid to :class:`computes.Compute`.
    :param sources: a :class:`snapshot.Sources`.
    :param excluded: uuids of servers that are to be no victims.
    :param protected: a :class:`protection.Protection`.
    :ivar states: provider uuid to host state, of the hosts looked at.
    :ivar facts: provider uuid to :class:`providers.ProviderFacts`, likewise.
    :ivar has_changed: whether a host changed while it was looked at, so that
        another plan may find it in order.
    """

    def __init__(
        self, context, spec, request, computes, sources, excluded, protected
    ):
        self._context = context
        self._spec = spec
        self._computes = computes
        self._sources = sources
        self._excluded = excluded
        self._protected = protected
        self.states = {}
        self.facts = {}
        self.has_changed = False
        self._filters = filter_trial.FilterTrial(
            spec.obj_clone(), request, self.states, sources.host_manager
        )

    def read(self, uuids):
        """See :class:`model.LiveCloud`.

        :raises errors.NoRoomMade: if a cell does not answer, or the time is
            over.
        :raises placement.PlacementError: if placement cannot be read.
        """
        self._sources.deadline.check()
        states, in_migration = self._read_states(uuids)
        passing, reasons = self._filter(states)
        excluded = self._excluded | in_migration
        answers = {}
        for uuid in uuids:
            if uuid in passing:
                answers[uuid] = self._host(passing[uuid], excluded)
            else:
                reason = reasons.get(uuid, 'nova has no such compute node')
                answers[uuid] = model.Unfit(reason)
        self.states.update(passing)
        return answers

    def why_refused(self, provider, gone, nominations):
        """See :class:`model.LiveCloud`.

        :raises errors.TooLate: if the time is over.
        """
        self._sources.deadline.check()
        return self._filters(provider, gone, nominations)

    def rank_by_weight(self, uuids):
        """See :class:`model.LiveCloud`."""
        weighed = self._sources.host_manager.get_weighed_hosts(
            [self.states[uuid] for uuid in uuids], self._spec
        )
        weights = sorted({item.weight for item in weighed}, reverse=True)
        return {item.obj.uuid: weights.index(item.weight) for item in weighed}

    def select(self, plan):
        """Return a list with one Selection for each nomination of a plan."""
        return self._filters.select(plan)

    def _read_states(self, uuids):
        """Return (uuid to state, uuids of servers in migration)."""
        manager = self._sources.host_manager
        states, silent = manager.states_and_silent_cells(
            self._context,
            uuids,
            self._spec,
            {self._computes[uuid].cell_uuid for uuid in uuids},
        )
        check_all_answered(silent)
        check_all_answered(manager.load_preemptibles(states))
        in_migration, silent = manager.servers_in_migration(states)
        check_all_answered(silent)
        return {state.uuid: state for state in states}, in_migration

    def _filter(self, states):
        """Return (states of hosts that may pass, reasons of the others).

        A host may pass if it does with all its preemptible servers gone, or
        as it is: some filters ask for a server that must stay.  Hosts that
        would pass only in between, for two filters that want opposite things,
        are left out.
        """
        manager = self._sources.host_manager
        emptied = [
            state.without({server.uuid for server in state.preemptibles})
            for state in states.values()
        ]
        passing, why = manager.filter_hosts(emptied, self._spec)
        kept = {state.uuid for state in passing}
        refused = [state for uuid, state in states.items() if uuid not in kept]
        if refused:
            as_is, _ = manager.filter_hosts(
                [state.without(()) for state in refused], self._spec
            )
            kept |= {state.uuid for state in as_is}
        reasons = {
            uuid: why.get(
                (state.host, state.nodename), 'its compute service is down'
            )
            for uuid, state in states.items()
        }
        kept = {uuid for uuid in kept if self._sources.is_up(states[uuid])}
        return (
            {uuid: state for uuid, state in states.items() if uuid in kept},
            reasons,
        )

    def _host(self, state, excluded):
        try:
            facts = self.facts[state.uuid] = self._sources.providers.read(
                self._sources.placement, state.uuid
            )
        except (placement.ErrorResponse, providers.Unstable):
            self.has_changed = True
            return model.Unfit('its resource provider goes or changes')
        return host_values.known(
            state.uuid,
            facts,
            state.preemptibles,
            excluded,
            self._protected.projects,
            self._protected.why_protected(state.host),
        )
