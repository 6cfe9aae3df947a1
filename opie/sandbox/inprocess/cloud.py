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

"""The cloud of the demo: nova's services on two hosts, and placement.

Temporary files, databases and services go when the context ends.
"""

# NOTE: sets up the threading model before anything imports eventlet.
from opie.sandbox.inprocess import harness  # isort: skip

import fixtures
from nova import context as nova_context
from nova import objects

from opie.sandbox.inprocess import http_api

HOSTS = ('host1', 'host2')

_PLACEMENT_VERSION = '1.39'


class InProcessCloud(fixtures.Fixture):
    """Two hosts of 10 VCPU each, without overcommitment.

    :ivar api: a :class:`http_api.Client` of nova's API.
    """

    def _setUp(self):
        # The demo and the tests set up the log themselves.
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova.tests.fixtures.StandardLogging', fixtures.Fixture
            )
        )
        services = _Services()
        self.addCleanup(services.clean_up)
        services.setUp()
        self._placement = services.placement
        app = services.api_fixture.app()
        self.api = http_api.Client(
            self.useFixture(http_api.ServerFixture(app)).url
        )

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


class _Services(harness.Harness):
    """The services, outside of a test."""

    hosts = HOSTS
    has_api_filter = True

    def runTest(self):
        """Do nothing; a test case needs a test."""

    def clean_up(self):
        """Undo all that setUp has done, as far as it came."""
        # NOTE: unittest keeps the errors for a result, and here is none.
        if not self.doCleanups():
            raise RuntimeError('The cloud could not be cleaned up.')
