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


"""The journal: which preemptions are in flight, kept in placement.

Each preemptor has a journal provider of its own, child of one provider
``opie``.  What a preemptor takes from a victim is booked on the victim there,
in resource classes that nothing requests, in the same transaction as the
claim.  So the journal is as atomic as the claim.  nova's own deletion of a
victim clears its entries, and a journal provider with entries cannot be
deleted.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
import typing
import uuid

from oslo_log import log as logging

from opie.scheduler import resources
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import parts
from opie.scheduler.placement import client as placement

LOG = logging.getLogger(__name__)

# Every scheduler derives the same uuid, so that only one can create it.
ROOT_UUID = str(uuid.uuid5(uuid.NAMESPACE_DNS, 'opie.openstack-opie'))
ROOT_NAME = journal_names.ROOT_NAME

CLASS_PREFIX = 'CUSTOM_PREEMPTED_'
# Every entry has one of these, so that there is an entry even on a server from
# which nothing is taken.  The first is for victims; the other is for servers
# that leave anyway, which are no evictions of the preemption.
VICTIM_CLASS = CLASS_PREFIX + 'SERVER'
LEAVING_CLASS = CLASS_PREFIX + 'LEAVING'

_INITIAL_GENERATION = 0


class NameTaken(placement.PlacementError):
    """Another software has a provider of the name that the journal needs."""


def entry_for(
    taken: resources.Amounts, is_leaving: bool = False
) -> dict[str, int]:
    """Return the journal's entry for what is taken from a victim.

    :param is_leaving: whether the server leaves anyway.
    """
    entry = {CLASS_PREFIX + name: amount for name, amount in taken.items()}
    entry[LEAVING_CLASS if is_leaving else VICTIM_CLASS] = 1
    return entry


def entry_of_part(
    taken: resources.Amounts, is_leaving: bool = False
) -> dict[str, int]:
    """Return the entry for what is taken from a victim below the root.

    The entry in the journal provider says that the preemption evicts it.
    """
    entry = entry_of_migration(taken)
    return {**entry, LEAVING_CLASS: 1} if is_leaving else entry


def entry_of_migration(taken: resources.Amounts) -> dict[str, int]:
    """Return the entry for what is taken from a migration of a victim.

    The victim has the entry that says what becomes of it.
    """
    return {CLASS_PREFIX + name: amount for name, amount in taken.items()}


def amounts_taken(entry: resources.Amounts) -> dict[str, int]:
    """Return what was taken from a victim, by its entry."""
    return {
        name.removeprefix(CLASS_PREFIX): amount
        for name, amount in entry.items()
        if name not in (VICTIM_CLASS, LEAVING_CLASS)
    }


def is_entry(amounts: resources.Amounts) -> bool:
    """Tell whether what a consumer holds on a provider is an entry."""
    return any(name.startswith(CLASS_PREFIX) for name in amounts)


def is_of_victim(amounts: resources.Amounts) -> bool:
    """Tell whether it is the entry of a server that a preemption evicts."""
    return VICTIM_CLASS in amounts


def is_of_leaving(amounts: resources.Amounts) -> bool:
    """Tell whether it is the entry of a server that leaves anyway."""
    return LEAVING_CLASS in amounts


def exists(client: placement.Client, provider: str) -> bool:
    """Tell whether there is a provider."""
    return bool(client.providers([('uuid', provider)]))


def in_flight(client: placement.Client) -> list[journal_names.Preemption]:
    """Return the preemption of every journal provider.

    Some may be over, and their providers about to be deleted.
    """
    return preemptions(all_providers(client), LOG.warning)


def all_providers(client: placement.Client) -> list[dict[str, typing.Any]]:
    """Return every journal provider, as placement has them."""
    return [
        provider
        for provider in client.providers([('in_tree', ROOT_UUID)])
        if provider['uuid'] != ROOT_UUID
    ]


def preemptions(
    its_providers: Iterable[dict[str, typing.Any]],
    complain: Callable[[str, str], None],
) -> list[journal_names.Preemption]:
    """Return what the names of journal providers tell of preemptions.

    :param complain: logs a message with a name that is not the journal's.
    """
    found = []
    for provider in its_providers:
        name = provider['name']
        if journal_names.is_of_waste(name) or parts.is_part(name):
            continue
        try:
            found.append(
                journal_names.Preemption.from_name(
                    provider['uuid'], provider['name']
                )
            )
        except ValueError:
            complain(
                'The resource provider %s is in the tree of the journal, and '
                'has no name of it.',
                provider['name'],
            )
    return found


def entries(
    client: placement.Client, provider: str
) -> dict[str, dict[str, int]]:
    """Return consumer uuid to entry, of one journal provider.

    A consumer is a victim, or the migration of one.  A provider that does not
    exist has none.
    """
    try:
        _, booked_on = client.provider_allocations(provider)
    except placement.ErrorResponse:
        # Another worker has closed it in this moment.
        return {}
    return booked_on


def open_provider(
    client: placement.Client,
    preemption: journal_names.Preemption,
    expected: Iterable[resources.Amounts],
    in_parts: Mapping[parts.Part, Iterable[resources.Amounts]] | None = None,
) -> None:
    """Create the journal provider of a preemption, with its parts.

    :param expected: the entries that will be booked there.
    :param in_parts: part to the entries that will be booked in the part.
    """
    provider = preemption.journal_provider
    creating = [
        (provider, preemption.name, ROOT_UUID, resources.total(expected)),
        *(
            (part.uuid, part.name, provider, resources.total(booked))
            for part, booked in (in_parts or {}).items()
        ),
    ]
    try:
        _create(client, creating)
    except placement.ErrorResponse:
        # It is the first preemption of a cloud, or the first with this class.
        _ensure_root(client)
        classes = set().union(*(totals for *_, totals in creating))
        for resource_class in sorted(classes):
            client.ensure_resource_class(resource_class)
        close_provider(client, provider)
        _create(client, creating)


def _create(
    client: placement.Client,
    creating: Iterable[tuple[str, str, str, resources.Amounts]],
) -> None:
    """Create providers.

    :param creating: (uuid, name, parent's uuid, totals) of each.
    """
    for provider, name, parent, totals in creating:
        client.create_provider(provider, name, parent)
        client.set_totals(provider, _INITIAL_GENERATION, totals)


def _ensure_root(client: placement.Client) -> None:
    try:
        client.create_provider(ROOT_UUID, ROOT_NAME)
    except placement.ErrorResponse as exc:
        if exc.status != 409:
            raise
        if not exists(client, ROOT_UUID):
            raise NameTaken(
                'a resource provider is named %r already, which is the '
                'name that the journal of preemptions needs: rename it'
                % ROOT_NAME
            ) from exc


def close_provider(client: placement.Client, provider: str) -> int | None:
    """Delete a journal provider, unless it has entries.

    :returns: how many victims the provider was opened for, without servers
        that leave anyway: 0 if for none, and
        if the provider is not there.  None if placement refuses for any other
        reason, so that the provider has to stay for now.
    :raises placement.NoAnswer: if placement does not answer.

    NOTE: placement/objects/resource_provider.py counts what is booked on a
    provider and then deletes it, with whatever was booked in between.  So
    its inventories go first, by its generation: without them nothing can
    be booked any more.
    """
    try:
        generation, totals = client.inventories(provider)
        if totals:
            client.set_totals(provider, generation, {})
        _delete(client, provider)
    except placement.ErrorResponse as exc:
        return 0 if exc.status == 404 else None
    return victims_of(totals)


def _delete(client: placement.Client, provider: str) -> None:
    """Delete a journal provider that has no inventories, and its parts."""
    try:
        client.delete_provider(provider)
    except placement.ErrorResponse as exc:
        if exc.status != 409:
            raise
        its_parts = [
            one['uuid']
            for one in all_providers(client)
            if one['parent_provider_uuid'] == provider
        ]
        if not its_parts:
            raise
        for part in its_parts:
            close_provider(client, part)
        client.delete_provider(provider)


def victims_of(inventories: dict[str, dict[str, typing.Any]]) -> int:
    """Return for how many victims a journal provider was opened.

    Servers that leave anyway do not count.

    :param inventories: resource class to inventory, of the provider.
    """
    return inventories.get(VICTIM_CLASS, {}).get('total', 0)
