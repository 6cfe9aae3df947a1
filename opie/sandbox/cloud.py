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

"""The cloud: nova's services on two hosts, and placement, in this process.

Both are set up by the fixtures that nova and placement test themselves with
and ship in their wheels.  Keystone, neutron, glance, cinder and the
hypervisors are stand-ins of those fixtures; all else is the real thing.
Temporary files, databases and services go when the context ends.
"""

import os
import sys

# NOTE: sets up the threading model before anything imports eventlet.
from nova.tests.functional import integrated_helpers  # isort: skip

import fixtures
from nova import context as nova_context
from nova import objects
from nova import service as nova_service
import nova.conf

import opie.conf
from opie.sandbox import http_api
from opie.scheduler import host_manager

HOSTS = ('host1', 'host2')

_PLACEMENT_VERSION = '1.39'
_DRIVER = 'opie.scheduler.filter_scheduler.FilterScheduler'

opie.conf.register_opts(nova.conf.CONF)


class Cloud(fixtures.Fixture):
    """Two hosts of 10 VCPU each, without overcommitment.

    :ivar api: a :class:`http_api.Client` of nova's API.
    """

    def _setUp(self):
        self._use_opie()
        # Whoever starts the cloud cares for its log.
        self._patch('nova.tests.fixtures.StandardLogging', fixtures.Fixture)
        harness = _Harness()
        self.addCleanup(harness.clean_up)
        harness.setUp()
        self._placement = harness.placement
        app = harness.api_fixture.app()
        self.api = http_api.Client(
            self.useFixture(http_api.ServerFixture(app)).url
        )

    def _use_opie(self):
        """Have nova's scheduler built from opie's classes."""
        self._patch(
            'nova.scheduler.host_manager.HostManager', host_manager.HostManager
        )
        self._patch(
            'nova.service.SERVICE_MANAGERS',
            {**nova_service.SERVICE_MANAGERS, 'nova-scheduler': _DRIVER},
        )

    def _patch(self, name, value):
        self.useFixture(fixtures.MonkeyPatch(name, value))

    def provider_names(self):
        """Return uuid to name of the hosts' resource providers."""
        shown = self._ask_placement('/resource_providers')
        return {
            provider['uuid']: provider['name']
            for provider in shown['resource_providers']
            if provider['name'] in HOSTS
        }

    def vcpu_usages(self):
        """Return the name of each host to (VCPU in use, VCPU in all)."""
        usages = {}
        for uuid, name in self.provider_names().items():
            path = '/resource_providers/%s' % uuid
            used = self._ask_placement(path + '/usages')['usages']
            inventories = self._ask_placement(path + '/inventories')
            total = inventories['inventories']['VCPU']['total']
            usages[name] = used['VCPU'], total
        return usages

    def _ask_placement(self, path):
        return self._placement.get(path, version=_PLACEMENT_VERSION).body

    def set_launch_time(self, server_id, launched_at):
        """Write into the database when a server was launched.

        :param launched_at: an aware datetime.
        """
        context = nova_context.get_admin_context()
        mapping = objects.InstanceMapping.get_by_instance_uuid(
            context, server_id
        )
        with nova_context.target_cell(
            context, mapping.cell_mapping
        ) as cell_context:
            instance = objects.Instance.get_by_uuid(cell_context, server_id)
            instance.launched_at = launched_at
            instance.save()


class _Harness(integrated_helpers.ProviderUsageBaseTestCase):
    """What nova runs its functional tests on; no test is run here.

    It is a test case because its stand-ins for neutron, glance and cinder ask
    for one.
    """

    compute_driver = 'fake.MediumFakeDriver'

    def runTest(self):
        """Do nothing; a test case needs a test."""

    def setUp(self):
        self.flags(
            api_paste_config=os.path.join(
                sys.prefix, 'etc', 'nova', 'api-paste.ini'
            ),
            group='wsgi',
        )
        self.flags(
            reserved_host_memory_mb=0,
            cpu_allocation_ratio=1.0,
            ram_allocation_ratio=1.0,
            disk_allocation_ratio=1.0,
        )
        self.flags(instances=-1, cores=-1, ram=-1, group='quota')
        super().setUp()
        for host in HOSTS:
            self.start_service('compute', host=host)

    def clean_up(self):
        """Undo all that setUp has done, as far as it came."""
        # NOTE: unittest keeps the errors for a result, which nobody has.
        if not self.doCleanups():
            raise RuntimeError('The cloud could not be cleaned up.')
