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

"""nova's host manager, which also knows the preemptible servers of each host.

The host manager adds nothing to what nova does for an ordinary request unless
one of opie's weighers is enabled.  Then it brings its index of preemptible
servers up to date, with one query per cell.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
import contextlib
import copy
import dataclasses

from nova import context as nova_context
from nova import exception
from nova import objects
import nova.conf
from nova.scheduler import host_manager
from oslo_log import log as logging

import opie.conf
from opie.scheduler import filter_reasons
from opie.scheduler import host_parts
from opie.scheduler import host_state
from opie.scheduler.nova_db import cells as nova_cells
from opie.scheduler.nova_db import held_parts
from opie.scheduler.nova_db import index
from opie.scheduler.nova_db import instances
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.nova_db import user_bound
from opie.scheduler.weights import historic
from opie.scheduler.weights import preemptible

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

opie.conf.register_opts(CONF)

# Of more hosts than these, reading the services of all at once costs less than
# reading each.
_MOST_SINGLE_SERVICES = 16


class HostManager(host_manager.HostManager):
    """Host states with preemptible servers, and filters that give reasons.

    :ivar silent_cells: where to note the cells that did not answer, or None;
        set only in the copies that :meth:`states_and_silent_cells` makes.
    """

    silent_cells: list[str] | None = None

    def __init__(self) -> None:
        historic.honour_weight_classes()
        super().__init__()
        self.index = index.Index()

    def host_state_cls(self, host, node, cell, **kwargs):
        """Return the state of a host that is not known yet, for nova."""
        return host_state.HostState(host, node, cell)

    def get_weighed_hosts(self, hosts, spec_obj):
        """Weigh hosts as nova does, with what opie's weighers ask for."""
        hosts = list(hosts)
        if any(
            isinstance(weigher, preemptible.PreemptibleWeigher)
            for weigher in self.weighers
        ):
            self._load_for_weighers(hosts)
        return super().get_weighed_hosts(hosts, spec_obj)

    def _load_for_weighers(self, host_states):
        try:
            self.index.refresh(
                self.enabled_cells, CONF.opie.index_refresh_seconds
            )
        except Exception:
            # No boot fails because opie's weighers know no better.
            LOG.exception('Weighing with preemptible servers as they were.')
        for state in host_states:
            if state.preemptibles is None:
                state.preemptibles = self.index.on(
                    state.cell_uuid, state.host, state.nodename
                )

    def states_and_silent_cells(
        self,
        context: nova_context.RequestContext,
        compute_uuids: Sequence[str],
        spec_obj: objects.RequestSpec | None,
        cell_uuids: Collection[str],
    ) -> tuple[list[host_state.HostState], list[str]]:
        """Return (host states, uuids of the cells that did not answer).

        :param cell_uuids: the cells that the compute nodes are in.
        """
        own = copy.copy(self)
        own.silent_cells = []
        own.enabled_cells = [
            cell for cell in self.enabled_cells if cell.uuid in cell_uuids
        ]
        states = own.get_host_states_by_uuids(context, compute_uuids, spec_obj)
        return list(states), own.silent_cells

    def _get_computes_for_cells(self, context, cells, compute_uuids):
        if self.silent_cells is None:
            return super()._get_computes_for_cells(
                context, cells, compute_uuids=compute_uuids
            )
        # NOTE: nova/scheduler/host_manager.py reads the services of all
        # hosts, and has no entry for cells that failed.
        answers, silent = nova_cells.ask(
            cells, lambda context: _nodes_and_services(context, compute_uuids)
        )
        self.silent_cells += silent
        services = {}
        for _, of_cell in answers.values():
            services.update(of_cell)
        return {uuid: nodes for uuid, (nodes, _) in answers.items()}, services

    def load_preemptibles(
        self, host_states: Collection[host_state.HostState]
    ) -> list[str]:
        """Read the preemptible servers of some hosts as they are now.

        :returns: the uuids of the cells that did not answer.
        """
        hosts_by_cell = _hosts_by_cell(host_states)

        def read(context):
            hosts = hosts_by_cell[context.cell_uuid]
            rows = preemptibles.rows_on_hosts(context, hosts)
            return rows, user_bound.on_hosts(context, hosts)

        answers, silent = nova_cells.ask(self._cells_of(host_states), read)
        reasons: dict[str, str] = {}
        for _, of_cell in answers.values():
            reasons.update(of_cell)
        by_host: dict[
            tuple[str, str], list[preemptibles.PreemptibleServer]
        ] = {}
        for server in self.index.preemptible(
            rows for rows, _ in answers.values()
        ):
            if server.uuid in reasons:
                server = dataclasses.replace(
                    server, why_user_bound=reasons[server.uuid]
                )
            by_host.setdefault((server.host, server.node), []).append(server)
        for state in host_states:
            state.preemptibles = tuple(by_host.get(_key(state), ()))
        return silent

    def may_ask_about_parts(self, spec_obj: objects.RequestSpec) -> bool:
        """Tell whether a filter may look at NUMA cells or PCI devices.

        nova's own filters look at those only for requests that want some.
        """
        return host_parts.are_asked_for(spec_obj) or not all(
            map(filter_reasons.is_of_nova, self.enabled_filters)
        )

    def load_parts(
        self,
        host_states: Collection[host_state.HostState],
        with_cells: bool = True,
    ) -> list[str]:
        """Read what servers take of the NUMA cells and PCI devices of hosts.

        :param with_cells: whether to read what they take of NUMA cells; see
            :class:`host_parts.HostParts`.
        :returns: the uuids of the cells that did not answer.
        """
        hosts_by_cell = _hosts_by_cell(host_states)

        def read(context):
            hosts = hosts_by_cell[context.cell_uuid]
            return (
                held_parts.topologies(context, hosts) if with_cells else {},
                held_parts.devices(context, hosts),
            )

        answers, silent = nova_cells.ask(self._cells_of(host_states), read)
        for state in host_states:
            if state.cell_uuid in answers:
                topologies, devices = answers[state.cell_uuid]
                state.parts = host_parts.HostParts(
                    topologies.get(_key(state), {}) if with_cells else None,
                    devices.get(_key(state), ()),
                )
        return silent

    def servers_in_migration(
        self, host_states: Collection[host_state.HostState]
    ) -> tuple[set[str], list[str]]:
        """Return (uuids of servers in migration, cells that did not answer).

        :param host_states: their cells are asked.
        """
        answers, silent = nova_cells.ask(
            self._cells_of(host_states), instances.in_migration
        )
        return set().union(*answers.values()), silent

    def _cells_of(self, host_states):
        uuids = {state.cell_uuid for state in host_states}
        return [self.cells[uuid] for uuid in uuids if uuid in self.cells]

    def filter_hosts(
        self,
        host_states: Iterable[host_state.HostState],
        spec_obj: objects.RequestSpec,
    ) -> tuple[list[host_state.HostState], dict[tuple[str, str], str]]:
        """Run nova's own choice of hosts and filters, and keep the reasons.

        :returns: (states that pass, (host, node) to the reason of the rest).
        """
        host_states = list(host_states)
        reasons: dict[tuple[str, str], str] = {}
        # NOTE: get_filtered_hosts narrows the hosts to those requested,
        # forced or not ignored before it asks the handler, which is the only
        # part that is replaced, and only in this copy.
        narrowed = copy.copy(self)
        narrowed.filter_handler = filter_reasons.HandlerWithReasons(reasons)
        passed = list(narrowed.get_filtered_hosts(host_states, spec_obj) or ())
        kept = {_key(state) for state in passed}
        for state in host_states:
            if _key(state) not in kept:
                reasons.setdefault(_key(state), 'not among requested hosts')
        return passed, reasons

    def why_filtered(
        self, host_state: host_state.HostState, spec_obj: objects.RequestSpec
    ) -> str | None:
        """Return the name of the first filter that refuses a host, or None.

        Requests for a forced host or node skip the filters, as in nova, but
        not what the compute will ask itself.
        """
        filters = self.enabled_filters
        if spec_obj.force_hosts or spec_obj.force_nodes:
            filters = []
        if host_parts.are_asked_for(spec_obj):
            kinds = {type(one) for one in filters}
            filters = filters + [
                one
                for one in filter_reasons.asked_by_compute(
                    host_state, spec_obj
                )
                if type(one) not in kinds
            ]
        reasons: dict[tuple[str, str], str] = {}
        filter_reasons.HandlerWithReasons(reasons).get_filtered_objects(
            filters, [host_state], spec_obj
        )
        return reasons.get(_key(host_state))


def _nodes_and_services(context, compute_uuids):
    """Return (some compute nodes of a cell, host to compute service)."""
    nodes = objects.ComputeNodeList.get_all_by_uuids(context, compute_uuids)
    hosts = {node.host for node in nodes}
    if len(hosts) > _MOST_SINGLE_SERVICES:
        services = objects.ServiceList.get_by_binary(
            context, 'nova-compute', include_disabled=True
        )
    else:
        services = []
        for host in sorted(hosts):
            with contextlib.suppress(exception.ComputeHostNotFound):
                services.append(
                    objects.Service.get_by_compute_host(context, host)
                )
    return nodes, {service.host: service for service in services}


def _hosts_by_cell(host_states):
    """Return uuid of a cell to the names of those of some hosts in it."""
    found: dict[str, set[str]] = {}
    for state in host_states:
        found.setdefault(state.cell_uuid, set()).add(state.host)
    return found


def _key(host_state):
    return host_state.host, host_state.nodename
