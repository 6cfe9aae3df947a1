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

import os
import sys

# NOTE: sets up the threading model before anything imports eventlet.
from nova.tests.functional import integrated_helpers  # isort: skip

import fixtures
import nova.conf
from nova import context as nova_context
from nova import objects
from nova import service as nova_service
from nova.compute import resource_tracker  # noqa: F401
from nova.scheduler import host_manager as nova_host_manager

import opie.conf
from opie.scheduler import host_manager
from opie.scheduler import journal

CONF = nova.conf.CONF

opie.conf.register_opts(CONF)

_DRIVER = 'opie.scheduler.filter_scheduler.FilterScheduler'
_HINT = {'preemptible': 'true'}


class CloudTestCase(integrated_helpers.ProviderUsageBaseTestCase):
    """Hosts of 10 VCPU and 8192 MB each, without overcommitment.

    :cvar hosts: the hosts to start, each a compute service of its own.
    """

    compute_driver = 'fake.MediumFakeDriver'
    hosts = ('host1', 'host2')
    # NOTE: ProviderUsageBaseTestCase has casts that are casts, so that races
    # are those of a real cloud.

    def setUp(self):
        self._use_opie()
        self.flags(
            api_paste_config=os.path.join(
                sys.prefix, 'etc', 'nova', 'api-paste.ini'
            ),
            group='wsgi',
        )
        self.flags(
            reserved_host_memory_mb=0,
            reserved_host_disk_mb=0,
            cpu_allocation_ratio=1.0,
            ram_allocation_ratio=1.0,
            disk_allocation_ratio=1.0,
        )
        self.flags(preemption_timeout_seconds=20, group='opie')
        self.flags(instances=-1, cores=-1, ram=-1, group='quota')
        self.configure()
        super().setUp()
        self.start_hosts()

    def configure(self):
        """Set options before the services start; for subclasses."""

    def start_hosts(self):
        for host in self.hosts:
            self.start_compute(host)

    def start_compute(self, host, cell_name=None):
        self.flags(host=host)
        service = self.start_service('compute', host=host, cell_name=cell_name)
        self.computes = getattr(self, 'computes', {})
        self.computes[host] = service
        return service

    def _use_opie(self):
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova.scheduler.host_manager.HostManager',
                host_manager.HostManager,
            )
        )
        patched = dict(
            nova_service.SERVICE_MANAGERS, **{'nova-scheduler': _DRIVER}
        )
        self.useFixture(
            fixtures.MonkeyPatch('nova.service.SERVICE_MANAGERS', patched)
        )

    # What tests say.

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

    def boot(
        self,
        vcpu=1,
        host=None,
        hints=None,
        state='ACTIVE',
        flavor=None,
        **members,
    ):
        """Boot a server and wait until it has the state."""
        body = self._build_server(
            flavor_id=flavor or self.flavor(vcpu),
            networks='none',
            **({'az': 'nova:%s' % host} if host else {}),
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

    def used_vcpus(self, host):
        uuid = self._get_provider_uuid_by_host(host)
        return self._get_provider_usages(uuid)['VCPU']

    def allocations(self, server):
        return self._get_allocations_by_server_uuid(server['id'])

    def journal_providers(self):
        return [
            provider
            for provider in self._get_all_providers()
            if provider['parent_provider_uuid'] == journal.ROOT_UUID
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

    def assertNoJournal(self):
        self.assertEqual([], self.journal_providers())

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

    def instance(self, server):
        context = nova_context.get_admin_context()
        mapping = objects.InstanceMapping.get_by_instance_uuid(
            context, server['id']
        )
        with nova_context.target_cell(
            context, mapping.cell_mapping
        ) as cell_context:
            return objects.Instance.get_by_uuid(
                cell_context.elevated(), server['id']
            )


__all__ = ['CloudTestCase', 'nova_host_manager']
