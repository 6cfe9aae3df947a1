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

"""What preemptible servers hold besides their places of today.

The eviction of a server whose resize or migration is unconfirmed frees its old
place as well: nova confirms the move before it deletes the server.  So such a
server is a potential victim on the host of its old place, too.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
import typing

from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.nova_db import old_places
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.planning import protection

if typing.TYPE_CHECKING:
    from opie.scheduler.planning import inputs

_Servers = tuple[preemptibles.PreemptibleServer, ...]


class OldPlace(typing.NamedTuple):
    """An old place on one host.

    :ivar server: as it is now.
    :ivar migration: uuid of the consumer that holds the place.
    :ivar is_elsewhere: whether the server is on another host now.
    """

    server: preemptibles.PreemptibleServer
    migration: str
    is_elsewhere: bool


class OldPlaces:
    """The old places at one moment.

    :param by_provider: provider to the old places on its host.
    """

    def __init__(self, by_provider: dict[str, tuple[OldPlace, ...]]) -> None:
        self._by_provider = by_provider
        self._host_of = {
            one.server.uuid: (one.server.host, one.server.node)
            for places in by_provider.values()
            for one in places
        }

    def on(self, provider: str, number: int) -> tuple[OldPlace, ...]:
        """Return the old places on one host that may be planned with.

        :param number: how many preemptors the request has.  A plan for several
            could choose a server on both of its hosts, so it sees each server
            where that is today.
        """
        return tuple(
            one
            for one in self._by_provider.get(provider, ())
            if number == 1 or not one.is_elsewhere
        )

    def host_of(self, server: str) -> tuple[str, str] | None:
        """Return (host, node) of a server that has an old place, or None."""
        return self._host_of.get(server)


def read(
    worker: inputs.Worker, nodes: Mapping[str, compute_nodes.Compute]
) -> OldPlaces:
    """Return the old places of all preemptible servers.

    No database is asked where no such server is resized.

    :param nodes: provider to compute node.
    :raises errors.SilentCells: if a cell does not answer.
    """
    resized = worker.host_manager.index.resized()
    asked = [
        cell
        for cell in worker.host_manager.enabled_cells
        if resized.get(cell.uuid)
    ]
    if not asked:
        return OldPlaces({})
    answers, silent = cells.ask(
        asked,
        lambda context: old_places.read(context, resized[context.cell_uuid]),
    )
    cells.check_all_answered(silent)
    by_name = {
        (node.cell_uuid, node.host, node.hypervisor_hostname): provider
        for provider, node in nodes.items()
    }
    found: dict[str, tuple[OldPlace, ...]] = {}
    for cell, places in answers.items():
        for one in places:
            # A resize to another cell has left a host of another cell.
            provider = by_name.get((cell, one.host, one.node))
            if provider is not None:
                server = resized[cell][one.server]
                is_elsewhere = (one.host, one.node) != (
                    server.host,
                    server.node,
                )
                place = OldPlace(server, one.migration, is_elsewhere)
                found[provider] = (*found.get(provider, ()), place)
    return OldPlaces(found)


def potential_victims(
    protected: protection.Protection,
    host: str,
    servers: Iterable[preemptibles.PreemptibleServer],
    places: Collection[OldPlace],
    excluded: Collection[str] = (),
) -> _Servers:
    """Return the potential victims on a host, also by their old places.

    A server that is elsewhere may be evicted if that is allowed on both hosts.

    :param servers: the preemptible servers that are on the host.
    :param places: the old places there.
    :param excluded: uuids of servers, or of their migrations, that are to be
        no victims.
    """
    here = {server.uuid: server for server in servers}
    for one in places:
        if one.is_elsewhere and not protected.why_protected(one.server.host):
            here.setdefault(one.server.uuid, one.server)
    by_migration = {
        one.server.uuid for one in places if one.migration in excluded
    }
    return protected.potential_victims(
        host, here.values(), by_migration.union(excluded)
    )
