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

"""A cloud in one process: real nova services, real placement, SQLite."""

import datetime
import threading

import fixtures
from nova import context as nova_context
from nova import objects
from nova.tests.fixtures import glance
from nova.virt import fake
from oslo_utils import timeutils
from testtools import testcase

from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import first_victims
from opie.scheduler.preempting import pass_one
from opie.scheduler.preempting import turns
from opie.scheduler.repair import reaper
from opie.tests import threads
from opie.tests import waits

WAIT_SECONDS = waits.WAIT_SECONDS

_HINT = {'preemptible': 'true'}


class CloudTestCase(testcase.WithAttributes, waits.PatientTestCase):
    """A cloud, and words to say what happens on it.

    Tests with the attribute ``smoke`` are what CI runs on the older releases
    of nova.

    :cvar do_hosts_work: whether every host is known to work, so that all
        victims of a plan go at once; see first_victims.py.
    :cvar hypervisor: the class of nova's driver for the hosts.
    """

    do_hosts_work = True
    hypervisor = fake.FakeDriver

    def setUp(self):
        self.useFixture(threads.Ended())
        # Each request gets a plan of its own.
        self.flags(refusal_cache_seconds=0, group='opie')
        super().setUp()
        if self.do_hosts_work:
            self.patch(first_victims, '_works', lambda *args: True)

    def flavor(self, vcpu, memory_mb=None, disk_gb=1, extra_specs=None):
        """Return the id of a new flavor; 100 MB a VCPU unless said."""
        return self._create_flavor(
            vcpu=vcpu,
            memory_mb=memory_mb or 100 * vcpu,
            disk=disk_gb,
            ephemeral=0,
            swap=0,
            extra_spec=extra_specs,
        )

    def _build_server(
        self,
        name=None,
        image_uuid=glance.GlanceFixture.image1['id'],
        **kwargs,
    ):
        """Build a server as nova's test base does, but ask for no image."""
        return super()._build_server(name, image_uuid, **kwargs)

    def boot(
        self,
        vcpu=1,
        host=None,
        hints=None,
        state='ACTIVE',
        flavor=None,
        destination=None,
        **members,
    ):
        """Boot a server and wait until it has the state.

        :param host: host to force it to, through the availability zone.
        :param destination: host to ask for, which filters may still refuse.
        :param members: more members of the request's body.
        """
        body = self._build_server(
            flavor_id=flavor or self.flavor(vcpu),
            networks='none',
            az='nova:%s' % host if host else None,
            host=destination,
        )
        body.update(members)
        request = {'server': body}
        if hints:
            request['os:scheduler_hints'] = hints
        server = self.api.post_server(request)
        return self._wait_for_state_change(server, state) if state else server

    def boot_preemptible(self, vcpu=1, host=None, hints=None, **kwargs):
        return self.boot(vcpu, host, dict(_HINT, **(hints or {})), **kwargs)

    def host_of(self, server):
        return self.api.get_server(server['id'])['OS-EXT-SRV-ATTR:host']

    def is_alive(self, server):
        return server['id'] in {item['id'] for item in self.api.get_servers()}

    def wait_until_gone(self, server):
        """Wait until a server is gone; until then it may have any state."""
        self._wait_for_assert(lambda: self.assertFalse(self.is_alive(server)))

    def used_vcpus(self, host):
        provider = self._get_provider_uuid_by_host(host)
        return self._get_provider_usages(provider)['VCPU']

    def allocations(self, server):
        return self._get_allocations_by_server_uuid(server['id'])

    def journal_providers(self):
        """Return the journal providers of preemptions."""
        return [
            provider
            for provider in self._get_all_providers()
            if provider['parent_provider_uuid'] == journal.ROOT_UUID
            and not journal_names.is_of_waste(provider['name'])
        ]

    def assertGone(self, *servers):
        for server in servers:
            self.assertFalse(self.is_alive(server))
            self.assertEqual({}, self.allocations(server))

    def assertUntouched(self, *servers):
        """Assert that servers run and hold what their flavors say."""
        for server in servers:
            now = self.api.get_server(server['id'])
            self.assertEqual('ACTIVE', now['status'])
            self.assertIsNone(now['OS-EXT-STS:task_state'])
            (held,) = self.allocations(server).values()
            self.assertEqual(now['flavor']['vcpus'], held['resources']['VCPU'])

    def assertHolds(self, vcpu, *servers):
        """Assert what servers hold; they may be in any state."""
        for server in servers:
            (held,) = self.allocations(server).values()
            self.assertEqual(vcpu, held['resources']['VCPU'])

    def reap(self):
        """Let the reaper of the scheduler have its turn."""
        manager = self.scheduler_service.manager
        manager._next_reap = 0
        manager._reap(nova_context.get_admin_context())

    def reap_as_another(self):
        """Let the reaper of another worker have its turn."""
        manager = self.scheduler_service.manager
        reaper.Reaper(
            placement.Client(manager.placement_client),
            manager.servicegroup_api,
        ).run()

    def assertNoJournal(self):
        """Assert that no preemption is in flight.

        Of those that succeeded the reaper sees it; it leaves others alone
        until their time is long over.
        """
        self.reap()
        self.assertEqual([], self.journal_providers())

    def end_of(self, server):
        """Wait until a server is not being built, and return its status."""

        def ended():
            status = self.api.get_server(server['id'])['status']
            self.assertNotEqual('BUILD', status)
            return status

        self._wait_for_assert(ended)
        return ended()

    def assertNoValidHost(self, server):
        now = self.api.get_server(server['id'])
        self.assertEqual('ERROR', now['status'])
        self.assertIn('No valid host was found', now['fault']['message'])
        self.assertEqual({}, self.allocations(server))

    def audit(self):
        """Let every compute's resource tracker audit its host."""
        context = nova_context.get_admin_context()
        for service in self.computes.values():
            service.manager.update_available_resource(context)

    def _mapping(self, server):
        return objects.InstanceMapping.get_by_instance_uuid(
            nova_context.get_admin_context(), server['id']
        )

    def instance(self, server):
        with nova_context.target_cell(
            nova_context.get_admin_context(),
            self._mapping(server).cell_mapping,
        ) as cell_context:
            return objects.Instance.get_by_uuid(
                cell_context.elevated(), server['id']
            )

    def has_run(self, server, seconds):
        """Let a server have been launched so long ago."""
        instance = self.instance(server)
        launched_at = timeutils.utcnow() - datetime.timedelta(seconds=seconds)
        instance.launched_at = launched_at.replace(tzinfo=datetime.UTC)
        instance.save()

    def cell_of(self, server):
        return self._mapping(server).cell_mapping.name

    def add_aggregate(self, name, host, availability_zone=None, **metadata):
        """Create an aggregate of one host; return its id."""
        aggregate = self._create_aggregate(name, availability_zone)
        self.api.add_host_to_aggregate(aggregate, host)
        if metadata:
            self.api.post_aggregate_action(
                aggregate, {'set_metadata': {'metadata': metadata}}
            )
        return aggregate

    def logged(self, text):
        """Return the log lines, of INFO and above, that hold a text."""
        return [
            line
            for line in self.stdlog.logger.output.splitlines()
            if text in line
        ]

    def wrap(self, owner, name, wrapper):
        """Let calls of a method go through wrapper(real, *arguments)."""
        self.useFixture(self.wrapped(owner, name, wrapper))

    def wrapped(self, owner, name, wrapper):
        """Wrap as :meth:`wrap` does, within the returned context."""
        real = getattr(owner, name)

        def call(*args, **kwargs):
            return wrapper(real, *args, **kwargs)

        return fixtures.MockPatchObject(owner, name, call)

    def wrap_once(self, owner, name, wrapper):
        """Wrap as :meth:`wrap` does, but the first call only."""
        calls = []

        def first_only(real, *args, **kwargs):
            calls.append(args)
            if len(calls) == 1:
                return wrapper(real, *args, **kwargs)
            return real(*args, **kwargs)

        self.wrap(owner, name, first_only)
        return calls

    def plan_as_in_many_workers(self):
        """Let each request have a turn of its own, at the same time."""
        self.patch(turns, '_MOST_AT_ONCE', 1)
        never = property(lambda self: False, lambda self, is_taken: None)
        self.patch(turns.Turns, '_is_taken', never)

    def hide_room(self):
        """Let nova overlook all room, as if it had asked for too few hosts."""

        def hide(real, client, *args):
            _, _, version = real(client, *args)
            client._watch.is_room_hidden = True
            return [], {}, version

        self.wrap(pass_one._WatchedClient, 'get_allocation_candidates', hide)

    def hold_deletions(self):
        """Let hypervisors destroy no server until the event is set.

        :returns: (event that is set when a deletion has begun, event to set).
        """
        begun, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)

        def wait(real, *args, **kwargs):
            begun.set()
            release.wait(WAIT_SECONDS)
            return real(*args, **kwargs)

        self.wrap(self.hypervisor, 'destroy', wait)
        return begun, release
