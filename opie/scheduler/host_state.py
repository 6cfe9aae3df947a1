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

"""A host as nova's filters and weighers see it, with its preemptible servers.

A plan asks the filters about copies of which some servers are gone and others
have come.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
import contextlib
import copy
import typing

from nova import exception
from nova import objects
from nova.scheduler import host_manager

from opie.scheduler import host_parts
from opie.scheduler.nova_db import preemptibles


class HostState(host_manager.HostState):
    """A host, with the preemptible servers on it.

    :ivar preemptibles: the preemptible servers on it; None until they are
        read for a weigher or a plan.
    :ivar parts: what its servers take of NUMA cells and PCI devices; None
        until that is read for a plan that needs it.
    """

    preemptibles: tuple[preemptibles.PreemptibleServer, ...] | None
    parts: host_parts.HostParts | None

    def __init__(self, *args: typing.Any, **kwargs: typing.Any) -> None:
        super().__init__(*args, **kwargs)
        self.preemptibles = None
        self.parts = None

    def __copy__(self) -> HostState:
        # Python's own way takes three times as long.
        state = type(self).__new__(type(self))
        state.__dict__.update(self.__dict__)
        return state

    def without(
        self, gone: Collection[str], others: Iterable[typing.Any] = ()
    ) -> HostState:
        """Return a copy of this state as if servers were not there.

        What a server takes of NUMA cells and PCI devices stays taken in the
        copy, unless :meth:`HostManager.load_parts` has read it.

        :param gone: uuids; only preemptible servers of this host count, and
            the others.
        :param others: leaving servers of this host, preemptible or not, with
            the sizes that a PreemptibleServer has.
        """
        servers = (*others, *(self.preemptibles or ())) if gone else ()
        victims = {one.uuid: one for one in servers if one.uuid in gone}
        state = copy.copy(self)
        state.limits = {}
        # A copy, because other threads change it as computes report.
        state.instances = dict(self.instances)
        for uuid in gone:
            state.instances.pop(uuid, None)
        for server in victims.values():
            disk_mb = (server.root_gb + server.ephemeral_gb) * 1024
            state.free_ram_mb += server.memory_mb
            state.free_disk_mb += disk_mb
            state.disk_mb_used -= disk_mb
            state.vcpus_used -= server.vcpus
            state.num_io_ops -= server.has_io_workload
        state.num_instances -= len(victims)
        if self.parts is not None and gone:
            state.numa_topology = self.parts.cells_without(
                self.numa_topology, gone
            )
            state.pci_stats = self.parts.pools_without(self.pci_stats, gone)
            state.parts = self.parts.but(gone)
        return state

    def whole(self) -> HostState:
        """Return the state for a filter that nova does not know.

        It is this one; planning/thin_states.py has states that are made only
        as far as nova's filters read them.
        """
        return self

    def add(
        self,
        preemptor: str,
        spec: objects.RequestSpec,
        allocation: dict[str, typing.Any],
    ) -> None:
        """Let a preemptor be on the host, as nova counts a server there.

        Only for copies of :meth:`without`.

        :param spec: the RequestSpec of the preemptor.
        :param allocation: what it holds, as placement lists a candidate.
        """
        self.allocation_candidates = [allocation]
        self.count(spec, allocation.get('mappings'))
        self.note([preemptor])

    def count(
        self,
        spec: objects.RequestSpec,
        mappings: Mapping[str, list[str]] | None = None,
    ) -> None:
        """Count what a server takes, as nova does.

        Only for copies of :meth:`without`.  A server for whose NUMA cells and
        PCI devices there is no room takes none of them, because those that it
        waits for are still in use.

        :param spec: the server's RequestSpec, which is not changed.
        :param mappings: request group to the providers that serve it; None if
            that is not known.
        """
        if host_parts.are_asked_for(spec):
            # nova changes both of them.
            spec, trial = host_parts.mapped(spec, mappings), copy.copy(self)
            trial.pci_stats = host_parts.with_own_pools(self.pci_stats)
            trial.limits = {'numa_topology': host_parts.limits(self, spec)}
            # NOTE: what calls it in nova/scheduler/host_manager.py keeps its
            # errors to itself.
            with contextlib.suppress(exception.PciDeviceRequestFailed):
                trial._locked_consume_from_request(spec)
                trial.limits = self.limits
                self.__dict__.update(trial.__dict__)
                return
            spec.numa_topology = spec.pci_requests = None
        self.consume_from_request(spec)

    def without_parts(self) -> HostState:
        """Return a copy of this state that tells of no parts.

        nova counts in it what a server takes of all else.
        """
        state = copy.copy(self)
        state.numa_topology = state.pci_stats = None
        return state

    def note(self, servers: Iterable[str]) -> None:
        """Let filters see that servers are on the host.

        Only for copies of :meth:`without`.

        :param servers: their uuids; what they take is counted already.
        """
        for uuid in servers:
            # A stub is enough, because filters look at the uuids only.
            if uuid not in self.instances:
                self.instances[uuid] = objects.Instance(uuid=uuid)
