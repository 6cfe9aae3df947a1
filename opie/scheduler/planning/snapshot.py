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

"""The hosts that may serve a request, as the values that planning works on.

They are taken anew for every plan, from the snapshot of the turn: all hosts
that placement says match the request's traits and aggregates, whatever room
they have.  It is cheap and may be a moment behind.  The planner has those
hosts read anew that can win.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import typing

from nova import objects

from opie.preemption import model
from opie.scheduler import host_state
from opie.scheduler import steps
from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.placement import client as placement
from opie.scheduler.planning import cloud_snapshot
from opie.scheduler.planning import companions
from opie.scheduler.planning import host_values
from opie.scheduler.planning import inputs
from opie.scheduler.planning import live_cloud
from opie.scheduler.planning import old_places
from opie.scheduler.planning import requirements
from opie.scheduler.planning import rivals
from opie.scheduler.planning import takings


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """What a plan starts from, and the cloud that it asks.

    Only the cloud is not what it was when the snapshot was taken: it gathers
    the hosts that were read since.

    :ivar shared: the snapshot of the turn.
    :ivar requirements: of the request that the plan is for.
    :ivar hosts: those that may serve the request, by estimates.
    :ivar cloud: the :class:`live_cloud.LiveCloud` of the plan.
    :ivar node_names: provider to the name of its compute node, which is the
        ``hypervisor_hostname``; for logs.
    :ivar preemptions: every :class:`journal_names.Preemption` in flight.
    :ivar generations: provider to its generation when placement listed it.
    """

    shared: cloud_snapshot.CloudSnapshot
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
    def states(self) -> dict[str, host_state.HostState]:
        """Provider to host state, of the hosts that were read until now."""
        return self.cloud.states

    def still_matches(self, client: placement.Client, provider: str) -> bool:
        """Ask placement whether a provider still matches the request."""
        query = self.requirements.query
        return bool(client.providers([('uuid', provider), *query]))

    def flavors_that_mark(
        self, servers: Iterable[tuple[str, model.Server]]
    ) -> dict[str, str]:
        """Return uuid to flavor, of those that only a flavor has marked.

        :param servers: (provider, server) of preemptible servers on hosts that
            were read.
        """
        chosen = {server.uuid: provider for provider, server in servers}
        known: list[preemptibles.PreemptibleServer] = []
        for provider in set(chosen.values()):
            known += self.states[provider].preemptibles or ()
            places = self.shared.old_places.on(provider, 1)
            known += [one.server for one in places]
        return {
            server.uuid: server.flavor_id
            for server in known
            if server.uuid in chosen and server.flavor_id is not None
        }


@steps.step('plans')
def take(
    required: requirements.Requirements,
    sources: inputs.Sources,
    shared: cloud_snapshot.CloudSnapshot,
    excluded: frozenset[str] = frozenset(),
    excluded_providers: Mapping[str, str] | None = None,
) -> Snapshot:
    """Take what a plan starts from.

    :param shared: the snapshot of the turn.
    :param excluded: uuids of servers that are to be no victims.
    :param excluded_providers: provider to why its host is left out.
    :raises errors.SilentCells: if a cell does not answer.
    :raises placement.PlacementError: if placement cannot be read.
    """
    excluded |= sources.worker.refused_victims.of_late()
    # Of a server that moves, its own host counts, as nova counts it.
    own = () if required.is_move else required.request.preemptors
    companions.read_group(required.spec, own)
    companions.add_pending(required.spec, shared.pending)
    # Weighers say which companions a request would rather have.
    is_choosy = companions.matter_to(required.spec)
    number = len(required.request.preemptors)
    if shared.rivals and number == 1 and not is_choosy:
        request = dataclasses.replace(
            required.request, tolerance=rivals.TOLERANCE
        )
        required = dataclasses.replace(required, request=request)
    generations = shared.generations(required.query)
    only_cell = required.only_cell
    nodes = {
        provider: node
        for provider, node in shared.nodes.items()
        if provider in generations and only_cell in (None, node.cell_uuid)
    }
    # Of several preemptors, some may find room that was too little for all.
    may_have_room = sources.is_room_hidden or number > 1
    hosts = {
        provider: _host(
            node,
            generations[provider],
            sources,
            may_have_room,
            shared,
            shared.old_places.on(provider, number),
        )
        for provider, node in nodes.items()
    }
    if required.asked:
        hosts = _unread_trees(hosts, sources, shared, required, may_have_room)
    else:
        for provider in hosts.keys() & shared.nominated_providers:
            hosts[provider] = _nominated_host(
                nodes[provider],
                sources,
                shared,
                excluded,
                shared.old_places.on(provider, number),
            )
    cloud = live_cloud.NovaCloud(
        sources, required, shared, excluded, excluded_providers
    )
    return Snapshot(
        shared,
        required,
        tuple(hosts.values()),
        cloud,
        {uuid: node.hypervisor_hostname for uuid, node in nodes.items()},
        shared.in_flight.preemptions,
        generations,
    )


def _host(
    node: compute_nodes.Compute,
    generation: int,
    sources: inputs.Sources,
    may_have_room: bool,
    shared: cloud_snapshot.CloudSnapshot,
    places: tuple[old_places.OldPlace, ...],
) -> model.Host:
    """Return a host, as a value for the planner.

    :param may_have_room: whether there can be room where pass 1 found none.
        Otherwise a host without preemptible servers that seems too small is
        taken as too small without being read.
    """
    servers = _preemptibles(node, sources)
    leaving = shared.leaving.before(node.uuid)
    return sources.worker.hosts.host(
        node,
        generation,
        servers,
        is_worth_reading=bool(servers or leaving or places) or may_have_room,
        protected=shared.protected,
        leaving=leaving,
        places=places,
    )


def _unread_trees(
    hosts: Mapping[str, model.Host],
    sources: inputs.Sources,
    shared: cloud_snapshot.CloudSnapshot,
    required: requirements.Requirements,
    may_have_room: bool,
) -> dict[str, model.Host]:
    """Return hosts as they are for a request that is spread over trees.

    Before a tree is read, estimates of its root are known, whether it was
    lately without a class of the request, and maybe how many victims it needs.

    :raises placement.PlacementError: if placement cannot be read.
    """
    assert required.asked
    kept = sources.worker.hosts
    numbers = kept.unread_trees.least_victims(
        sources.placement, hosts.values(), required.asked
    )
    found = {}
    for provider, host in hosts.items():
        lacking = kept.trees.lacking(provider, required.request.resources)
        if lacking:
            found[provider] = model.Host(
                provider, {}, why_protected=takings.why_lacking(lacking)
            )
            continue
        found[provider] = kept.unread_trees.host(
            host,
            may_have_room or provider in shared.nominated_providers,
            numbers.get(provider, 1),
        )
    return found


def _nominated_host(
    node: compute_nodes.Compute,
    sources: inputs.Sources,
    shared: cloud_snapshot.CloudSnapshot,
    excluded: frozenset[str],
    places: tuple[old_places.OldPlace, ...],
) -> model.Host:
    """Return a host for which a plan of this turn has nominated preemptors."""
    return host_values.host_from_facts(
        node.uuid,
        shared.facts(sources.placement, node.uuid),
        old_places.potential_victims(
            shared.protected,
            node.host,
            _preemptibles(node, sources),
            places,
            shared.no_victims_on(node.uuid) | excluded,
        ),
        shared.protected.why_protected(node.host),
        shared.leaving_on(node.uuid, excluded).values(),
        node.failed_builds,
        places,
    )


def _preemptibles(
    node: compute_nodes.Compute, sources: inputs.Sources
) -> tuple[preemptibles.PreemptibleServer, ...]:
    return sources.worker.host_manager.index.on(
        node.cell_uuid, node.host, node.hypervisor_hostname
    )
