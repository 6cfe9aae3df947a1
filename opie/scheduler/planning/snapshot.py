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

"""nova's and placement's state, as the values that planning works on.

A snapshot is taken anew for every plan, of all hosts that placement says match
the request's traits and aggregates, whatever room they have.  It is cheap and
may be a moment behind.  The planner has those hosts read anew that can win.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import typing

from nova import context as nova_context
from nova import objects

from opie.preemption import model
from opie.scheduler import host_manager as host_managers
from opie.scheduler import steps
from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.placement import client as placement
from opie.scheduler.planning import inputs
from opie.scheduler.planning import live_cloud
from opie.scheduler.planning import protection
from opie.scheduler.planning import requirements


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """What a plan starts from, and the cloud that it asks.

    Only the cloud is not what it was when the snapshot was taken: it gathers
    the hosts that were read since.

    :ivar requirements: of the request that the plan is for.
    :ivar hosts: those that may serve the request, by estimates.
    :ivar cloud: the :class:`live_cloud.LiveCloud` of the plan.
    :ivar node_names: provider to the name of its compute node, which is the
        ``hypervisor_hostname``; for logs.
    :ivar preemptions: every :class:`journal_names.Preemption` in flight.
    :ivar generations: provider to its generation when placement listed it.
    """

    requirements: requirements.Requirements
    hosts: tuple[model.Host, ...]
    cloud: live_cloud.NovaCloud
    node_names: Mapping[str, str]
    preemptions: list[typing.Any]
    generations: Mapping[str, int]

    @property
    def spec(self) -> objects.RequestSpec:
        """The RequestSpec, as nova's request filters left it."""
        return self.requirements.spec

    @property
    def request(self) -> model.Request:
        """What the planner is given of the request."""
        return self.requirements.request

    @property
    def states(self) -> dict[str, host_managers.HostState]:
        """Provider to host state, of the hosts that were read until now."""
        return self.cloud.states

    def still_matches(self, client: placement.Client, provider: str) -> bool:
        """Ask placement whether a provider still matches the request."""
        query = self.requirements.query
        return bool(client.providers([('uuid', provider), *query]))


@steps.step('plans')
def take(
    context: nova_context.RequestContext,
    spec: objects.RequestSpec,
    preemptors: Sequence[str],
    sources: inputs.Sources,
    excluded: frozenset[str] = frozenset(),
) -> Snapshot:
    """Take a snapshot.

    :param context: an elevated context.
    :param spec: a RequestSpec that has been through nova's request filters;
        it is changed as nova's own scheduling does.
    :param preemptors: their uuids, in order.
    :param excluded: uuids of servers that are to be no victims.
    :raises errors.UnsupportedRequest: if its shape is one that pass 2 leaves
        alone.
    :raises errors.SilentCells: if a cell does not answer.
    :raises nova.exception.NoValidHost: if it names a host that does not exist.
    :raises placement.PlacementError: if placement cannot be read.
    """
    host_manager = sources.worker.host_manager
    required = requirements.read(context, spec, preemptors, host_manager)
    generations = _root_providers(sources.placement, required.query)
    nodes = {
        provider: node
        for provider, node in _read_compute_nodes(sources.worker).items()
        if provider in generations
    }
    # Of several preemptors, some may find room that was too little for all.
    may_have_room = sources.is_room_hidden or len(preemptors) > 1
    protected = protection.Protection.now(host_manager)
    hosts = tuple(
        _host(node, generations[provider], sources, may_have_room, protected)
        for provider, node in nodes.items()
    )
    in_flight = sources.worker.journal.read(sources.placement)
    cloud = live_cloud.NovaCloud(
        sources,
        required,
        {provider: node.cell_uuid for provider, node in nodes.items()},
        protected,
        excluded | in_flight.victims,
    )
    return Snapshot(
        required,
        hosts,
        cloud,
        {uuid: node.hypervisor_hostname for uuid, node in nodes.items()},
        in_flight.preemptions,
        generations,
    )


def _root_providers(
    client: placement.Client, query: Sequence[tuple[str, str]]
) -> dict[str, int]:
    """Return root provider to generation, of those that match a query."""
    return {
        provider['uuid']: provider['generation']
        for provider in client.providers(query)
        if provider['parent_provider_uuid'] is None
    }


def _read_compute_nodes(
    its_worker: inputs.Worker,
) -> dict[str, compute_nodes.Compute]:
    """Return provider to compute node, of all hosts.

    :raises errors.SilentCells: if a cell does not answer, because it may have
        room: then no server is evicted in the others.
    """
    enabled = its_worker.host_manager.enabled_cells
    cells.check_all_answered(its_worker.host_manager.index.refresh(enabled))
    nodes, silent = compute_nodes.read(enabled)
    cells.check_all_answered(silent)
    its_worker.hosts.forget_all_but(nodes.keys())
    return nodes


def _host(
    node: compute_nodes.Compute,
    generation: int,
    sources: inputs.Sources,
    may_have_room: bool,
    protected: protection.Protection,
) -> model.Host:
    """Return a host, as a value for the planner.

    :param may_have_room: whether there can be room where pass 1 found none.
        Otherwise a host without preemptible servers that seems too small is
        taken as too small without being read.
    """
    servers = sources.worker.host_manager.index.on(
        node.cell_uuid, node.host, node.hypervisor_hostname
    )
    return sources.worker.hosts.host(
        node,
        generation,
        servers,
        is_worth_reading=bool(servers) or may_have_room,
        protected=protected,
    )
