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

"""Requests for PCI devices get those of exactly the right servers."""

from nova.tests.fixtures import libvirt as fakelibvirt

from opie.scheduler.planning import live_cloud
from opie.tests.functional import libvirt_cloud

_GPU = fakelibvirt.PCI_PROD_ID
_CARD = fakelibvirt.PF_PROD_ID
_FUNCTION = fakelibvirt.VF_PROD_ID


class DevicesCase(libvirt_cloud.LibvirtCloud):
    devices = ()
    aliases = ()

    def configure(self):
        super().configure()
        self.flags(
            device_spec=list(self.devices), alias=self.aliases, group='pci'
        )

    def with_devices(self, number=1, alias='gpu', vcpu=1):
        return self.flavor(
            vcpu,
            extra_specs={'pci_passthrough:alias': '%s:%d' % (alias, number)},
        )


class AliasTest(DevicesCase):
    """A host of eight CPUs has four GPUs."""

    pci_devices = {'host1': {'num_pci': 4, 'num_pfs': 0, 'num_vfs': 0}}
    devices = (libvirt_cloud.device(_GPU),)
    aliases = (libvirt_cloud.device(_GPU, name='gpu'),)

    def boot_all(self, vcpu=1):
        """Boot three normal servers with GPUs, and one that may go."""
        flavor = self.with_devices(vcpu=vcpu)
        normal = [self.boot(flavor=flavor) for _ in range(3)]
        return normal, self.boot_preemptible(flavor=flavor)

    def test_the_one_preemptible_server_with_a_gpu_goes(self):
        normal, victim = self.boot_all()
        cheap = [self.boot_preemptible(1) for _ in range(4)]
        self.has_run_hours((victim, 100))
        preemptor = self.boot(flavor=self.with_devices())
        self.assertGone(victim)
        self.assertUntouched(*normal, *cheap, preemptor)
        self.assertCountEqual(
            [one['id'] for one in (*normal, preemptor)], self.device_holders()
        )
        self.assertEqual([], self.logged('failed to consume'))
        self.audit()
        self.assertNoJournal()

    def test_room_is_made_for_a_gpu_where_all_else_is_free(self):
        normal, victim = self.boot_all()
        cheap = self.boot_preemptible(1)
        self.has_run_hours((victim, 100))
        preemptor = self.boot(flavor=self.with_devices())
        self.assertGone(victim)
        self.assertUntouched(*normal, cheap, preemptor)

    def test_no_server_goes_for_more_gpus_than_can_be_free(self):
        normal, victim = self.boot_all(2)
        for host in (None, 'host1'):
            self.assertNoValidHost(
                self.boot(
                    flavor=self.with_devices(2), host=host, state='ERROR'
                )
            )
        self.assertUntouched(*normal, victim)
        for line in self.logged('No room is made for'):
            self.assertIn('PciPassthroughFilter', line)


class InPlacementTest(DevicesCase):
    """Placement tracks each of three GPUs."""

    pci_devices = {'host1': {'num_pci': 3, 'num_pfs': 0, 'num_vfs': 0}}
    devices = AliasTest.devices
    aliases = AliasTest.aliases

    def configure(self):
        super().configure()
        self.flags(report_in_placement=True, group='pci')
        self.flags(pci_in_placement=True, group='filter_scheduler')

    def held_by_provider(self, server):
        return {
            provider: one['resources']
            for provider, one in self.allocations(server).items()
        }

    def test_the_one_preemptible_server_with_a_gpu_goes(self):
        gpu = self.with_devices()
        normal = [self.boot(flavor=gpu) for _ in 'ab']
        victim = self.boot_preemptible(flavor=gpu)
        cheap = self.boot_preemptible(5)
        self.has_run_hours((victim, 100))
        given = self.held_by_provider(victim)
        preemptor = self.boot(flavor=gpu)
        self.assertGone(victim)
        self.assertEqual(given, self.held_by_provider(preemptor))
        self.assertTrue(self.is_alive(cheap))
        self.assertCountEqual(
            [one['id'] for one in (*normal, preemptor)], self.device_holders()
        )
        self.assertNoJournal()


class EvacuateTest(DevicesCase):
    """Each of two hosts has one GPU."""

    hosts = ('host1', 'host2')
    pci_devices = dict.fromkeys(
        hosts, {'num_pci': 1, 'num_pfs': 0, 'num_vfs': 0}
    )
    devices = AliasTest.devices
    aliases = AliasTest.aliases

    def test_a_server_gets_a_gpu_again(self):
        gpu = self.with_devices()
        server = self.boot(flavor=gpu, host='host1')
        cheap = self.boot_preemptible(1, 'host2')
        victim = self.boot_preemptible(flavor=gpu, host='host2')
        self.has_run_hours((victim, 100))
        self.computes['host1'].stop()
        services = self.api.get_services(binary='nova-compute', host='host1')
        self.api.put_service(services[0]['id'], {'forced_down': True})
        self.api.post_server_action(server['id'], {'evacuate': {}})
        self._wait_for_migration_status(server, ['done'])
        self.assertEqual('host2', self.host_of(server))
        self.assertGone(victim)
        self.assertUntouched(cheap)


class ManyHostsTest(DevicesCase):
    """Each host has one GPU, and a cheap preemptible server without any."""

    hosts = ('host1', 'host2', 'host3', 'host4')
    pci_devices = dict.fromkeys(
        hosts, {'num_pci': 1, 'num_pfs': 0, 'num_vfs': 0}
    )
    devices = AliasTest.devices
    aliases = AliasTest.aliases

    def test_hosts_are_refused_unread_whose_gpus_stay(self):
        gpu = self.with_devices()
        normal = [self.boot(flavor=gpu, host=host) for host in self.hosts[:3]]
        cheap = [self.boot_preemptible(7, host) for host in self.hosts]
        victim = self.boot_preemptible(flavor=gpu, host='host4')
        self.has_run_hours((victim, 100))
        refused = {}

        def unfit_ones(real, cloud, providers):
            refused.update(real(cloud, providers))
            return refused

        self.wrap(live_cloud.NovaCloud, 'unfit_ones', unfit_ones)
        preemptor = self.boot(flavor=gpu)
        self.assertEqual('host4', self.host_of(preemptor))
        self.assertGone(victim)
        self.assertUntouched(*normal, *cheap, preemptor)
        # In what order hosts are read, is up to their uuids.
        for one in refused.values():
            self.assertEqual('PciPassthroughFilter', one.reason)


class PortTest(DevicesCase):
    """A host has one card of two virtual functions, on one network."""

    pci_devices = {'host1': {'num_pfs': 1, 'num_vfs': 2}}
    devices = tuple(
        libvirt_cloud.device(product, physical_network='physnet4')
        for product in (_CARD, _FUNCTION)
    )
    aliases = (
        libvirt_cloud.device(_CARD, name='card', device_type='type-PF'),
        libvirt_cloud.device(_FUNCTION, name='function'),
    )

    def port(self, number):
        port = getattr(self.neutron, 'network_4_port_%d' % number)
        self.neutron.create_port({'port': port})
        return {'networks': [{'port': port['id']}]}

    def test_the_one_preemptible_server_on_the_network_goes(self):
        normal = self.boot(1, **self.port(1))
        victim = self.boot_preemptible(1, **self.port(2))
        cheap = self.boot_preemptible(6)
        self.has_run_hours((victim, 100))
        preemptor = self.boot(1, **self.port(3))
        self.assertGone(victim)
        self.assertUntouched(normal, cheap, preemptor)
        self.assertCountEqual(
            [normal['id'], preemptor['id']], self.device_holders()
        )

    def test_both_functions_go_for_the_card(self):
        function = self.with_devices(alias='function')
        victims = [self.boot_preemptible(flavor=function) for _ in 'ab']
        cheap = self.boot_preemptible(1)
        self.has_run_hours(*((victim, 100) for victim in victims))
        preemptor = self.boot(flavor=self.with_devices(alias='card'))
        self.assertGone(*victims)
        self.assertUntouched(cheap, preemptor)
        self.assertEqual([preemptor['id']], self.device_holders())
