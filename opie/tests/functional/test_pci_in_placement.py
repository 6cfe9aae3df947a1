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

"""Requests for PCI devices that placement tracks as well."""

from nova.tests.fixtures import libvirt as fakelibvirt

from opie.tests.functional import libvirt_cloud

_GPU = fakelibvirt.PCI_PROD_ID


class PciInPlacementTest(libvirt_cloud.LibvirtCloud):
    """A host has four GPUs on two NUMA cells; each has a provider."""

    pci_devices = {'host1': {'num_pci': 4, 'num_pfs': 0, 'num_vfs': 0}}

    def configure(self):
        super().configure()
        self.flags(pci_in_placement=True, group='filter_scheduler')
        self.flags(
            report_in_placement=True,
            device_spec=[libvirt_cloud.device(_GPU)],
            alias=[libvirt_cloud.device(_GPU, name='gpu')],
            group='pci',
        )

    def boot_all(self, normal):
        """Let normal servers have GPUs, and preemptible ones the others."""
        gpu = self.with_gpus()
        self.normal = [self.boot(flavor=gpu) for _ in range(normal)]
        self.victims = [
            self.boot_preemptible(flavor=gpu) for _ in range(4 - normal)
        ]
        self.cheap = [self.boot_preemptible(2) for _ in range(2)]
        self.has_run_hours(*((one, 100) for one in self.victims))

    def with_gpus(self, number=1, **extra_specs):
        alias = {'pci_passthrough:alias': 'gpu:%d' % number}
        return self.flavor(1, extra_specs={**alias, **extra_specs})

    def gpus_of(self, server):
        """Return the names of the providers of a server's GPUs."""
        names = {one['uuid']: one['name'] for one in self._get_all_providers()}
        return [
            names[provider]
            for provider, held in self.allocations(server).items()
            if 'VCPU' not in held['resources']
        ]

    def assertServed(self, *preemptors):
        """Assert that preemptors have exactly the GPUs of the victims."""
        self.assertGone(*self.victims)
        self.assertCountEqual(
            self.freed,
            [gpu for one in preemptors for gpu in self.gpus_of(one)],
        )
        self.assertUntouched(*self.normal, *self.cheap, *preemptors)
        self.assertCountEqual(
            [one['id'] for one in (*self.normal, *preemptors)],
            self.device_holders(),
        )
        self.audit()
        self.assertNoJournal()

    def test_the_one_preemptible_server_with_a_gpu_goes(self):
        self.boot_all(3)
        self.freed = self.gpus_of(self.victims[0])
        # So nova knows no pool of a GPU that is in use.
        self.restart('host1')
        flavor = self.with_gpus(**{'hw:numa_nodes': '1'})
        self.assertServed(self.boot(flavor=flavor))

    def test_requests_that_wait_together_have_a_gpu_each(self):
        self.boot_all(2)
        self.freed = [gpu for one in self.victims for gpu in self.gpus_of(one)]
        self.has_run_hours((self.victims[0], 300))
        _, release = self.hold_deletions()
        two = []
        for _ in self.victims:
            two.append(self.boot(flavor=self.with_gpus(), state=None))
            self._wait_for_assert(
                lambda: self.assertTrue(self.allocations(two[-1]))
            )
        release.set()
        for one in two:
            self._wait_for_state_change(one, 'ACTIVE')
        self.assertServed(*two)
