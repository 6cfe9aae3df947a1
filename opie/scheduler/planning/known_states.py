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

"""The states of many hosts at once, at little cost.

nova makes a host state from a record that is dear to read.  Here the states
are kept, and made anew where the record has changed.  What changes all the
time without the record is taken from where it is cheap: whether the compute
services are up, the aggregates and the preemptible servers.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Set
import copy
import datetime
import time
import typing

from nova import context as nova_context
from oslo_utils import timeutils

from opie.scheduler import host_manager as host_managers
from opie.scheduler import host_state
from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.nova_db import compute_services

_Nodes = Mapping[str, compute_nodes.Compute]

# A record may change again within the second that its time tells, and clocks
# differ.  Within this time after a change a state is not kept.
_MARGIN = datetime.timedelta(seconds=15)
# For how long a state is kept, because a message that tells of a server can
# get lost.
_MOST_SECONDS = 1800
# How many states are read at a time.
_MOST_AT_ONCE = 200


class _Kept(typing.NamedTuple):
    """A state.

    :ivar changed_at: when its record had changed last.
    :ivar read_at: when it was read, naive and in UTC.
    :ivar read_seconds: the monotonic time of that.
    """

    state: host_state.HostState
    changed_at: datetime.datetime | None
    read_at: datetime.datetime
    read_seconds: float

    def is_of(self, node: compute_nodes.Compute) -> bool:
        """Tell whether the state is that of a record as it is now."""
        return (
            self.changed_at is not None
            and self.changed_at == node.changed_at
            and self.read_at - self.changed_at > _MARGIN
            and time.monotonic() - self.read_seconds < _MOST_SECONDS
        )


class KnownStates:
    """The host states of one scheduler worker."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def forget_all_but(self, uuids: Set[str]) -> None:
        """Forget the hosts of compute nodes that nova has no more."""
        for uuid in self._kept.keys() - uuids:
            del self._kept[uuid]

    def of(
        self,
        host_manager: host_managers.HostManager,
        context: nova_context.RequestContext,
        nodes: _Nodes,
        is_time_over: Callable[[], bool],
    ) -> dict[str, host_state.HostState]:
        """Return provider to state, of many hosts.

        :param nodes: the compute nodes, as they were read a moment ago.
        :param is_time_over: tells whether to leave out the hosts whose states
            are not kept.
        :raises errors.SilentCells: if a cell does not answer.
        """
        unknown = self._unknown(nodes)
        while unknown and not is_time_over():
            some, unknown = unknown[:_MOST_AT_ONCE], unknown[_MOST_AT_ONCE:]
            self._learn(host_manager, context, some, nodes)
        known = nodes.keys() - set(unknown)
        return self._now(
            host_manager,
            {uuid: node for uuid, node in nodes.items() if uuid in known},
        )

    def read_ahead(
        self, host_manager: host_managers.HostManager, nodes: _Nodes
    ) -> None:
        """Read some of the states that are not kept, before a request waits.

        :raises errors.SilentCells: if a cell does not answer.
        """
        unknown = self._unknown(nodes)[:_MOST_AT_ONCE]
        if unknown:
            context = nova_context.get_admin_context()
            self._learn(host_manager, context, unknown, nodes)

    def _unknown(self, nodes: _Nodes) -> list[str]:
        return [
            uuid
            for uuid, node in nodes.items()
            if uuid not in self._kept or not self._kept[uuid].is_of(node)
        ]

    def _learn(
        self,
        host_manager: host_managers.HostManager,
        context: nova_context.RequestContext,
        uuids: Iterable[str],
        nodes: _Nodes,
    ) -> None:
        """Read the states of some compute nodes."""
        some = sorted(uuids)
        read_at, read_seconds = timeutils.utcnow(), time.monotonic()
        states, silent = host_manager.states_and_silent_cells(
            context, some, None, {nodes[uuid].cell_uuid for uuid in some}
        )
        cells.check_all_answered(silent)
        for state in states:
            if state.uuid in nodes:
                self._kept[state.uuid] = _Kept(
                    state, nodes[state.uuid].changed_at, read_at, read_seconds
                )

    def _now(
        self, host_manager: host_managers.HostManager, nodes: _Nodes
    ) -> dict[str, host_state.HostState]:
        """Return provider to state, of those that are kept."""
        services, silent = compute_services.states(host_manager.enabled_cells)
        cells.check_all_answered(silent)
        # Copies, because other threads change them as aggregates change.
        aggregates = dict(host_manager.aggs_by_id)
        ids_of_hosts = dict(host_manager.host_aggregates_map)
        states = {}
        for uuid, node in nodes.items():
            service = services.get((node.cell_uuid, node.host))
            if uuid in self._kept and service:
                state = states[uuid] = copy.copy(self._kept[uuid].state)
                state.service = {**state.service, **service}
                ids = aggregates.keys() & ids_of_hosts.get(node.host, ())
                state.aggregates = [aggregates[one] for one in ids]
                state.preemptibles = host_manager.index.on(
                    node.cell_uuid, node.host, node.hypervisor_hostname
                )
        return states
