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

LOG = logging.getLogger(__name__)

# Placement may just be restarting, and what is not given back is lost to its
# owners.
_PATIENCE_SECONDS = 60
_FIRST_PAUSE_SECONDS = 0.05
_MAX_PAUSE_SECONDS = 2.0


def give_back(client, hosts, providers):
    """Give back what preemptors took, and drop their claims.

    One transaction for all of them, with the generations of what was read
    just before, and repeated until it succeeds.

    :param client: a :class:`opie.scheduler.placement.Placement`.
    :param hosts: preemptor to the uuid of its nominated host's provider, for
        those that give up.
    :param providers: preemptor to its journal provider, for those of them
        that took anything.
    :returns: True if it is done; False if it could not be in a minute, and
        the journal tells what there is to do.
    """
    until = time.monotonic() + _PATIENCE_SECONDS
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        try:
            bodies = _bodies(client, hosts, providers)
            if bodies:
                client.replace_allocations(bodies)
            return True
        # Whatever it is, giving up is worse.
        except Exception as exc:
            error = exc
        if time.monotonic() >= until:
            break
        time.sleep(pause_seconds * random.uniform(0.5, 1))
        pause_seconds = min(2 * pause_seconds, _MAX_PAUSE_SECONDS)
    LOG.error(
        'Could not give back what %(preemptors)s took: %(error)s. The journal '
        'tells it, in the resource providers %(providers)s.',
        {
            'preemptors': ', '.join(sorted(hosts)),
            'providers': ', '.join(sorted(providers.values())) or '(none)',
            'error': error,
        },
    )
    return False


def _bodies(client, hosts, providers):
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
    for uuid in hosts:
        consumer = client.consumer(uuid)
        if consumer.allocations:
            bodies[uuid] = consumer.body({})
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
