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

"""nova and placement in one process, as their own tests run them.

The fixtures that nova and placement test themselves with are in their wheels.
Keystone, neutron, glance, cinder and the hypervisors are stand-ins of those
fixtures; all else is the real thing, on SQLite.  The demo and opie's own
functional tests are built on this module.
"""

# NOTE: sets up the threading model before anything imports eventlet.
from nova.tests.functional import integrated_helpers  # isort: skip

import fixtures
from nova import service as nova_service
import nova.conf
from oslo_utils import importutils

import opie.conf
from opie.sandbox import paste
from opie.sandbox.inprocess import paste_fixture
from opie.sandbox.inprocess import sqlite
from opie.scheduler import host_manager

# NOTE: nova's managers keep the last 20 seconds of this time to clean up, so
# they wait for no task that is in progress.
_END_SECONDS = 20
_DRIVER = 'opie.scheduler.filter_scheduler.FilterScheduler'

opie.conf.register_opts(nova.conf.CONF)


class Harness(integrated_helpers.ProviderUsageBaseTestCase):
    """Hosts of 10 VCPU and 8192 MB each, without overcommitment.

    It is a test case because the stand-ins ask for one.  Casts are casts in
    it, so that races are those of a real cloud.

    :cvar hosts: the hosts to start, each a compute service of its own.
    :cvar has_api_filter: whether nova's API has opie's filter.
    :ivar computes: host to its compute service.
    """

    compute_driver = 'fake.MediumFakeDriver'
    hosts = ('host1', 'host2')
    has_api_filter = False

    def setUp(self):
        self._use_opie()
        self._let_readers_in()
        paste_file = (
            self.useFixture(paste_fixture.PasteFixture()).path
            if self.has_api_filter
            else paste.of_nova()
        )
        self.flags(api_paste_config=paste_file, group='wsgi')
        self.flags(
            reserved_host_memory_mb=0,
            reserved_host_disk_mb=0,
            cpu_allocation_ratio=1.0,
            ram_allocation_ratio=1.0,
            disk_allocation_ratio=1.0,
        )
        self.flags(instances=-1, cores=-1, ram=-1, group='quota')
        self._wait_for_stopped_services()
        self.configure()
        super().setUp()
        self.useFixture(sqlite.KeptOpen(self.cell_mappings.values()))
        self.computes = {}
        self.start_hosts()

    def _use_opie(self):
        """Have nova's scheduler service built from opie's classes."""
        for name, value in (
            (
                'nova.scheduler.host_manager.HostManager',
                host_manager.HostManager,
            ),
            (
                'nova.service.SERVICE_MANAGERS',
                {**nova_service.SERVICE_MANAGERS, 'nova-scheduler': _DRIVER},
            ),
        ):
            self.useFixture(fixtures.MonkeyPatch(name, value))

    def _let_readers_in(self):
        """Keep threads that use different cells from waiting forever.

        NOTE: in nova/tests/fixtures/nova.py, a thread that uses a cell is a
        reader, and one that turns to another cell is a writer.  A thread amid
        a transaction may have to become a reader, while a writer waits for
        another reader, which waits for that transaction.  So readers must not
        wait for writers that wait.
        """
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova.tests.fixtures.ReaderWriterLock.has_pending_writers',
                False,
            )
        )

    def _wait_for_stopped_services(self):
        """Wait until each service that is stopped has ended.

        NOTE: nova/tests/fixtures/conf.py has a service's stop return at once,
        while a thread of it may still be about to shut down what the process
        needs for the next cloud (nova/service.py).  Before nova 34 a service
        has no such thread, and a manager sleeps for all of this time.
        """
        if importutils.try_import('nova.thread_pool_factory'):
            self.flags(manager_shutdown_timeout=_END_SECONDS)

    def configure(self):
        """Set options before the services start; for subclasses."""

    def start_hosts(self):
        """Start the compute services; for subclasses to do otherwise."""
        for host in self.hosts:
            self.start_compute(host)

    def start_compute(self, host, cell_name=None):
        """Start a compute service and return it."""
        self.flags(host=host)
        service = self.start_service('compute', host=host, cell_name=cell_name)
        self.computes[host] = service
        return service
