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
may be a moment behind; the planner has those hosts read anew that can win.
"""

from __future__ import annotations

import dataclasses

from nova import objects
import nova.conf
from nova.scheduler import utils as scheduler_utils

from opie.preemption import model
from opie.scheduler import errors
from opie.scheduler import steps
from opie.scheduler import waiting
from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.planning import live_cloud
from opie.scheduler.planning import protection

CONF = nova.conf.CONF


@dataclasses.dataclass
class Snapshot:
    """What a plan starts from.

    :ivar spec: the RequestSpec, as it is after nova's own way of scheduling.
    :ivar request: the :class:`model.Request`.
    :ivar hosts: the :class:`model.Host` values that may serve it.
    :ivar cloud: the :class:`cloud.Cloud` to ask while planning.
    :ivar names: provider uuid to the name of the host, for logs.
    :ivar preemptions: every :class:`journal_names.Preemption` in flight.
    :ivar query: what placement was asked for hosts, but for the amounts.
    :ivar generations: provider uuid to its generation then.
    """

    spec: objects.RequestSpec
    request: model.Request
    hosts: tuple
    cloud: live_cloud.NovaCloud
    names: dict
    preemptions: list
    query: list
    generations: dict

    @property
    def states(self):
        """Provider uuid to host state, of the hosts looked at."""
        return self.cloud.states

    def is_offered(self, client, provider):
        """Tell whether placement still has a host match the request.

        :param client: a :class:`placement.Client`.
        """
        return bool(client.providers([('uuid', provider), *self.query]))


@steps.step('plans')
def take(context, spec, uuids, sources, excluded=frozenset()):
    """Take a snapshot.

    :param context: an elevated context.
    :param spec: a RequestSpec that has been through nova's request filters;
        it is changed as nova's own scheduling does.
    :param uuids: the uuids of the preemptors, in order.
    :param sources: a :class:`Sources`.
    :param excluded: uuids of servers that are to be no victims.
    :raises errors.UnsupportedRequest: if its shape is one that is left alone.
    :raises errors.SilentCells: if a cell does not answer.
    :raises nova.exception.NoValidHost: if it names a host that is not there.
    :raises placement.PlacementError: if placement cannot be read.
    """
    wanted = scheduler_utils.resources_from_request_spec(
        context, spec, sources.host_manager
    )
    group = _only_group(spec, wanted)
    spec.instance_uuid = uuids[0]
    # As in nova's own scheduling, this is not to be saved.
    spec.obj_reset_changes(['instance_uuid'])
    request = model.Request(
        tuple(uuids),
        dict(group.resources),
        most_victims=CONF.opie.max_victims_per_request or None,
        **_group_rules(spec, sources.host_manager.enabled_filters),
    )
    query = _query(spec, group)
    generations = {
        provider['uuid']: provider['generation']
        for provider in sources.placement.providers(query)
        if provider['parent_provider_uuid'] is None
    }
    nodes = {
        uuid: compute
        for uuid, compute in _read_computes(sources).items()
        if uuid in generations
    }
    # Of several preemptors, some may find room that was too little for all.
    may_have_room = sources.is_room_hidden or len(uuids) > 1
    protected = protection.Protection.now(sources.host_manager)
    hosts = _hosts(nodes, generations, sources, may_have_room, protected)
    in_flight = sources.journal.read(sources.placement)
    excluded = excluded | in_flight.victims
    return Snapshot(
        spec,
        request,
        hosts,
        live_cloud.NovaCloud(
            context, spec, request, nodes, sources, excluded, protected
        ),
        {uuid: node.hypervisor_hostname for uuid, node in nodes.items()},
        in_flight.preemptions,
        query,
        generations,
    )


@dataclasses.dataclass(frozen=True)
class Sources:
    """Where a snapshot comes from.

    :ivar host_manager: opie's HostManager.
    :ivar placement: a :class:`placement.Client`.
    :ivar providers: a :class:`providers.ProviderCache`.
    :ivar hosts: a :class:`hosts.HostValues`.
    :ivar journal: a :class:`journal.Reader`.
    :ivar servicegroup: nova's servicegroup API.
    :ivar deadline: the :class:`waiting.Deadline` of the preemption.
    :ivar is_room_hidden: whether pass 1 may have missed hosts with room.
    """

    host_manager: object
    placement: object
    providers: object
    hosts: object
    journal: object
    servicegroup: object
    deadline: waiting.Deadline
    is_room_hidden: bool

    def is_up(self, state):
        return self.servicegroup.service_is_up(state.service)


def _group_rules(spec, filters):
    """Return what the request's server group says of hosts in common.

    It says nothing where its filter is not enabled.
    """
    group = spec.instance_group
    policies = {getattr(item, 'policy_name', None) for item in filters}
    if group is None or group.policy not in policies:
        return {}
    if group.policy == 'affinity':
        return {'is_together': True}
    # NOTE: as nova/scheduler/filters/affinity_filter.py counts.
    rules = group.rules if 'rules' in group else None
    return {'most_per_host': int((rules or {}).get('max_server_per_host', 1))}


def _read_computes(sources):
    """Return provider uuid to :class:`compute_nodes.Compute`, of all hosts.

    A cell that is silent may have room, so nobody is evicted elsewhere.
    """
    cells = sources.host_manager.enabled_cells
    live_cloud.check_all_answered(sources.host_manager.index.refresh(cells))
    nodes, silent = compute_nodes.read(cells)
    live_cloud.check_all_answered(silent)
    sources.hosts.forget_all_but(nodes.keys())
    return nodes


def _hosts(nodes, generations, sources, may_have_room, protected):
    """Return the hosts, as values for the planner.

    :param may_have_room: whether there can be room where pass 1 found none.
        Otherwise a host without preemptible servers is taken at nova's word
        when it seems too small.
    """
    hosts = []
    for uuid, node in nodes.items():
        servers = sources.host_manager.index.on(
            node.cell_uuid, node.host, node.hypervisor_hostname
        )
        is_doubted = bool(servers) or may_have_room
        hosts.append(
            sources.hosts.host(
                node, generations[uuid], servers, is_doubted, protected
            )
        )
    return tuple(hosts)


def _only_group(spec, wanted):
    """Return the request group that everything is asked for in."""
    pci_requests = spec.pci_requests
    for is_so, shape in (
        (wanted.get_num_of_suffixed_groups(), 'granular request groups'),
        (spec.requested_resources, 'resources of ports or devices'),
        (spec.numa_topology, 'a NUMA topology'),
        (wanted.cpu_pinning_requested, 'dedicated CPUs'),
        (pci_requests and pci_requests.requests, 'PCI devices'),
    ):
        if is_so:
            raise errors.UnsupportedRequest('it asks for %s' % shape)
    group = wanted.get_request_group(None)
    if not group.resources:
        raise errors.UnsupportedRequest('it asks for no resources')
    return group


def _query(spec, group):
    """Return what GET /resource_providers is asked, but for the amounts."""
    query = [
        (key, value)
        for key, value in group.to_queryparams()
        if key in ('member_of', 'in_tree')
    ]
    traits = sorted(group.required_traits | spec.root_required)
    traits += [
        '!' + trait
        for trait in sorted(group.forbidden_traits | spec.root_forbidden)
    ]
    if traits:
        query.append(('required', ','.join(traits)))
    return query
