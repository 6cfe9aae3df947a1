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

"""What neutron and its stand-in both do for servers."""

from openstack import exceptions

from opie.sandbox.stand_ins import glance
from opie.sandbox.stand_ins.neutron import networks
from opie.tests.e2e import base

_MANY = 600


class NetworksTestCase(base.CloudTestCase):
    """The base of tests of networks, with those that every cloud passes."""

    def boot(self, flavor='small', **kwargs):
        """Return a new server that runs."""
        server = self.create(flavor, **kwargs)
        self.assertEqual({server.id: 'ACTIVE'}, self.final_statuses([server]))
        return self.compute('admin').get_server(server.id)

    def boot_as_old_clients_do(self):
        """Return a new server whose request says nothing of networks."""
        body = {
            'name': 'old',
            'flavorRef': 'small',
            'imageRef': glance.IMAGE_ID,
        }
        answer = self.compute().post(
            '/servers', json={'server': body}, microversion='2.1'
        )
        self.assertEqual(202, answer.status_code, answer.text)
        server = self.compute().get_server(answer.json()['server']['id'])
        self.assertEqual({server.id: 'ACTIVE'}, self.final_statuses([server]))
        return self.compute('admin').get_server(server.id)

    def ports(self, server, user='admin'):
        network = self.connections[user].network
        return list(network.ports(device_id=server.id))

    def test_a_server_that_names_no_network_has_an_address(self):
        server = self.boot_as_old_clients_do()
        ((address,),) = server.addresses.values()
        self.assertEqual([networks.SHARED_NAME], list(server.addresses))
        (port,) = self.ports(server)
        self.assertEqual(
            [address['addr']],
            [item['ip_address'] for item in port.fixed_ips],
        )
        self.assertEqual(
            (server.compute_host, 'ACTIVE'),
            (port.binding_host_id, port.status),
        )
        self.compute().delete_server(server)
        self.wait_for(lambda: self.assertEqual([], self.ports(server)))

    def test_a_port_moves_with_its_server(self):
        server = self.boot(networks='auto')
        before = server.compute_host
        self.compute('admin').live_migrate_server(server, block_migration=True)

        def check():
            found = self.compute('admin').get_server(server.id)
            self.assertEqual('ACTIVE', found.status)
            self.assertNotEqual(before, found.compute_host)
            (port,) = self.ports(server)
            self.assertEqual(
                (found.compute_host, 'ACTIVE'),
                (port.binding_host_id, port.status),
            )

        self.wait_for(check)

    def test_interfaces_come_and_go(self):
        server = self.boot(networks='auto')
        (first,) = self.ports(server)
        self.compute().create_server_interface(server, net_id=first.network_id)
        self.wait_for(lambda: self.assertEqual(2, len(self.ports(server))))
        self.compute().delete_server_interface(first.id, server=server)
        self.wait_for(lambda: self.assertEqual(1, len(self.ports(server))))

    def test_a_project_makes_its_own_network_and_security_group(self):
        network = self.connections['demo'].network
        mine = network.create_network(name='mine')
        self.addCleanup(network.delete_network, mine)
        network.create_subnet(
            network_id=mine.id, cidr='192.0.2.0/24', ip_version=4
        )
        group = network.create_security_group(name='web')
        self.addCleanup(network.delete_security_group, group)
        network.create_security_group_rule(
            security_group_id=group.id,
            direction='ingress',
            protocol='tcp',
            port_range_min=80,
            port_range_max=80,
        )
        # Neutron keeps the network and the group until the server is gone.
        self.addCleanup(self.delete_all)
        server = self.boot(
            networks=[{'uuid': mine.id}], security_groups=[{'name': 'web'}]
        )
        (address,) = server.addresses['mine']
        self.assertTrue(address['addr'].startswith('192.0.2.'))
        self.assertEqual([{'name': 'web'}], server.security_groups)
        self.assertNotIn(
            mine.id,
            [item.id for item in self.connections['other'].network.networks()],
        )

    def test_ports_of_many_servers_are_asked_for_at_once(self):
        server = self.boot(networks='auto')
        ids = [server.id, *('%036d' % number for number in range(_MANY))]
        query = '&'.join('device_id=' + uuid for uuid in ids)
        found = self.connections['admin'].network.get('/ports?' + query)
        self.assertEqual(200, found.status_code, found.text)
        self.assertEqual(1, len(found.json()['ports']))

    def test_what_is_not_there_is_no_error_of_novas(self):
        for values in (
            {'networks': [{'uuid': '0' * 8 + '-0000-0000-0000-' + '0' * 12}]},
            {'networks': 'auto', 'security_groups': [{'name': 'none'}]},
        ):
            with self.assertRaises(exceptions.BadRequestException):
                self.create('small', **values)
