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

"""Several preemptions on one victim: one evicts it, the others wait for it.

A victim that keeps more than was taken of it leaves all the same, so that
later preemptions take their part.  Each books an entry of its own on it.
"""

from collections.abc import Iterable
from collections.abc import Mapping

from opie.preemption import model
from opie.preemption import rows
from opie.scheduler import errors
from opie.scheduler import resources
from opie.scheduler.claims import journal
from opie.scheduler.claims import parts
from opie.scheduler.placement import client as placement


def check(
    planned: Iterable[tuple[str, model.Server]],
    now: Mapping[str, placement.Consumer],
    are_leaving: bool,
) -> None:
    """Check that victims hold what their plan says they do.

    :param planned: (provider, server) of all victims of the plan.
    :param now: uuid to consumer, of all of them and of the migrations that
        hold for them.
    :param are_leaving: whether those are checked that leave anyway, or others.
    :raises errors.ClaimFailed: naming those that do not.  Leaving ones may
        serve the next plan, so it names none of them as a victim.
    """
    changed = {
        server.uuid
        for provider, server in planned
        if server.is_leaving == are_leaving
        and not _is_as_planned(server, provider, now)
    }
    if changed:
        raise errors.ClaimFailed(
            'allocations changed of %s' % ', '.join(sorted(changed)),
            *(() if are_leaving else changed),
            is_race=True,
        )


def _is_as_planned(
    server: model.Server,
    provider: str,
    now: Mapping[str, placement.Consumer],
) -> bool:
    held = now[server.uuid].allocations
    planned = rows.to_allocations(provider, server.held_itself)
    if any(
        held.get(one, {}) != planned.get(one, {})
        for one in planned.keys() | {provider}
    ):
        return False
    if server.is_leaving:
        # One that is gone holds nothing at all.
        return bool(held)
    return not _has_entries(held) and not any(
        now[migration].allocations.get(provider) != amounts
        or _has_entries(now[migration].allocations)
        for migration, amounts in server.by_migration.items()
    )


def _has_entries(held: resources.Allocations) -> bool:
    return any(map(journal.is_entry, held.values()))


def before(
    client: placement.Client, held: resources.Allocations, provider: str
) -> resources.Allocations:
    """Return what a victim would hold if no other preemption waited for it.

    :param held: what it holds.
    :param provider: of its host, from which the others have taken.
    """
    entries = {
        one: entry
        for one, entry in held.items()
        if journal.is_of_leaving(entry)
    }
    in_parts = parts.among(client, entries)
    taken = []
    for one, entry in entries.items():
        source = in_parts[one].taken_from if one in in_parts else provider
        taken.append({source: journal.amounts_taken(entry)})
    return resources.add(
        {one: held[one] for one in held.keys() - entries.keys()}, *taken
    )


def is_evicted(held: resources.Allocations) -> bool:
    """Tell whether a preemption is evicting a server, by what it holds."""
    return any(map(journal.is_of_victim, held.values()))
