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

Each preemptor that takes from victims has a provider of its own, child of one
provider ``opie``.  What it took from a victim is booked there on the victim,
in classes that nothing requests, in the same transaction as the claim.  So
the journal is as atomic as the claim, nova's own deletion of a victim clears
its entries, and a provider that is still in use cannot be deleted.
"""

import dataclasses
import typing
import uuid

from oslo_log import log as logging

from opie.scheduler.claims import journal_names
from opie.scheduler.placement import client as placement

LOG = logging.getLogger(__name__)

# Every scheduler derives the same uuid, so that only one can create it.
ROOT_UUID = str(uuid.uuid5(uuid.NAMESPACE_DNS, 'opie.openstack-opie'))
ROOT_NAME = 'opie'

CLASS_PREFIX = 'CUSTOM_PREEMPTED_'
# One of it is booked on every victim, so that there is an entry even for one
# of which nothing is taken.
VICTIM_CLASS = CLASS_PREFIX + 'SERVER'

# Source: placement's schema of a provider.
_MAX_NAME_LENGTH = 200
_INITIAL_GENERATION = 0


class NameTaken(placement.PlacementError):
    """Somebody else has a provider of the journal's name."""


def booked(resources):
    """Return the journal's entry for what is taken of a victim."""
    entry = {CLASS_PREFIX + name: amount for name, amount in resources.items()}
    entry[VICTIM_CLASS] = 1
    return entry


def taken(entry):
    """Return what was taken of a victim, from its entry."""
    return {
        name[len(CLASS_PREFIX) :]: amount
        for name, amount in entry.items()
        if name != VICTIM_CLASS
    }


def exists(client, provider):
    """Tell whether there is a provider.

    :param client: a :class:`placement.Client`.
    """
    return bool(client.providers([('uuid', provider)]))


@dataclasses.dataclass(frozen=True)
class Preemption:
    """A preemption in flight, as the name of its provider tells it.

    One for each preemptor, also of a request for several servers.

    :ivar journal_provider: uuid of its provider in the journal.
    :ivar preemptor: uuid of the preemptor.
    :ivar attempt: number of its plan, from 1.
    :ivar deadline: when it is over, in seconds since the epoch by the clock of
        its scheduler host.
    :ivar nominated_provider: uuid of the nominated host's provider.
    :ivar scheduler_host: name of the scheduler host that carries it out.
    :ivar began: when it was about to be claimed, in seconds since the epoch by
        the clock of its scheduler host, to the millisecond; None for one that
        takes nothing of a victim, and in names as they were before.
    :ivar project: the :func:`journal_names.label` of its preemptor's project;
        None likewise.
    """

    journal_provider: str
    preemptor: str
    attempt: int
    deadline: int
    nominated_provider: str
    scheduler_host: str
    began: float | None = None
    project: str | None = None

    @property
    def name(self):
        """The name of its provider."""
        fields = (
            ROOT_NAME,
            self.preemptor,
            self.attempt,
            self.deadline,
            self.nominated_provider,
            *journal_names.fields(self.began, self.project),
            self.scheduler_host,
        )
        return ':'.join(map(str, fields))[:_MAX_NAME_LENGTH]

    @classmethod
    def from_name(cls, journal_provider, name):
        """Return what a name tells.

        :raises ValueError: if it is not the name of a journal's provider.
        """
        root, preemptor, attempt, deadline, nominated, rest = name.split(
            ':', 5
        )
        if root != ROOT_NAME:
            raise ValueError(name)
        return cls(
            journal_provider,
            preemptor,
            int(attempt),
            int(deadline),
            nominated,
            *journal_names.split(rest),
        )


def in_flight(client):
    """Return the :class:`Preemption` of every provider in the journal.

    Some may be over, and their providers about to be deleted.

    :param client: a :class:`placement.Client`.
    """
    return _preemptions(_providers(client), LOG.warning)


def _preemptions(providers, complain):
    preemptions = []
    for provider in providers:
        try:
            preemptions.append(
                Preemption.from_name(provider['uuid'], provider['name'])
            )
        except ValueError:
            complain(
                'The resource provider %s is in the tree of the journal, and '
                'has no name of it.',
                provider['name'],
            )
    return preemptions


def entries(client, provider):
    """Return consumer uuid to what is booked on it, in one provider.

    A consumer is a victim, or the migration of one.  A provider that does not
    exist has none.
    """
    try:
        _, booked_on = client.provider_allocations(provider)
    except placement.ErrorResponse:
        # It was closed in this moment.
        return {}
    return booked_on


class InFlight(typing.NamedTuple):
    """What the journal says at one moment.

    :ivar victims: the uuids of all victims of all preemptions in flight.
    :ivar preemptions: every :class:`Preemption`.
    """

    victims: frozenset
    preemptions: list


class Reader:
    """Knows the victims in flight, as one worker has read them.

    A claim raises the generation of its provider, so none of them is missed.
    Those that are gone may stay until their provider is deleted.
    """

    def __init__(self):
        self._victims = {}  # (provider uuid, generation) to victims

    def read(self, client):
        """Return what is :class:`InFlight`."""
        providers = _providers(client)
        victims = {}
        for provider in providers:
            key = provider['uuid'], provider['generation']
            victims[key] = self._victims.get(key)
            if victims[key] is None:
                booked_on = entries(client, provider['uuid'])
                victims[key] = frozenset(booked_on)
        self._victims = victims
        return InFlight(
            frozenset().union(*victims.values()),
            # The reaper complains of others.
            _preemptions(providers, LOG.debug),
        )


def _providers(client):
    return [
        provider
        for provider in client.providers([('in_tree', ROOT_UUID)])
        if provider['uuid'] != ROOT_UUID
    ]


def is_entry(resources):
    """Tell whether allocations on a provider are a journal's entry."""
    return VICTIM_CLASS in resources


def victims_of(totals):
    """Return how many victims a provider with some totals has room for."""
    return totals.get(VICTIM_CLASS, {}).get('total', 0)


class Journal:
    """The journal, as one preemption writes it.

    :param client: a :class:`placement.Client`.
    """

    def __init__(self, client):
        self._client = client

    def open(self, preemption, entries):
        """Create a provider for a preemptor.

        :param preemption: a :class:`Preemption`, with a new provider.
        :param entries: the entries that will be booked on it.
        """
        provider, name = preemption.journal_provider, preemption.name
        totals = {}
        for entry in entries:
            for resource_class, amount in entry.items():
                totals[resource_class] = totals.get(resource_class, 0) + amount
        try:
            self._create(provider, name, totals)
        except placement.ErrorResponse:
            # The first preemption of a cloud, or the first of this shape.
            self._ensure_root()
            for resource_class in sorted(totals):
                self._client.ensure_resource_class(resource_class)
            self.close(provider)
            self._create(provider, name, totals)

    def _create(self, provider, name, totals):
        self._client.create_provider(provider, name, ROOT_UUID)
        self._client.set_totals(provider, _INITIAL_GENERATION, totals)

    def close(self, provider):
        """Delete a provider, unless victims are still booked.

        :returns: how many victims this call has taken the room of: 0 if
            another one was faster, None if the provider has to stay.

        NOTE: placement/objects/resource_provider.py counts what is booked on a
        provider and then deletes it, with whatever was booked in between.  So
        its inventories go first, by its generation: without them nothing can
        be booked any more.
        """
        try:
            generation, totals = self._client.inventories(provider)
            if totals:
                self._client.set_totals(provider, generation, {})
            self._client.delete_provider(provider)
        except placement.ErrorResponse as exc:
            return 0 if exc.status == 404 else None
        return victims_of(totals)

    def _ensure_root(self):
        try:
            self._client.create_provider(ROOT_UUID, ROOT_NAME)
        except placement.ErrorResponse as exc:
            if exc.status != 409:
                raise
            if not exists(self._client, ROOT_UUID):
                raise NameTaken(
                    'a resource provider is named %r already, which is the '
                    'name that the journal of preemptions needs: rename it'
                    % ROOT_NAME
                ) from exc
