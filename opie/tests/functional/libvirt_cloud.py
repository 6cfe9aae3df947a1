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

"""A cloud whose hypervisors are nova's stand-ins for libvirt.

They have NUMA cells, huge pages and PCI devices, and nova's own driver for
libvirt runs on them.
"""

import io
import json

import fixtures
from nova import context as nova_context
from nova import objects
from nova.tests import fixtures as nova_fixtures
from nova.tests.fixtures import libvirt as fakelibvirt
from nova.tests.functional.libvirt import base as libvirt_base
from nova.virt.libvirt import driver

from opie.tests.functional import base

_DRIVER = 'nova.virt.libvirt.'


class LibvirtCloud(base.CloudTestCase):
    """Hosts of two NUMA cells of four CPUs each, without threads.

    :cvar cells: the arguments of HostInfo.
    :cvar huge_pages: how many pages of 2 MiB each of its cells has.
    :cvar pci_devices: the arguments of HostPCIDevicesInfo, by host.
    """

    compute_driver = 'libvirt.LibvirtDriver'
    hypervisor = driver.LibvirtDriver
    hosts = ('host1',)
    cells = {
        'cpu_nodes': 2,
        'cpu_sockets': 1,
        'cpu_cores': 4,
        'cpu_threads': 1,
        'kB_mem': 8 * 1024 * 1024,
    }
    huge_pages = ()
    pci_devices = {}
    dedicated_cpus = None
    shared_cpus = None

    def configure(self):
        super().configure()
        self.flags(
            enabled_filters=[
                'ComputeFilter',
                'NUMATopologyFilter',
                'PciPassthroughFilter',
            ],
            group='filter_scheduler',
        )
        self.flags(cpu_dedicated_set=self.dedicated_cpus, group='compute')
        self.flags(cpu_shared_set=self.shared_cpus, group='compute')
        directory = self.useFixture(fixtures.TempDir()).path
        self.flags(instances_path=directory)
        # A server costs more the longer it has run.
        self.flags(age_cost_multiplier=1.0, group='opie')

    def start_hosts(self):
        self.compute_rp_uuids = {}
        self.neutron = self.useFixture(
            libvirt_base.LibvirtNeutronFixture(self)
        )
        # NOTE: as nova/tests/functional/libvirt/base.py sets it up.
        self.useFixture(nova_fixtures.LibvirtImageBackendFixture())
        self.useFixture(nova_fixtures.CGroupsFixture())
        self.libvirt = self.useFixture(nova_fixtures.LibvirtFixture())
        self.useFixture(nova_fixtures.OSBrickFixture())
        for name, returned in (
            (_DRIVER + 'LibvirtDriver._create_image', (False, False)),
            (
                _DRIVER + 'LibvirtDriver._get_local_gb_info',
                {'total': 128, 'used': 44, 'free': 84},
            ),
            (_DRIVER + 'driver.libvirt_utils.is_valid_hostname', True),
            ('nova.privsep.utils.supports_direct_io', True),
            (_DRIVER + 'host.Host.get_online_cpus', set(range(8))),
        ):
            self.useFixture(fixtures.MockPatch(name, return_value=returned))
        self.useFixture(
            fixtures.MockPatch(
                _DRIVER + 'driver.libvirt_utils.file_open',
                side_effect=lambda *args, **kwargs: io.BytesIO(),
            )
        )
        self.mock_conn = self.useFixture(
            fixtures.MockPatch(_DRIVER + 'host.Host.get_connection')
        ).mock
        for host in self.hosts:
            libvirt_base.ServersTestBase.start_compute(
                self, host, self.host_info(), self.pci_info(host)
            )

    def restart(self, host):
        """Let the compute service of a host start anew."""
        compute = self.computes.pop(host)
        del self.compute_rp_uuids[host]
        compute.stop()
        libvirt_base.ServersTestBase.start_compute(
            self, host, connection=compute.driver._host.get_connection()
        )

    # NOTE: what the methods above call of their own class.
    _get_connection = libvirt_base.ServersTestBase._get_connection

    def host_info(self):
        host = fakelibvirt.HostInfo(**self.cells)
        for cell, pages in zip(
            host.numa_topology.cells, self.huge_pages, strict=False
        ):
            small = (self.cells['kB_mem'] // 2 - pages * 2048) // 4
            cell.mempages = fakelibvirt.create_mempages(
                [(4, small), (2048, pages)]
            )
        return host

    def pci_info(self, host):
        if host in self.pci_devices:
            return fakelibvirt.HostPCIDevicesInfo(**self.pci_devices[host])
        return None

    def cells_of(self, server):
        """Return the ids of the host's NUMA cells that a server is on."""
        return [cell.id for cell in self.instance(server).numa_topology.cells]

    def held(self, server):
        """Return what a server holds of the host, but for its devices."""
        root = self._get_provider_uuid_by_host(self.host_of(server))
        return self.allocations(server)[root]['resources']

    def assertUntouched(self, *servers):
        """Assert that servers run and hold what their flavors say."""
        for server in servers:
            now = self.api.get_server(server['id'])
            self.assertEqual('ACTIVE', now['status'])
            self.assertIsNone(now['OS-EXT-STS:task_state'])
            held = self.held(server)
            self.assertEqual(now['flavor']['vcpus'], held['VCPU'])

    def has_run_hours(self, *hours_by_server):
        """Let servers have been launched so many hours ago."""
        for server, hours in hours_by_server:
            self.has_run(server, hours * 3600)

    def record(self):
        """Return nova's record of the first host."""
        return objects.ComputeNode.get_first_node_by_host_for_old_compat(
            nova_context.get_admin_context(), self.hosts[0]
        )

    def device_holders(self):
        """Return the uuids of the servers that have PCI devices."""
        devices = objects.PciDeviceList.get_by_compute_node(
            nova_context.get_admin_context(), self.record().id
        )
        return [one.instance_uuid for one in devices if one.instance_uuid]

    def pinned_cpus(self):
        """Return the pinned CPUs of each NUMA cell, as nova has them."""
        topology = objects.NUMATopology.obj_from_db_obj(
            self.record().numa_topology
        )
        return [sorted(cell.pinned_cpus) for cell in topology.cells]


def device(product, **more):
    """Return a PCI alias, or an entry of a device specification."""
    return json.dumps(
        {'vendor_id': fakelibvirt.PCI_VEND_ID, 'product_id': product, **more}
    )
