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

"""Potential victims as values for the planner."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping

from nova.compute import vm_states

from opie.preemption import amounts
from opie.preemption import model
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.placement import providers
from opie.scheduler.planning import old_places

_Servers = Iterable[preemptibles.PreemptibleServer]
_Held = Mapping[str, model.Amounts]


def from_facts(
    servers: _Servers,
    facts: providers.ProviderFacts,
    places: Collection[old_places.OldPlace] = (),
) -> list[model.Server]:
    """Return potential victims with what they hold, as placement has it.

    A server without allocations frees nothing, and has nothing that the
    journal could tell of, so it is left out.

    :param places: the old places on their host.
    """
    migrations = {one.server.uuid: one.migration for one in places}
    found = []
    for server in servers:
        held = facts.allocations.get(server.uuid, {})
        migration = migrations.get(server.uuid, '')
        of_migration = facts.allocations.get(migration, {})
        by_migration: _Held = {}
        # What is taken is split in two, which units might not allow.
        if of_migration and facts.has_single_units(of_migration):
            by_migration = {migration: of_migration}
            held = amounts.total([held, of_migration])
        if held:
            found.append(_victim(server, held, by_migration))
    return found


def estimate(
    server: preemptibles.PreemptibleServer,
    known: _Held,
    size: model.Amounts,
    places: Collection[old_places.OldPlace],
) -> model.Server:
    """Return a potential victim with what it may hold.

    :param known: consumer to what it held once.
    :param size: what the server's flavor takes.
    :param places: the old places on the host.
    """
    held = known.get(server.uuid) or size
    for place in places:
        if place.server.uuid == server.uuid and place.migration in known:
            of_migration = known[place.migration]
            held = (
                of_migration
                if place.is_elsewhere
                else amounts.total([held, of_migration])
            )
    return _victim(server, held, {})


def _victim(
    server: preemptibles.PreemptibleServer,
    held: model.Amounts,
    by_migration: _Held,
) -> model.Server:
    return model.Server(
        server.uuid,
        held,
        server.launched_at,
        protected_since=server.protected_since,
        is_soft_deleted=server.vm_state == vm_states.SOFT_DELETED,
        by_migration=by_migration,
    )
