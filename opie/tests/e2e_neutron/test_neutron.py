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

"""A cloud with a real neutron."""

from opie.tests.e2e import base
from opie.tests.e2e import networks


class NeutronTest(networks.NetworksTestCase):
    settings = {
        **base.SMALL,
        'has_neutron': True,
        'nova_options': {'opie': {'reaper_interval_seconds': 10}},
    }

    def all_ports(self):
        """Return the servers that have ports."""
        return {
            port.device_id
            for port in self.connections['admin'].network.ports()
        }

    def test_the_ports_of_victims_are_gone(self):
        preemptibles = self.create_preemptible('medium', 4, networks='auto')
        self.assertEqual(preemptibles, self.all_ports())
        preemptor = self.boot(flavor='large', networks='auto')
        survivors = preemptibles & self.watcher.placed()
        self.assertEqual(2, len(survivors))
        self.wait_for(
            lambda: self.assertEqual(
                {preemptor.id, *survivors}, self.all_ports()
            )
        )
        (port,) = self.ports(preemptor)
        self.assertEqual('ACTIVE', port.status)
        self.assert_nothing_is_left()

    def test_neutron_tells_nova_of_a_port_that_is_deleted(self):
        server = self.boot(networks='auto')
        (port,) = self.ports(server)
        # Of a server's ports neutron lets a member delete none.
        self.connections['admin'].network.delete_port(port)
        self.wait_for(
            lambda: self.assertEqual(
                {}, self.compute().get_server(server.id).addresses
            )
        )

    def test_a_project_has_a_router_and_a_floating_ip(self):
        admin = self.connections['admin'].network
        outside = admin.create_network(name='out', is_router_external=True)
        self.addCleanup(admin.delete_network, outside)
        admin.create_subnet(
            network_id=outside.id, cidr='198.51.100.0/24', ip_version=4
        )
        network = self.connections['demo'].network
        router = network.create_router(
            name='router', external_gateway_info={'network_id': outside.id}
        )
        self.addCleanup(network.delete_router, router)
        floating = network.create_ip(floating_network_id=outside.id)
        self.addCleanup(network.delete_ip, floating)
        self.assertEqual([router.id], [item.id for item in network.routers()])
        self.assertEqual([floating.id], [item.id for item in network.ips()])
