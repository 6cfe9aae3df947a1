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


"""What to write so that victims hold again what was taken from them.

The entries in the journal tell what that is, wherever a victim is by now: a
victim that was moved since the claim has taken its entries along, or its
migration is to hold it, as moved_victims.py tells.
"""

from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import typing

from opie.scheduler import resources
from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import moved_victims
from opie.scheduler.claims import parts
from opie.scheduler.placement import client as placement


@dataclasses.dataclass(frozen=True)
class _Victim:
    """A consumer with entries: a victim, or the migration of one.

    :ivar provider: uuid of the provider of the host where it was taken.
    :ivar taken: what was taken from it, by provider.
    :ivar others: what it holds besides its entries, by provider.
    """

    consumer: placement.Consumer
    provider: str
    taken: resources.Allocations
    others: resources.Allocations

    @property
    def is_bare(self) -> bool:
        """Whether nothing is left where something was taken."""
        return bool(self.taken) and self.provider not in self.others


def bodies(
    client: placement.Client, preemptions: Iterable[journal_names.Preemption]
) -> dict[str, dict[str, dict[str, typing.Any]]]:
    """Return victim to what restores it, of those still in the journal.

    :returns: uuid of a victim to {consumer uuid: body}; the bodies of one
        victim have to be written together.
    """
    taken_from = {
        one.journal_provider: one.nominated_provider for one in preemptions
    }
    victims = _victims(client, taken_from)
    # Read after the generations, so that no move that begins is missed.
    places = moved_victims.places(
        {
            uuid: (victim.provider, frozenset(victim.others))
            for uuid, victim in victims.items()
            if victim.is_bare
        }
    )
    return {
        uuid: _restoring(
            client, victim, places.get(uuid, moved_victims.Place(uuid))
        )
        for uuid, victim in victims.items()
    }


def _victims(
    client: placement.Client, taken_from: Mapping[str, str]
) -> dict[str, _Victim]:
    """Return uuid to :class:`_Victim` of all consumers with entries.

    :param taken_from: journal provider to the host's provider from which its
        entries tell that something was taken.
    """
    uuids: set[str] = set()
    for provider in taken_from:
        if journal.exists(client, provider):
            _, booked_on = client.provider_allocations(provider)
            uuids |= booked_on.keys()
    consumers = [client.consumer(uuid) for uuid in sorted(uuids)]
    of_parts = _parts(client, consumers, taken_from)
    victims = {}
    for consumer in consumers:
        victim = _victim(consumer, taken_from, of_parts)
        # One that nova deletes meanwhile has no entry any more, or not the
        # generation that is read here.
        if victim:
            victims[consumer.uuid] = victim
    return victims


def _parts(
    client: placement.Client,
    consumers: Iterable[placement.Consumer],
    taken_from: Mapping[str, str],
) -> dict[str, str]:
    """Return part to the provider from which was taken, of some preemptions.

    :param taken_from: has their journal providers.
    """
    others = {
        provider
        for consumer in consumers
        for provider, amounts in consumer.allocations.items()
        if journal.is_entry(amounts) and provider not in taken_from
    }
    return {
        uuid: part.taken_from
        for uuid, part in parts.among(client, others).items()
        if part.journal_provider in taken_from
    }


def _victim(
    consumer: placement.Consumer,
    taken_from: Mapping[str, str],
    of_parts: Mapping[str, str],
) -> _Victim | None:
    """Return a consumer with what was taken from it, None without entries.

    :param taken_from: journal provider to the provider of the host.
    :param of_parts: see :func:`_parts`.
    """
    held = consumer.allocations
    of_roots = held.keys() & taken_from.keys()
    if not of_roots:
        return None
    sources = {**taken_from, **of_parts}
    entries = {
        provider: held[provider] for provider in held.keys() & sources.keys()
    }
    taken = [
        {sources[provider]: journal.amounts_taken(entry)}
        for provider, entry in entries.items()
    ]
    return _Victim(
        consumer,
        taken_from[min(of_roots)],
        resources.add(*taken),
        {
            provider: amounts
            for provider, amounts in held.items()
            if provider not in entries
        },
    )


def _restoring(
    client: placement.Client, victim: _Victim, place: moved_victims.Place
) -> dict[str, dict[str, typing.Any]]:
    """Return what lets a consumer hold what a victim is to get back.

    :param place: tells which consumer.
    """
    consumer = victim.consumer
    others = {
        provider: amounts
        for provider, amounts in victim.others.items()
        if provider not in place.strays
    }
    if place.holder == consumer.uuid:
        restored = resources.add(others, victim.taken)
        return {consumer.uuid: consumer.body(restored)}
    written = {consumer.uuid: consumer.body(others)}
    if place.holder:
        holder = dataclasses.replace(
            client.consumer(place.holder),
            project_id=consumer.project_id,
            user_id=consumer.user_id,
        )
        written[place.holder] = holder.body(
            resources.add(holder.allocations, victim.taken)
        )
    return written
