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

"""What one turn reads of the cloud, for all requests that it plans.

A turn takes one snapshot and plans several requests on it, one after the
other.  A plan that was made counts for the next one: its preemptors are on
their nominated hosts, and its victims are no victims of another plan.  What is
read of a host is read once.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent import futures
import contextlib
import dataclasses

from nova import context as nova_context
from nova import objects

from opie.preemption import rows
from opie.scheduler import host_state
from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.placement import client as placement
from opie.scheduler.placement import provider_trees
from opie.scheduler.placement import providers as placement_providers
from opie.scheduler.planning import inputs
from opie.scheduler.planning import leaving
from opie.scheduler.planning import old_places
from opie.scheduler.planning import planned as turns_plans
from opie.scheduler.planning import protection
from opie.scheduler.planning import rivals

_States = dict[str, host_state.HostState]
_Query = tuple[tuple[str, str], ...]


class CloudSnapshot:
    """The cloud at the beginning of a turn, and the plans of the turn.

    :ivar nodes: provider to compute node, of all hosts.
    :ivar hosts: provider to the name of its host.
    :ivar in_flight: what the journal says.
    :ivar rivals: the other workers that preempt at this moment.
    :ivar pending: the pending preemptors of the journal.
    :ivar protected: what was protected.
    :ivar leaving: which servers are leaving.
    :ivar in_migration: uuids of servers in migration, as far as it is known.
    :ivar old_places: what migrations hold for servers.
    """

    def __init__(
        self,
        worker: inputs.Worker,
        client: placement.Client,
        nodes: Mapping[str, compute_nodes.Compute],
        planning: Collection[str] = (),
    ) -> None:
        self._worker = worker
        self._client = client
        self.nodes = nodes
        self.hosts = {uuid: node.host for uuid, node in nodes.items()}
        self.protected = protection.Protection.now(
            worker.host_manager, worker.stuck
        )
        self.read_journal(planning)
        self.old_places = old_places.read(worker, nodes)
        self._generations: dict[_Query, dict[str, int]] = {}
        self._states: _States = {}
        self.in_migration: set[str] = set()
        self._facts: dict[str, placement_providers.ProviderFacts] = {}
        self._trees: dict[str, provider_trees.TreeFacts] = {}
        self._planned: list[turns_plans.Planned] = []
        self._claimed: list[turns_plans.Planned] = []
        # Provider to the plans that were claimed before it was read.
        self._claimed_before: dict[str, tuple[turns_plans.Planned, ...]] = {}

    def generations(self, query: _Query) -> dict[str, int]:
        """Return root provider to generation, of those that match a query."""
        if query not in self._generations:
            self._generations[query] = {
                provider['uuid']: provider['generation']
                for provider in self._client.providers(query)
                if provider['parent_provider_uuid'] is None
            }
        return self._generations[query]

    @property
    def taken(self) -> frozenset[str]:
        """The uuids of all servers that other preemptions evict."""
        return self.in_flight.victims.union(
            server.uuid
            for one in self._planned
            for _, server in one.plan.victims
        )

    @property
    def nominated_providers(self) -> set[str]:
        """The providers of the hosts that plans of this turn nominate."""
        return set().union(*(one.providers for one in self._planned))

    @property
    def changing_providers(self) -> set[str]:
        """The providers of hosts where preemptors come and victims go."""
        return self.nominated_providers.union(
            one.nominated_provider for one in self.in_flight.preemptions
        )

    def note(self, planned: turns_plans.Planned) -> None:
        """Let a plan that was made count for the next ones."""
        self._planned.append(planned)

    def note_claimed(self, planned: turns_plans.Planned) -> None:
        """Note that placement has the claim of a plan from now on."""
        self._claimed.append(planned)

    def lose(self, planned: turns_plans.Planned) -> None:
        """Take back a plan that was not claimed.

        Its nominated hosts are read anew, because others may have changed
        them.
        """
        self._planned.remove(planned)
        for provider in planned.providers:
            self._states.pop(provider, None)
            self._facts.pop(provider, None)
            self._trees.pop(provider, None)

    def read_journal(self, planning: Collection[str] = ()) -> None:
        """Read anew what other preemptions evict, who is pending, what leaves.

        :param planning: preemptors that have no nominated host for now.
        """
        self.in_flight = self._worker.journal.read(self._client)
        self.rivals = rivals.busy(
            self.in_flight.preemptions, self._worker.name
        )
        self.pending = self._worker.pending_reader.read(
            self.in_flight.preemptions, self.hosts
        ).but(planning)
        self.leaving = leaving.read(
            self._worker,
            self.nodes,
            self.in_flight,
            self.protected.stuck_hosts,
        )

    def leaving_on(
        self, provider: str, excluded: Collection[str] = ()
    ) -> dict[str, leaving.LeavingServer]:
        """Return uuid to server, of those that leave a host anyway."""
        node, planned = self.nodes[provider], self._victims_on(provider)
        return self.leaving.on(node, planned, excluded)

    def records_leaving(self, provider: str) -> list[leaving.Record]:
        """Return what nova knows of the servers that leave a host."""
        return [one.record for one in self.leaving_on(provider).values()]

    def no_victims_on(self, provider: str) -> frozenset[str]:
        """Return servers that go anyway, so that they are no victims."""
        return self.taken.union(self.leaving_on(provider))

    def read_states(
        self,
        context: nova_context.RequestContext,
        spec: objects.RequestSpec,
        providers: Sequence[str],
    ) -> tuple[_States, set[str]]:
        """Return (provider to host state, uuids of servers in migration).

        The states are those that nova's scheduling shares between requests.

        :raises errors.SilentCells: if a cell does not answer.
        """
        unread = [one for one in providers if one not in self._states]
        if unread:
            self._read_states(context, spec, unread)
        states = {
            provider: self._states[provider]
            for provider in providers
            if provider in self._states
        }
        if self._worker.host_manager.may_ask_about_parts(spec):
            self._read_parts(states)
        return states, self.in_migration

    def _read_parts(self, states: _States) -> None:
        """Read what servers take of NUMA cells and PCI devices."""
        unread = [one for one in states.values() if one.parts is None]
        if unread:
            cells.check_all_answered(
                self._worker.host_manager.load_parts(unread)
            )

    def _read_states(
        self,
        context: nova_context.RequestContext,
        spec: objects.RequestSpec,
        providers: Sequence[str],
    ) -> None:
        manager = self._worker.host_manager
        states, silent = manager.states_and_silent_cells(
            context,
            providers,
            spec,
            {self.nodes[provider].cell_uuid for provider in providers},
        )
        cells.check_all_answered(silent)
        cells.check_all_answered(manager.load_preemptibles(states))
        in_migration, silent = manager.servers_in_migration(states)
        cells.check_all_answered(silent)
        self.in_migration |= in_migration
        self._states.update((state.uuid, state) for state in states)
        self.pending.read_specs(providers)

    def state_without(
        self, provider: str, gone: Collection[str]
    ) -> host_state.HostState:
        """Return a copy of a host's state as it would be.

        :param gone: uuids of servers that would be gone.
        """
        here = list(self._planned_on(provider))
        taken = self._victims_on(provider) - self.leaving_on(provider).keys()
        state = self._states[provider].without(
            taken.union(gone), self.records_leaving(provider)
        )
        state.preemptibles = tuple(
            server
            for server in state.preemptibles or ()
            if server.uuid not in taken
        )
        for one in here:
            for nomination in one.nominations_on(provider):
                state.add(
                    nomination.preemptor,
                    one.spec,
                    turns_plans.candidate(
                        provider, one.request, nomination.taking
                    ),
                )
        self.pending.count_on(state, self._units_of_pending(provider))
        if provider in self._facts:
            # Placement knows a server before nova has a record of it there.
            held = self._facts[provider].allocations.keys()
            state.note(held - taken.union(gone))
        return state

    def facts(
        self, client: placement.Client, provider: str
    ) -> placement_providers.ProviderFacts:
        """Return what placement will have of a host, once all is claimed.

        :raises placement.PlacementError: if it cannot be read.
        """
        if provider not in self._facts:
            self._read_facts(client, provider)
        return self._once_claimed(provider, self._facts[provider])

    def tree(self, provider: str) -> provider_trees.TreeFacts | None:
        """Return what placement will have of the whole tree of a host.

        :returns: None if the tree was not read; see :meth:`read_trees`.
        """
        tree = self._trees.get(provider)
        if tree is None:
            return None
        facts = self._once_claimed(provider, tree.facts)
        return dataclasses.replace(tree, facts=facts)

    def read_trees(
        self,
        client: placement.Client,
        providers: Collection[str],
        classes: Collection[str],
    ) -> None:
        """Read the trees of several hosts, as far as they can be read.

        :param classes: those that lack one of these are left out.
        """
        unread = [one for one in providers if one not in self._trees]
        claimed = tuple(self._claimed)
        found = self._worker.hosts.trees.read(client, unread, classes)
        for provider, tree in found.items():
            self._claimed_before[provider] = claimed
            self._trees[provider] = tree
            self._facts[provider] = tree.root_facts

    def _once_claimed(
        self, provider: str, facts: placement_providers.ProviderFacts
    ) -> placement_providers.ProviderFacts:
        facts = self._worker.hosts.providers.writable(facts)
        for one in self._planned_on(provider):
            # What was read after its claim has it already.
            if one not in self._claimed_before[provider]:
                facts = turns_plans.claimed(facts, one, provider)
        return facts

    def read_facts(
        self, client: placement.Client, providers: Collection[str]
    ) -> None:
        """Read several hosts side by side, as far as they can be read."""
        unread = [one for one in providers if one not in self._facts]
        if len(unread) < 2:
            return

        def read(provider: str) -> None:
            with contextlib.suppress(placement.PlacementError):
                self._read_facts(client, provider)

        with futures.ThreadPoolExecutor(placement.MAX_READS_AT_ONCE) as pool:
            list(pool.map(read, unread))

    def _read_facts(self, client: placement.Client, provider: str) -> None:
        self._claimed_before[provider] = tuple(self._claimed)
        self._facts[provider] = self._worker.hosts.providers.read(
            client, provider
        )

    def _units_of_pending(
        self, provider: str
    ) -> dict[str, dict[str, int]] | None:
        """Return what pending preemptors have claimed below a host's root.

        :returns: preemptor to provider to how many units of a class it holds
            there, at the most; None for a host whose tree was not read.
        """
        tree = self._trees.get(provider)
        if tree is None:
            return None
        held = tree.facts.allocations
        found = {}
        for preemptor in self.pending.on(provider):
            allocations = rows.to_allocations(
                provider, held.get(preemptor, {})
            )
            found[preemptor] = {
                uuid: max(amounts.values())
                for uuid, amounts in allocations.items()
                if uuid != provider
            }
        return found

    def _victims_on(self, provider: str) -> set[str]:
        return set().union(
            *(one.victims_on(provider) for one in self._planned_on(provider))
        )

    def _planned_on(self, provider: str) -> Iterator[turns_plans.Planned]:
        return (one for one in self._planned if provider in one.providers)


def take(
    worker: inputs.Worker,
    client: placement.Client,
    planning: Collection[str] = (),
) -> CloudSnapshot:
    """Take the snapshot of a turn.

    :param planning: the preemptors of the requests to be planned.
    :raises errors.SilentCells: if a cell does not answer, because it may have
        room: then no server is evicted in the others.
    :raises placement.PlacementError: if placement cannot be read.
    """
    enabled = worker.host_manager.enabled_cells
    cells.check_all_answered(worker.host_manager.index.refresh(enabled))
    nodes, silent = compute_nodes.read(enabled)
    cells.check_all_answered(silent)
    worker.hosts.forget_all_but(nodes.keys())
    worker.states.forget_all_but(nodes.keys())
    return CloudSnapshot(worker, client, nodes, planning)
