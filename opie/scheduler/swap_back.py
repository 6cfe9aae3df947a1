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
that was moved since the claim has taken its entry along.  A victim on its way
out gets everything back too, for its guest runs until nova has destroyed it.
"""

import random
import time

from oslo_log import log as logging

from opie.scheduler import journal
from opie.scheduler import placement

LOG = logging.getLogger(__name__)

# Placement may just be restarting, and what is not given back is lost to its
# owners.
_PATIENCE_SECONDS = 60
# It may be other claims, which are being dropped, that leave no room.
_PATIENCE_WITHOUT_ROOM_SECONDS = 5
_FIRST_PAUSE_SECONDS = 0.05
_MAX_PAUSE_SECONDS = 2.0


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

    :param client: a :class:`opie.scheduler.placement.Placement`.
    :param hosts: preemptor to the uuid of its nominated host's provider, for
        those that give up.
    :param providers: preemptor to its journal provider, for those of them
        that took anything.
    :param is_claim_dropped: False if the preemptors keep their claims, and
        only what there is room for besides them can be given back.
    :param patience_seconds: how long to try.
    :returns: True if it is done; False if it could not be in that time, or
        not for all victims, and the journal tells what there is to do.
    """
    began = time.monotonic()
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        until = began + patience_seconds
        try:
            _try(client, hosts, providers, is_claim_dropped)
            return True
        except _NoRoom as exc:
            error = exc
            until = min(until, began + _PATIENCE_WITHOUT_ROOM_SECONDS)
        # Whatever it is, giving up is worse.
        except Exception as exc:
            error = exc
        if time.monotonic() >= until:
            break
        time.sleep(pause_seconds * random.uniform(0.5, 1))
        pause_seconds = min(2 * pause_seconds, _MAX_PAUSE_SECONDS)
    _complain(hosts, providers, error)
    return False


def _complain(hosts, providers, error):
    has_dropped = isinstance(error, _NoRoom)
    LOG.log(
        logging.WARNING if has_dropped else logging.ERROR,
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

    :raises _NoRoom: if it has none for some victims.
    """
    victims = _victim_bodies(client, hosts, providers)
    claims = _claim_bodies(client, hosts) if is_claim_dropped else {}
    try:
        _write(client, {**victims, **claims})
    except placement.Refused as exc:
        if not exc.is_inventory_conflict:
            raise
        _write(client, claims)
        _restore_one_by_one(client, victims)


def _restore_one_by_one(client, bodies):
    """Restore victims on hosts that are over their capacity.

    NOTE: before placement 14, placement/objects/allocation.py refuses what
    leaves a provider over capacity, even when it was so before and worse.
    """
    refused = {}
    for uuid, body in bodies.items():
        try:
            _write(client, {uuid: body})
        except placement.Refused as exc:
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
    """Return what restores the victims that are still in the journal."""
    bodies = {}
    host_of = {}  # journal provider to the host that its entries are from
    victims = set()
    for preemptor, provider in providers.items():
        host_of[provider] = hosts[preemptor]
        if journal.exists(client, provider):
            _, entries = client.provider_allocations(provider)
            victims |= entries.keys()
    for uuid in sorted(victims):
        consumer = client.consumer(uuid)
        # One that nova deletes meanwhile has no entry any more, or not the
        # generation that is read here.
        if consumer.allocations.keys() & host_of.keys():
            bodies[uuid] = consumer.body(
                _restored(consumer.allocations, host_of)
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


def _restored(allocations, host_of):
    """Return allocations without the entries of some journal providers."""
    restored = {}
    for provider, resources in allocations.items():
        if provider in host_of:
            provider = host_of[provider]
            resources = journal.taken(resources)
        for name, amount in resources.items():
            held = restored.setdefault(provider, {})
            held[name] = held.get(name, 0) + amount
    return restored
