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

This is the only place that translates one into the other.  A snapshot is
taken anew for every plan, from hosts that placement says match the request's
traits and aggregates, whatever room they have.
"""

import dataclasses

from nova.scheduler import utils as scheduler_utils
from oslo_utils import timeutils

from opie.preemption import model
from opie.scheduler import journal
from opie.scheduler import placement
from opie.scheduler import preemptibles
from opie.scheduler import providers


class NotServed(Exception):
    """The request cannot be planned for; the text says why."""


@dataclasses.dataclass
class Snapshot:
    """What a plan starts from.

    :ivar request: the :class:`model.Request`.
    :ivar hosts: the :class:`model.Host` values that may serve it.
    :ivar states: provider uuid to the host state as nova has it now.
    :ivar reasons: provider uuid to the reason why a host, which is then not
        among ``hosts``, cannot serve whoever is gone from it.
    :ivar names: provider uuid to the name of the host, for logs.
    :ivar facts: provider uuid to the :class:`providers.ProviderFacts` that
        the host was made from.
    """

    request: model.Request
    hosts: tuple
    states: dict
    reasons: dict
    names: dict
    facts: dict


def take(context, spec, uuids, sources, spared=frozenset()):
    """Take a snapshot.

    :param context: an elevated context.
    :param spec: a RequestSpec that has been through nova's request filters;
        it is changed as nova's own scheduling does.
    :param uuids: the uuids of the preemptors, in order.
    :param sources: a :class:`Sources`.
    :param spared: uuids of servers that are to be no victims.
    :raises NotServed: if the request is of a shape that is left alone, or a
        cell does not answer.
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
    request = model.Request(tuple(uuids), dict(group.resources))
    generations = {
        provider['uuid']: provider['generation']
        for provider in sources.placement.providers(_query(spec, group))
        if provider['parent_provider_uuid'] is None
    }
    states, in_migration = _states_and_migrations(
        context, spec, list(generations), sources
    )
    passing, reasons = _filter(spec, states, sources)
    ranks = _ranks(spec, passing, sources)
    spared = (
        spared | in_migration | journal.victims_in_flight(sources.placement)
    )
    hosts, known = [], {}
    for uuid, state in passing.items():
        try:
            facts = known[uuid] = sources.providers.get(
                sources.placement, uuid, generations[uuid], state.servers
            )
        except (placement.Refused, providers.Unstable):
            reasons[uuid] = 'its resource provider goes or changes'
            continue
        hosts.append(_host(state, facts, ranks[uuid], spared))
    names = {uuid: state.nodename for uuid, state in states.items()}
    return Snapshot(request, tuple(hosts), states, reasons, names, known)


def is_current(shot, plan, sources):
    """Tell whether the nominated hosts are still as the snapshot has them.

    What it has may come from the cache, which a deletion can outdate.
    """
    try:
        return all(
            sources.providers.read(sources.placement, host) == shot.facts[host]
            for host in sorted({item.host for item in plan.nominations})
        )
    except (placement.Refused, providers.Unstable):
        # It goes or changes in this moment.
        return False


@dataclasses.dataclass(frozen=True)
class Sources:
    """Where a snapshot comes from.

    :ivar host_manager: opie's HostManager.
    :ivar placement: a :class:`placement.Placement`.
    :ivar providers: a :class:`providers.ProviderCache`.
    :ivar servicegroup: nova's servicegroup API.
    """

    host_manager: object
    placement: object
    providers: object
    servicegroup: object

    def is_up(self, state):
        return self.servicegroup.service_is_up(state.service)


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
            raise NotServed('it asks for %s' % shape)
    group = wanted.get_request_group(None)
    if not group.resources:
        raise NotServed('it asks for no resources')
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


def _states_and_migrations(context, spec, uuids, sources):
    """Return (provider uuid to host state, uuids of servers in migration).

    All servers of the states are read.  A cell that is silent may have room,
    so nobody is evicted elsewhere.
    """
    states, silent_cells = sources.host_manager.states_and_silent_cells(
        context, uuids, spec
    )
    silent_cells += sources.host_manager.load_preemptibles(context, states)
    in_migration, silent = sources.host_manager.servers_in_migration(
        context, states
    )
    silent_cells += silent
    if silent_cells:
        raise NotServed(
            'no answer from cell %s' % ', '.join(sorted(set(silent_cells)))
        )
    return {state.uuid: state for state in states}, in_migration


def _filter(spec, states, sources):
    """Return (states of hosts that may pass, reasons of those that cannot).

    A host may pass if it does with all its preemptible servers gone, or as it
    is: some filters ask for a server that must stay.  Hosts that would pass
    only in between, for two filters that want opposite things, are left out.
    """
    emptied = {
        state.uuid: state.without(
            {server.uuid for server in state.preemptibles}
        )
        for state in states.values()
    }
    passing, reasons = sources.host_manager.filter_hosts(
        emptied.values(), spec
    )
    kept = {state.uuid for state in passing}
    refused = [state for uuid, state in states.items() if uuid not in kept]
    if refused:
        as_is, _ = sources.host_manager.filter_hosts(
            [state.without(()) for state in refused], spec
        )
        kept |= {state.uuid for state in as_is}
    kept = {uuid for uuid in kept if sources.is_up(states[uuid])}
    return (
        {uuid: state for uuid, state in states.items() if uuid in kept},
        {
            uuid: reasons.get(
                (state.host, state.nodename), 'its compute service is down'
            )
            for uuid, state in states.items()
            if uuid not in kept
        },
    )


def _ranks(spec, states, sources):
    """Return provider uuid to the rank that nova's weighers give it."""
    weighed = sources.host_manager.get_weighed_hosts(states.values(), spec)
    weights = sorted({item.weight for item in weighed}, reverse=True)
    return {item.obj.uuid: weights.index(item.weight) for item in weighed}


def _host(state, facts, rank, spared):
    now = timeutils.utcnow()
    return model.Host(
        state.uuid,
        facts.inventories,
        tuple(
            model.Server(
                server.uuid,
                facts.allocations[server.uuid],
                server.runtime_seconds(now),
            )
            for server in state.preemptibles
            # One without allocations frees nothing, and could not be booked.
            if server.uuid in facts.allocations
            and server.uuid not in spared
            and not preemptibles.why_spared(server)
            and not preemptibles.why_postponed(server)
        ),
        rank,
    )
