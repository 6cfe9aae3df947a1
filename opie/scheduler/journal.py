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

import time
import uuid

from oslo_log import log as logging

from opie.scheduler import placement

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
_DEADLINE_FIELD = 3  # of a provider's name, counted from 0
_INITIAL_GENERATION = 0

# How long after its deadline a preemption is surely over: giving back is tried
# for a minute, and clocks differ.
_MARGIN_SECONDS = 300


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

    :param client: a :class:`placement.Placement`.
    """
    return bool(client.providers([('uuid', provider)]))


def victims_in_flight(client):
    """Return the uuids of all victims of all preemptions under way.

    Providers that were left over, because placement was away when they should
    have been deleted, are deleted.

    :param client: a :class:`placement.Placement`.
    """
    victims = set()
    for provider in client.providers([('in_tree', ROOT_UUID)]):
        if provider['uuid'] != ROOT_UUID:
            try:
                _, entries = client.provider_allocations(provider['uuid'])
            except placement.Refused:
                # It was closed in this moment.
                continue
            if not entries and _is_over(provider['name']):
                _delete_left_over(client, provider)
            victims |= entries.keys()
    return victims


def _is_over(name):
    """Tell whether the deadline in a provider's name is long past."""
    try:
        deadline = int(name.split(':')[_DEADLINE_FIELD])
    except (IndexError, ValueError):
        return False
    return time.time() > deadline + _MARGIN_SECONDS


def _delete_left_over(client, provider):
    # Should it be in use all the same, placement refuses to delete it, or
    # refuses the claim that names it.
    try:
        client.delete_provider(provider['uuid'])
    except placement.PlacementError as exc:
        LOG.warning(
            'Cannot delete the resource provider %(name)s, which was left '
            'over by a preemption: %(error)s.',
            {'name': provider['name'], 'error': exc},
        )
    else:
        LOG.info(
            'Deleted the resource provider %s, which was left over by a '
            'preemption.',
            provider['name'],
        )


def is_entry(resources):
    """Tell whether allocations on a provider are a journal's entry."""
    return VICTIM_CLASS in resources


def provider_name(preemptor, attempt, deadline, owner):
    """Return ``opie:preemptor:attempt:deadline:owner``.

    :param deadline: seconds since the epoch, by the owner's clock.
    :param owner: the scheduler host that carries the preemption out.
    """
    name = '%s:%s:%d:%d:%s' % (ROOT_NAME, preemptor, attempt, deadline, owner)
    return name[:_MAX_NAME_LENGTH]


class Journal:
    """The journal, as one preemption writes it.

    :param client: a :class:`placement.Placement`.
    """

    def __init__(self, client):
        self._client = client

    def open(self, provider, name, entries):
        """Create a provider for a preemptor.

        :param provider: its uuid, a new one.
        :param name: see :func:`provider_name`.
        :param entries: the entries that will be booked on it.
        """
        totals = {}
        for entry in entries:
            for resource_class, amount in entry.items():
                totals[resource_class] = totals.get(resource_class, 0) + amount
        try:
            self._create(provider, name, totals)
        except placement.Refused:
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
        """Delete a provider; return False if victims are still booked."""
        try:
            self._client.delete_provider(provider)
        except placement.Refused as exc:
            return exc.status == 404
        return True

    def _ensure_root(self):
        try:
            self._client.create_provider(ROOT_UUID, ROOT_NAME)
        except placement.Refused as exc:
            if exc.status != 409:
                raise
            if not exists(self._client, ROOT_UUID):
                raise NameTaken(
                    'a resource provider is named %r already, which is the '
                    'name that the journal of preemptions needs: rename it'
                    % ROOT_NAME
                ) from exc
