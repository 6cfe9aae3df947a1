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

"""Gives back to victims what was taken of them, and drops the claim.

It goes by what is booked in the journal, wherever that is by now: a victim
that was moved since the claim has taken its entry along, or its place is held
as moved_victims.py tells.  A victim on its way out gets everything back too,
because its guest runs until nova has destroyed it.
"""

import dataclasses

from oslo_log import log as logging

from opie.scheduler import waiting
from opie.scheduler.claims import journal
from opie.scheduler.claims import moved_victims
from opie.scheduler.placement import client as placement

LOG = logging.getLogger(__name__)

# Placement may just be restarting, and what is not given back is lost to its
# owners.
_PATIENCE_SECONDS = 60
# It may be other claims, which are being dropped, that leave no room.
_PATIENCE_WITHOUT_ROOM_SECONDS = 5


class _NoRoom(Exception):
    """The claims are dropped, but placement has no room for some victims."""


def give_back(
    client,
    hosts,
    providers,
    is_claim_dropped=True,
    patience_seconds=_PATIENCE_SECONDS,
):
    """Give back what preemptors took, and drop their claims.

    One transaction for all of them, with the generations of what was read
    just before, and repeated until it succeeds.

    :param client: a :class:`opie.scheduler.placement.client.Client`.
    :param hosts: preemptor to the uuid of its nominated host's provider, for
        those that give up.
    :param providers: preemptor to its journal provider, for those of them
        that took anything.
    :param is_claim_dropped: False if the preemptors keep their claims, and
        only what there is room for besides them can be given back.
    :param patience_seconds: how long to try; 0 for once, by somebody who
        comes again and may meet others at it.
    :returns: whose allocations have changed, uuids; None if it could not be
        done in that time, or not for all victims, and the journal tells what
        there is to do.
    """
    patience = waiting.Deadline.after(patience_seconds)
    without_room = waiting.Deadline.after(_PATIENCE_WITHOUT_ROOM_SECONDS)
    for _ in waiting.tries(waiting.FOR_PLACEMENT, patience):
        try:
            return _try(client, hosts, providers, is_claim_dropped)
        except _NoRoom as exc:
            error = exc
            if without_room.is_over:
                break
        # Whatever it is, giving up is worse.
        except Exception as exc:
            error = exc
    is_tried_once = not patience_seconds
    if is_tried_once and getattr(error, 'is_overtaken', False):
        level = logging.INFO
    elif isinstance(error, _NoRoom):
        level = logging.WARNING
    else:
        level = logging.ERROR
    _complain(level, hosts, providers, error)
    return None


def _complain(level, hosts, providers, error):
    LOG.log(
        level,
        'Could not give back what %(preemptors)s took: %(error)s. The journal '
        'tells it, in the resource providers %(providers)s.',
        {
            'preemptors': ', '.join(sorted(hosts)),
            'providers': ', '.join(sorted(providers.values())) or '(none)',
            'error': error,
        },
    )


def _try(client, hosts, providers, is_claim_dropped):
    """Write everything at once, or what placement has room for.

    :returns: whose allocations were written.
    :raises _NoRoom: if it has none for some victims.
    """
    victims = _victim_bodies(client, hosts, providers)
    claims = _claim_bodies(client, hosts) if is_claim_dropped else {}
    bodies = {**_joined(victims), **claims}
    try:
        _write(client, bodies)
    except placement.ErrorResponse as exc:
        if not exc.is_inventory_conflict:
            raise
        _write(client, claims)
        _restore_one_by_one(client, victims)
    return bodies.keys()


def _joined(victims):
    return {
        uuid: body
        for bodies in victims.values()
        for uuid, body in bodies.items()
    }


def _restore_one_by_one(client, victims):
    """Restore victims on hosts that are over their capacity.

    :param victims: see :func:`_victim_bodies`.

    NOTE: before placement 14, placement/objects/allocation.py refuses what
    leaves a provider over capacity, even when it was so before and worse.
    """
    refused = {}
    for uuid, bodies in victims.items():
        try:
            _write(client, bodies)
        except placement.ErrorResponse as exc:
            if not exc.is_inventory_conflict:
                raise
            refused[uuid] = exc
    if refused:
        raise _NoRoom(
            'there is no room for all that the victims %s held (%s)'
            % (', '.join(refused), '; '.join(map(str, refused.values())))
        )


def _write(client, bodies):
    if bodies:
        client.replace_allocations(bodies)


def _claim_bodies(client, preemptors):
    """Return what drops claims, of those that are still there."""
    consumers = [client.consumer(uuid) for uuid in preemptors]
    return {
        consumer.uuid: consumer.body({})
        for consumer in consumers
        if consumer.allocations
    }


def _victim_bodies(client, hosts, providers):
    """Return victim to what restores it, of those still in the journal.

    That is bodies, which have to be written together.
    """
    host_of = {}  # journal provider to the host that its entries are from
    victims = set()
    for preemptor, provider in providers.items():
        host_of[provider] = hosts[preemptor]
        if journal.exists(client, provider):
            _, entries = client.provider_allocations(provider)
            victims |= entries.keys()
    found = {}
    bare = {}  # those left with nothing there: the host, other providers
    for uuid in sorted(victims):
        consumer = client.consumer(uuid)
        booked = consumer.allocations.keys() & host_of.keys()
        others = consumer.allocations.keys() - booked
        # One that nova deletes meanwhile has no entry any more, or not the
        # generation that is read here.
        for provider in booked:
            found[uuid] = consumer
            if host_of[provider] not in others:
                bare[uuid] = host_of[provider], others
    # Read after the generations, so that no move that begins is missed.
    places = moved_victims.places(bare)
    return {
        uuid: _restoring(
            client,
            consumer,
            places.get(uuid, moved_victims.Place(uuid)),
            host_of,
        )
        for uuid, consumer in found.items()
    }


def _restoring(client, consumer, place, host_of):
    """Return what lets a holder have what a victim is to get back.

    :param consumer: the :class:`placement.Consumer` with entries.
    :param place: the :class:`moved_victims.Place` of what it held.
    """
    entries, others = {}, {}
    for provider, resources in consumer.allocations.items():
        if provider in host_of:
            entries[provider] = resources
        elif provider not in place.strays:
            others[provider] = resources
    if place.holder == consumer.uuid:
        restored = _restored(others, entries, host_of)
        return {consumer.uuid: consumer.body(restored)}
    bodies = {consumer.uuid: consumer.body(others)}
    if place.holder:
        held = dataclasses.replace(
            client.consumer(place.holder),
            project_id=consumer.project_id,
            user_id=consumer.user_id,
        )
        bodies[place.holder] = held.body(
            _restored(held.allocations, entries, host_of)
        )
    return bodies


def empty(client, uuids):
    """Remove the allocations of servers that nova has deleted.

    NOTE: placement/handlers/allocation.py deletes a consumer's allocations by
    the ids that it has read before.  If they are given back in between it
    finds nothing to delete, says that all is well, and they stay.
    """
    for uuid in sorted(uuids):
        consumer = client.consumer(uuid)
        if consumer.allocations:
            client.replace_allocations({uuid: consumer.body({})})


def _restored(allocations, entries, host_of):
    """Return allocations and what was taken, by entries of the journal."""
    restored = {
        provider: dict(resources)
        for provider, resources in allocations.items()
    }
    for provider, entry in entries.items():
        held = restored.setdefault(host_of[provider], {})
        for name, amount in journal.taken(entry).items():
            held[name] = held.get(name, 0) + amount
    return {
        host: resources for host, resources in restored.items() if resources
    }
