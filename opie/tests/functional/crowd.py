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


"""A crowded cloud, the words of a randomised run, and what must stay true.

Each step waits until its effects are over.  Only the traces of a scheduler
that was killed may stay for some steps, until the reaper repairs them.
"""

import collections
import dataclasses
import itertools
import time

import fixtures
from nova import context as nova_context
from nova import exception
from nova import objects
from nova.tests.functional.api import client as api_client

from opie.scheduler import report
from opie.scheduler.nova_db import instances
from opie.scheduler.nova_db import own_deletions
from opie.scheduler.preempting import attempt
from opie.scheduler.preempting import eviction
from opie.scheduler.repair import findings
from opie.tests.functional import base
from opie.tests.functional import faulty_hosts
from opie.tests.functional import gpus
from opie.tests.interruptions import dying
from opie.tests.interruptions import invariants
from opie.tests.interruptions import killer

VCPUS = 10

_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = 60
_STEPS_BETWEEN_AUDITS = 10


def gpus_of(vcpus):
    """Return how many GPUs servers of so many VCPUs have."""
    return vcpus % 2


@dataclasses.dataclass(frozen=True)
class Server:
    """A server as the API shows it."""

    uuid: str
    host: str | None
    status: str
    vcpus: int
    is_preemptible: bool
    is_protected: bool


class CrowdedCase(
    gpus.GpusMixin,
    faulty_hosts.FaultyHostsMixin,
    dying.DyingMixin,
    base.CloudTestCase,
):
    """Two hosts, and counts of what has happened on them.

    :ivar done: what has been done, as texts.
    :ivar counts: of evictions, preemptions, crashes and so on.
    :ivar is_abandoned: whether there may be something for the reaper.
    :ivar is_disowned: whether a preemptor was deleted before it had a cell,
        whose journal stays until the reaper thinks its time is over.
    :ivar kept: uuids of servers in ERROR that are not deleted before the
        reaper has run, because of a limit in doc/source/protocol.rst.
    """

    do_hosts_work = False
    gpus = 3

    def setUp(self):
        super().setUp()
        self.done, self.counts = [], collections.Counter()
        self.is_abandoned, self.kept = False, []
        self.is_disowned = False
        self._flavors, self._preemptible, self._protected = {}, set(), set()
        self._providers = {
            host: self._get_provider_uuid_by_host(host) for host in self.hosts
        }
        self._enabled = set(self.hosts)
        # NOTE: nova/context.py waits for a green thread that was killed.
        self.patch(nova_context, 'CELL_TIMEOUT', _PATIENCE_SECONDS / 2)
        # Each host may hang, which is soon found.
        self.patch(own_deletions, '_LATELY_SECONDS', 0)
        self.flags(
            failed_deletions_hosts=0,
            host_timeout_seconds=3,
            stuck_deletion_seconds=3,
            # The victims of a scheduler that was killed do not leave.
            max_wait_for_deletion_seconds=10,
            # Each build that fails would let the project wait.
            wasted_preemption_backoff_seconds=0,
            group='opie',
        )
        self.wrap(eviction.Eviction, '_send', self._count_evictions)
        self._count('preemptions', attempt.Attempt, 'evict')
        self.wrap(report, 'wasted', self._count_waste)

    def _count(self, what, owner, name):
        def call(real, *args):
            result = real(*args)
            self.counts[what] += 1
            return result

        self.wrap(owner, name, call)

    def _count_evictions(self, real, one, context, instance, state):
        result = real(one, context, instance, state)
        self.counts['evictions'] += 1
        if gpus_of(instance.flavor.vcpus):
            self.counts['evictions with a GPU'] += 1
        self.counts['evictions on ' + state.host] += 1
        return result

    def _count_waste(self, real, number, *args):
        self.counts['wasted'] += number
        return real(number, *args)

    def servers(self):
        """Return the servers that there are, in an order that stays."""
        return [
            Server(
                item['id'],
                item['OS-EXT-SRV-ATTR:host'],
                item['status'],
                item['flavor']['vcpus'],
                item['id'] in self._preemptible,
                item['id'] in self._protected,
            )
            for item in sorted(
                self.api.get_servers(), key=lambda item: item['created']
            )
            if item['id'] not in self.kept
        ]

    def ask_and_kill(self, vcpus, number):
        """Ask for a normal server, and kill the scheduler that makes room.

        :param number: of the call before which the scheduler dies, from 1.
        :returns: (the server's uuid, whether the scheduler came to the call).
        """
        calls = itertools.count(1)

        def is_time(point):
            # Other calls are of nova's own scheduling.
            return point.call.step is not None and next(calls) == number

        the_killer = killer.Killer(killer.PREEMPTION, is_time)
        with self.dying(the_killer):
            uuid = self.ask_for(vcpus, False)
            self.status_of(uuid)
        return uuid, the_killer.killed_at is not None

    def ask_for(self, vcpus, is_preemptible):
        """Ask for a server and return its uuid at once."""
        call = self.boot_preemptible if is_preemptible else self.boot
        server = call(flavor=self.flavor_of(vcpus), state=None)
        if is_preemptible:
            self._preemptible.add(server['id'])
        return server['id']

    def flavor_of(self, vcpus):
        if vcpus not in self._flavors:
            make = self.gpu_flavor if gpus_of(vcpus) else self.flavor
            self._flavors[vcpus] = make(vcpus)
        return self._flavors[vcpus]

    def status_of(self, uuid):
        """Wait until nothing is done to a server; None if it is gone."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < until:
            try:
                now = self.api.get_server(uuid)
            except api_client.OpenStackApiNotFoundException:
                return None
            # nova is about to end the record of one that is DELETED.
            if (
                now['status'] not in ('BUILD', 'DELETED')
                and not now['OS-EXT-STS:task_state']
            ):
                return now['status']
            time.sleep(_PAUSE_SECONDS)
        self.fail('Something is still done to %s: %s' % (uuid, now))

    def wait_while(self, uuid, status):
        """Wait until a server has another state for good."""
        self._wait_for_assert(
            lambda: self.assertNotEqual(status, self.status_of(uuid)),
            sleep=_PAUSE_SECONDS,
            max_retries=int(_PATIENCE_SECONDS / _PAUSE_SECONDS),
        )

    def enable(self, host, is_enabled):
        (service,) = self.api.get_services('nova-compute', host)
        status = 'enabled' if is_enabled else 'disabled'
        self.api.put_service(service['id'], {'status': status})
        change = set.add if is_enabled else set.discard
        change(self._enabled, host)

    def act(self, uuid, action, body=None):
        self.api.post_server_action(uuid, {action: body})

    def protect(self, uuid, is_protected):
        """Lock a server as an administrator who is not its owner."""
        with nova_context.target_cell(
            nova_context.get_admin_context(),
            instances.cell_of(nova_context.get_admin_context(), uuid),
        ) as context:
            instance = objects.Instance.get_by_uuid(context, uuid)
            instance.locked = is_protected
            instance.locked_by = 'admin' if is_protected else None
            instance.save()
        change = set.add if is_protected else set.discard
        change(self._protected, uuid)

    def free_vcpus(self):
        """Return the name of each enabled host to what is free there."""
        return {
            host: VCPUS - self._get_provider_usages(uuid)['VCPU']
            for host, uuid in self._providers.items()
            if host in self._enabled
        }

    def free_gpus(self):
        """Return the name of each host to how many GPUs are free there."""
        free = dict.fromkeys(self.hosts, self.gpus)
        for provider in self._get_all_providers():
            host, _, gpu = provider['name'].partition('_gpu')
            if gpu:
                free[host] -= self._get_provider_usages(provider['uuid'])[
                    gpus.GPU
                ]
        return free

    def reap_late(self):
        with fixtures.MockPatchObject(findings, 'MARGIN_SECONDS', -1000):
            self.reap()

    def check(self):
        """Assert all that must be true now."""
        self.counts['steps'] += 1
        if self.is_abandoned:
            self.assertEqual([], invariants.over_capacity(self))
            return
        if self.is_disowned:
            self.repair()
        self._wait_until_sound(self.reap)
        if self.counts['steps'] % _STEPS_BETWEEN_AUDITS == 0:
            self.check_after_audits()

    def check_after_audits(self):
        self.audit()
        self._wait_until_sound(self.reap)
        self.assertEqual([], invariants.orphans_by_nova(self))

    def repair(self):
        """Let the reaper end all that was left behind."""
        self.is_abandoned = self.is_disowned = False
        self._wait_until_sound(self.reap_late)

    def _wait_until_sound(self, reap):
        """Wait until nova and the reaper have ended what is begun.

        :param reap: :meth:`reap`, which only closes the journals of those that
            succeeded, or :meth:`reap_late`, which would hide that the
            scheduler forgot to give back.
        """
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            reap()
            broken = [*invariants.broken(self), *self._lost_by_moves()]
            if not broken:
                return
            if time.monotonic() > until:
                self.assertEqual([], broken)
            time.sleep(_PAUSE_SECONDS)

    def _lost_by_moves(self):
        """Compare what unconfirmed resizes hold with the old flavors."""
        context = nova_context.get_admin_context()
        for cell in objects.CellMappingList.get_all(context):
            with nova_context.target_cell(context, cell) as cell_context:
                for item in objects.MigrationList.get_by_filters(
                    cell_context, {'status': 'finished'}
                ):
                    yield from self._lost_by_move(cell_context, item)

    def _lost_by_move(self, context, migration):
        try:
            server = objects.Instance.get_by_uuid(
                context, migration.instance_uuid, expected_attrs=['flavor']
            )
        except exception.InstanceNotFound:
            return
        provider = self._providers[migration.source_compute]
        held = self._get_allocations_by_server_uuid(migration.uuid)
        vcpus = held.get(provider, {}).get('resources', {}).get('VCPU', 0)
        if vcpus != server.old_flavor.vcpus:
            yield 'the migration of %s holds %d VCPU' % (server.uuid, vcpus)
