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

"""Which hosts nova's filters refuse, as far as that is seen without reading.

All hosts are asked about at once, by states that are kept; see
known_states.py.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection

from opie.preemption import model
from opie.scheduler import host_parts
from opie.scheduler import host_state
from opie.scheduler.nova_db import cells
from opie.scheduler.planning import cloud_snapshot
from opie.scheduler.planning import host_filters
from opie.scheduler.planning import inputs
from opie.scheduler.planning import planned
from opie.scheduler.planning import protection
from opie.scheduler.planning import requirements

_States = dict[str, host_state.HostState]

# Of so many victims, filters are not asked about each number.
_MANY_VICTIMS = 16


class UnreadHosts:
    """The hosts of one snapshot, as they are known without being read."""

    def __init__(
        self, worker: inputs.Worker, shared: cloud_snapshot.CloudSnapshot
    ) -> None:
        self._worker = worker
        self._shared = shared

    def may_go(self, state: host_state.HostState) -> set[str]:
        """Return the uuids of the servers that may be gone from a host."""
        may_go = self._shared.protected.may_go(
            state.host, state.preemptibles or ()
        )
        return may_go.union(self._shared.leaving_on(state.uuid))

    def why_unfit(
        self,
        required: requirements.Requirements,
        providers: Collection[str],
        first: str,
        is_time_over: Callable[[], bool],
    ) -> dict[str, model.Unfit]:
        """Return provider to why its host is unfit, of those that are.

        :param first: the name of the filter to ask first.
        :param is_time_over: tells whether to leave out the hosts whose states
            are not kept.
        :raises errors.SilentCells: if a cell does not answer.
        """
        # The state of a host that changes is more than what nova's record and
        # its victims tell; see cloud_snapshot.py.
        changing = self._shared.changing_providers
        states = self._worker.states.of(
            self._worker.host_manager,
            required.context,
            {
                provider: self._shared.nodes[provider]
                for provider in providers
                if provider not in changing
            },
            is_time_over,
        )
        self._read_parts(required, states)
        reasons = host_filters.why_unfit(
            self._worker,
            required.spec,
            states,
            lambda uuid: [planned.candidate(uuid, required.request)],
            lambda uuid: self._without(
                states[uuid], self.may_go(states[uuid])
            ),
            lambda uuid: self._without(states[uuid], ()),
            first,
        )
        unfit = {uuid: model.Unfit(why) for uuid, why in reasons.items()}
        most = required.request.most_victims
        if most is not None:
            left = {
                uuid: state
                for uuid, state in states.items()
                if uuid not in unfit
            }
            unfit.update(self._unfit_by_limit(required, left, most))
        return unfit

    def _read_parts(
        self, required: requirements.Requirements, states: _States
    ) -> None:
        """Read what servers take of PCI devices, if that is asked for.

        What they take of NUMA cells is dear for many hosts, so all of a cell
        may become free.
        """
        manager = self._worker.host_manager
        if not manager.may_ask_about_parts(required.spec):
            return
        for state in states.values():
            state.parts = host_parts.HostParts(None)
        if host_parts.asked_devices(required.spec):
            silent = manager.load_parts(states.values(), with_cells=False)
            cells.check_all_answered(silent)

    def _unfit_by_limit(
        self,
        required: requirements.Requirements,
        states: _States,
        most_victims: int,
    ) -> dict[str, model.Unfit]:
        """Return those hosts that filters refuse with so few victims gone.

        :param states: provider to state, of hosts that may pass with all gone.
        """
        may_go: dict[str, list[str]] = {}
        most: dict[str, int] = {}
        for uuid, state in states.items():
            gone = sorted(self.may_go(state))
            number = most_victims + self._number_free(state)
            if number < min(len(gone), _MANY_VICTIMS):
                may_go[uuid], most[uuid] = gone, number
        too_many = host_filters.with_too_few_gone(
            self._worker.host_manager,
            required.spec,
            states,
            most,
            lambda uuid, number: self._without(
                states[uuid], may_go[uuid][:number]
            ),
        )
        return dict.fromkeys(too_many, model.Unfit.by_limit(most_victims))

    def _number_free(self, state: host_state.HostState) -> int:
        """Return how many servers may be gone that are no victims."""
        free = set(self._shared.leaving_on(state.uuid))
        free.update(
            server.uuid
            for server in state.preemptibles or ()
            if protection.costs_nothing(server)
        )
        return len(free)

    def _without(
        self, state: host_state.HostState, gone: Collection[str]
    ) -> host_state.HostState:
        return state.without(gone, self._shared.records_leaving(state.uuid))
