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

"""The servers that leave their hosts anyway, and whose room is free then.

Nova was asked to delete them, or the journal says that another preemption
evicts them and keeps only a part of what they hold.  A server that has been
leaving for too long may be stuck, so that it counts no more.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
import dataclasses
import datetime
import time
import typing

import nova.conf
from oslo_utils import timeutils

from opie.preemption import model
from opie.scheduler import resources
from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.nova_db import deletions
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.placement import providers

if typing.TYPE_CHECKING:
    from opie.scheduler.planning import inputs

CONF = nova.conf.CONF

_Nodes = Mapping[str, compute_nodes.Compute]
_NOTHING: resources.Amounts = {}

# What nova knows of a leaving server.
Record = deletions.DeletedServer | preemptibles.PreemptibleServer


@dataclasses.dataclass(frozen=True)
class LeavingServer:
    """A server that leaves.

    :ivar record: what nova knows of it.
    :ivar since: when it began to leave, in seconds since the epoch.
    :ivar taken: what other preemptors have taken of it already.
    :ivar is_booked: whether another preemption has an entry on it.
    """

    record: Record
    since: float
    taken: resources.Amounts = dataclasses.field(
        default_factory=lambda: _NOTHING
    )
    is_booked: bool = False

    @property
    def uuid(self) -> str:
        """The server's uuid."""
        return self.record.uuid

    @property
    def is_overdue(self) -> bool:
        """Whether it has been leaving for too long to wait any more."""
        return time.time() >= self.since + _patience_seconds()

    def value(self, facts: providers.ProviderFacts) -> model.Server:
        """Return the server with what it holds, as placement has it."""
        held = facts.allocations.get(self.uuid, {})
        return model.Server(self.uuid, held, is_leaving=True)

    def may_be_joined(self, facts: providers.ProviderFacts) -> bool:
        """Tell whether a claim can write what the server keeps.

        A server that holds nothing at all, not even an entry in the journal,
        is gone in this moment.
        """
        held = facts.allocations.get(self.uuid)
        if held is None:
            return self.is_booked
        return facts.may_be_left(held)

    def estimate(
        self, size: resources.Amounts, known: resources.Amounts | None
    ) -> model.Server:
        """Return the server with what it keeps, or more.

        :param size: what its flavor takes.
        :param known: what it held once, maybe before others took their part;
            None if that is not known.
        """
        held = {
            name: min(amount, size[name] - self.taken.get(name, 0))
            if name in size
            else amount
            for name, amount in (size if known is None else known).items()
        }
        return model.Server(
            self.uuid,
            {name: amount for name, amount in held.items() if amount > 0},
            is_leaving=True,
        )


class Leaving:
    """The leaving servers at one moment.

    :param by_provider: provider to leaving server's uuid to the server.
    """

    def __init__(
        self,
        worker: inputs.Worker,
        by_provider: dict[str, dict[str, LeavingServer]],
    ) -> None:
        self._worker = worker
        self._by_provider = by_provider

    def before(self, provider: str) -> tuple[LeavingServer, ...]:
        """Return the leaving servers of one host, without those of plans."""
        return tuple(self._by_provider.get(provider, {}).values())

    def on(
        self,
        node: compute_nodes.Compute,
        planned: Collection[str],
        excluded: Collection[str],
    ) -> dict[str, LeavingServer]:
        """Return uuid to leaving server, of one host.

        :param planned: uuids of victims that plans of this moment evict, or
            wait for; they leave as well.
        :param excluded: uuids to leave out.
        """
        found = self._by_provider.get(node.uuid, {})
        if planned and _patience_seconds():
            evicted = {
                server.uuid: LeavingServer(server, time.time(), is_booked=True)
                for server in _on(self._worker, node)
                if server.uuid in planned
            }
            found = {**evicted, **found}
        if not found or not excluded:
            return found
        return {
            uuid: one for uuid, one in found.items() if uuid not in excluded
        }


def read(
    worker: inputs.Worker,
    nodes: _Nodes,
    in_flight: inputs.InFlight,
    stuck_hosts: Collection[str] = (),
) -> Leaving:
    """Return the servers that are leaving.

    :param nodes: provider to compute node.
    :param in_flight: what the journal says.
    :param stuck_hosts: names of hosts that no server leaves.
    :raises errors.SilentCells: if a cell does not answer.
    """
    found: dict[str, dict[str, LeavingServer]] = {}
    if stuck_hosts:
        nodes = {
            provider: node
            for provider, node in nodes.items()
            if node.host not in stuck_hosts
        }
    if _patience_seconds():
        evictions = in_flight.evictions()
        for provider, server in (
            *_evicted(worker, nodes, evictions),
            *_deleted(worker, nodes, evictions),
        ):
            found.setdefault(provider, {})[server.uuid] = server
    return Leaving(worker, found)


def _patience_seconds() -> int:
    return CONF.opie.max_wait_for_deletion_seconds


def _evicted(
    worker: inputs.Worker, nodes: _Nodes, evictions: Mapping[str, typing.Any]
) -> Iterator[tuple[str, LeavingServer]]:
    """Yield (provider, victim) by the journal, deleted already or not."""
    for uuid, (preemption, taken) in evictions.items():
        provider, began = preemption.nominated_provider, preemption.began
        if began is None or provider not in nodes:
            continue
        for record in _on(worker, nodes[provider]):
            server = LeavingServer(record, began, taken, is_booked=True)
            if record.uuid == uuid and not server.is_overdue:
                yield provider, server


def _deleted(
    worker: inputs.Worker, nodes: _Nodes, evictions: Mapping[str, typing.Any]
) -> Iterator[tuple[str, LeavingServer]]:
    """Yield (provider, server) by nova's records."""
    found, silent = deletions.read(
        worker.host_manager.enabled_cells,
        timeutils.utcnow() - datetime.timedelta(seconds=_patience_seconds()),
    )
    cells.check_all_answered(silent)
    if not found:
        return
    by_name = {
        (node.cell_uuid, node.host, node.hypervisor_hostname): provider
        for provider, node in nodes.items()
    }
    for cell_uuid, record in found:
        provider = by_name.get((cell_uuid, record.host, record.node))
        if provider is None:
            continue
        taken = _NOTHING
        if record.uuid in evictions:
            taken = evictions[record.uuid].taken
        asked_at = record.updated_at.replace(tzinfo=datetime.UTC)
        yield (
            provider,
            LeavingServer(
                record,
                asked_at.timestamp(),
                taken,
                record.uuid in evictions,
            ),
        )


def _on(
    worker: inputs.Worker, node: compute_nodes.Compute
) -> tuple[preemptibles.PreemptibleServer, ...]:
    return worker.host_manager.index.on(
        node.cell_uuid, node.host, node.hypervisor_hostname
    )
