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

"""Requests for vGPUs get those of exactly the right servers."""

import fixtures
import nova.conf
from nova.tests.fixtures import libvirt as fakelibvirt
from nova.virt.libvirt import driver as libvirt_driver
from nova.virt.libvirt import utils as libvirt_utils
from oslo_utils import uuidutils

from opie.tests.functional import libvirt_cloud

CONF = nova.conf.CONF

_TYPE = fakelibvirt.NVIDIA_11_VGPU_TYPE
_OTHER_TYPE = fakelibvirt.NVIDIA_12_VGPU_TYPE
_TRAIT, _OTHER = 'CUSTOM_FAST', 'CUSTOM_SLOW'


class VgpuCase(libvirt_cloud.LibvirtCloud):
    """A host has two GPUs; each serves one server, and has a provider."""

    pci_devices = {
        'host1': {'num_pci': 0, 'num_pfs': 0, 'num_vfs': 0, 'num_mdevcap': 2}
    }

    def configure(self):
        super().configure()
        self.flags(enabled_mdev_types=[_TYPE], group='devices')
        self.wrap(
            libvirt_driver.LibvirtDriver,
            '_count_mdev_capable_devices',
            self._one_each,
        )

    def _one_each(self, real, driver, types):
        """Return how many more devices each GPU can have."""
        made = driver._count_mediated_devices(types)
        return {name: 1 - made.get(name, 0) for name in real(driver, types)}

    def setUp(self):
        super().setUp()
        # NOTE: as nova/tests/functional/libvirt/test_vgpu.py does it.
        self.useFixture(
            fixtures.MockPatch(
                'nova.virt.libvirt.driver.LibvirtDriver._create_mdev',
                side_effect=self._create_mdev,
            )
        )

    def _create_mdev(self, dev_name, mdev_type, uuid=None):
        uuid = uuid or uuidutils.generate_uuid()
        name = libvirt_utils.mdev_uuid2name(uuid)
        devices = self._driver()._host.get_connection().mdev_info.devices
        devices[name] = fakelibvirt.FakeMdevDevice(
            dev_name=name, type_id=mdev_type, parent=dev_name
        )
        return uuid

    def _driver(self):
        return self.computes['host1'].driver

    def with_vgpu(self, resource_class='VGPU'):
        return self.flavor(1, extra_specs={'resources:' + resource_class: '1'})

    def gpu_of(self, server):
        """Return the provider of the GPU that a server has a part of."""
        (gpu,) = (
            provider
            for provider, held in self.allocations(server).items()
            if 'VCPU' not in held['resources']
        )
        return gpu

    def assertHasMdev(self, server):
        """Assert that the guest has a device of the GPU that it holds."""
        driver = self._driver()
        (mdev,) = driver._get_all_assigned_mediated_devices(
            self.instance(server)
        )
        parent = driver._get_mediated_device_information(
            libvirt_utils.mdev_uuid2name(mdev)
        )['parent']
        self.assertEqual(
            self._get_provider_uuid_by_name('host1_' + parent),
            self.gpu_of(server),
        )


class VgpuTest(VgpuCase):
    def setUp(self):
        super().setUp()
        flavor = self.with_vgpu()
        self.normal = self.boot(flavor=flavor)
        self.victim = self.boot_preemptible(flavor=flavor)
        self.cheap = [self.boot_preemptible(3) for _ in range(2)]
        self.has_run_hours((self.victim, 100))

    def in_a_group(self, trait):
        """Return a flavor that asks for a vGPU in a group with a trait."""
        return self.flavor(
            1,
            extra_specs={
                'resources1:VGPU': '1',
                'trait1:' + trait: 'required',
            },
        )

    def assertServed(self, flavor):
        """Assert that the one server with a vGPU goes for a request."""
        freed = self.gpu_of(self.victim)
        preemptor = self.boot(flavor=flavor)
        self.assertGone(self.victim)
        self.assertEqual(freed, self.gpu_of(preemptor))
        for server in (self.normal, preemptor):
            self.assertHasMdev(server)
        self.assertUntouched(*self.cheap)
        self.audit()
        self.assertNoJournal()

    def test_the_one_preemptible_server_with_a_vgpu_goes(self):
        self.assertServed(self.with_vgpu())

    def test_it_goes_only_for_traits_that_its_gpu_has(self):
        for server, trait in ((self.normal, _OTHER), (self.victim, _TRAIT)):
            self._create_trait(trait)
            self._set_provider_traits(self.gpu_of(server), [trait])
        other = self.in_a_group(_OTHER)
        self.assertNoValidHost(self.boot(flavor=other, state='ERROR'))
        self.assertUntouched(self.normal, self.victim, *self.cheap)
        self.assertServed(self.in_a_group(_TRAIT))


class TypesTest(VgpuCase):
    """One GPU makes devices of one type, and the other one of another."""

    pci_devices = {
        'host1': {**VgpuCase.pci_devices['host1'], 'multiple_gpu_types': True}
    }

    def configure(self):
        super().configure()
        types = {
            _TYPE: fakelibvirt.MDEVCAP_DEV1_PCI_ADDR,
            _OTHER_TYPE: fakelibvirt.MDEVCAP_DEV2_PCI_ADDR,
        }
        self.flags(enabled_mdev_types=list(types), group='devices')
        nova.conf.devices.register_dynamic_opts(CONF)
        for name, device in types.items():
            address = device.removeprefix('pci_').split('_')
            self.flags(
                device_addresses=['%s:%s:%s.%s' % tuple(address)],
                mdev_class=self.class_of(name),
                group='mdev_' + name,
            )

    def class_of(self, name):
        return 'CUSTOM_' + name.upper().replace('-', '_')

    def test_the_server_with_a_device_of_the_type_goes(self):
        flavors = {
            name: self.with_vgpu(self.class_of(name))
            for name in (_TYPE, _OTHER_TYPE)
        }
        holders = {
            name: self.boot_preemptible(flavor=flavor)
            for name, flavor in flavors.items()
        }
        dear, cheap = holders[_OTHER_TYPE], holders[_TYPE]
        self.has_run_hours((dear, 100))
        freed = self.gpu_of(dear)
        preemptor = self.boot(flavor=flavors[_OTHER_TYPE])
        self.assertGone(dear)
        self.assertEqual(freed, self.gpu_of(preemptor))
        for server in (cheap, preemptor):
            self.assertHasMdev(server)
        self.assertUntouched(cheap)
        self.audit()
        self.assertNoJournal()
