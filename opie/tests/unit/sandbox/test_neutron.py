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

"""The stand-in of neutron: what nova and users ask, and what is refused."""

import contextlib
import pathlib
import tempfile

from opie.sandbox.stand_ins import neutron
from opie.tests.unit.sandbox import neutron_base


class NetworksTest(neutron_base.NeutronTestCase):
    def test_every_project_sees_the_one_shared_network(self):
        for who in ('demo', 'other', 'admin'):
            (network,) = self.list('networks.json', who=who)
            (subnet,) = self.list('subnets', who=who)
            self.assertEqual(network['subnets'], [subnet['id']])

    def test_nova_finds_no_other_network_of_a_project(self):
        for query in ('shared=False', 'shared=false&tenant_id=demo'):
            self.assertEqual([], self.list('networks?' + query))

    def test_a_network_of_a_project_is_seen_there_alone(self):
        network = self.make('network', name='mine')
        self.assertEqual(
            [network['id']],
            [item['id'] for item in self.list('networks?name=mine')],
        )
        path = '/v2.0/networks/' + network['id']
        self.assert_refused(
            404, 'NetworkNotFound', self.ask(path, who='other')
        )
        self.assertEqual(204, self.ask(path, 'DELETE').status)
        self.assert_refused(404, 'NetworkNotFound', self.ask(path))

    def test_a_network_with_ports_stays(self):
        network = self.make('network')
        self.port(network_id=network['id'])
        self.assert_refused(
            409,
            'NetworkInUse',
            self.ask('/v2.0/networks/' + network['id'], 'DELETE'),
        )

    def test_a_member_cannot_change_what_all_share(self):
        path = '/v2.0/networks/' + self.shared()['id']
        for method in ('PUT', 'DELETE'):
            said = self.ask(path, method, {'network': {'name': 'mine'}})
            self.assert_refused(403, 'PolicyNotAuthorized', said)
        said = self.ask(
            '/v2.0/networks', 'POST', {'network': {'shared': True}}
        )
        self.assert_refused(403, 'PolicyNotAuthorized', said)

    def test_a_subnet_has_to_fit(self):
        network = self.make('network')['id']
        cidr = '192.0.2.0/24'
        subnet = self.make('subnet', network_id=network, cidr=cidr)
        self.assertEqual('192.0.2.1', subnet['gateway_ip'])
        for values in (
            {'cidr': '192.0.2.128/25'},
            {'cidr': 'nonsense'},
            {'cidr': '2001:db8::/64', 'ip_version': 4},
            {},
        ):
            body = {'subnet': {'network_id': network, **values}}
            said = self.ask('/v2.0/subnets', 'POST', body)
            self.assertEqual(400, said.status, said.text)


class PortsTest(neutron_base.NeutronTestCase):
    def test_each_port_gets_an_address_of_its_own(self):
        found = [self.port()['fixed_ips'][0]['ip_address'] for _ in range(3)]
        self.assertEqual(['10.0.0.2', '10.0.0.3', '10.0.0.4'], found)

    def test_a_wanted_address_is_given_once(self):
        wanted = [{'ip_address': '10.0.3.7'}]
        port = self.port(fixed_ips=wanted)
        self.assertEqual('10.0.3.7', port['fixed_ips'][0]['ip_address'])
        for status, kind, address in (
            (409, 'IpAddressAlreadyAllocated', '10.0.3.7'),
            (400, 'InvalidIpForNetwork', '192.0.2.1'),
            (400, 'InvalidIpForNetwork', 'nonsense'),
        ):
            body = {
                'network_id': self.shared()['id'],
                'fixed_ips': [{'ip_address': address}],
            }
            said = self.ask('/v2.0/ports', 'POST', {'port': body})
            self.assert_refused(status, kind, said)

    def test_a_network_can_be_full(self):
        network = self.make('network')['id']
        self.make('subnet', network_id=network, cidr='192.0.2.0/30')
        self.port(network_id=network)
        body = {'port': {'network_id': network}}
        self.assert_refused(
            409,
            'IpAddressGenerationFailure',
            self.ask('/v2.0/ports', 'POST', body),
        )

    def test_ports_of_hundreds_of_servers_are_listed_at_once(self):
        for number in range(300):
            self.port(device_id='server-%d' % number)
        query = '&'.join('device_id=server-%d' % i for i in range(0, 300, 2))
        found = self.list('ports?%s&fields=device_id' % query)
        self.assertEqual(150, len(found))
        self.assertEqual({'device_id': 'server-0'}, found[0])
        first = self.get('/v2.0/ports?limit=200')
        (link,) = first['ports_links']
        _, _, query = link['href'].partition('?')
        self.assertEqual(100, len(self.list('ports?' + query)))

    def test_a_port_is_found_by_its_address(self):
        port = self.port(fixed_ips=[{'ip_address': '10.0.3.7'}])
        self.port()
        for wanted in (
            'ip_address%3D10.0.3.7',
            'ip_address_substr%3D0.3.',
            'ip_address%3D10.0.3.7&fixed_ips=subnet_id%3D'
            + port['fixed_ips'][0]['subnet_id'],
        ):
            (found,) = self.list('ports?fixed_ips=' + wanted)
            self.assertEqual(port['id'], found['id'])
        self.assertEqual(
            [], self.list('ports?fixed_ips=ip_address%3D10.9.9.9')
        )

    def test_what_nova_sets_is_kept_and_seen_by_administrators_alone(self):
        uuid = self.port()['id']
        path = '/v2.0/ports/' + uuid
        body = {'port': {'binding:host_id': 'host1', 'device_id': 'server'}}
        port = self.ask(path, 'PUT', body, 'admin').body['port']
        self.assertEqual(
            ('host1', 'ovs', 'ACTIVE'),
            (
                port['binding:host_id'],
                port['binding:vif_type'],
                port['status'],
            ),
        )
        self.assertNotIn('binding:host_id', self.get(path)['port'])
        body = {'port': {'binding:host_id': None, 'device_id': ''}}
        port = self.ask(path, 'PUT', body, 'admin').body['port']
        self.assertEqual(
            ('unbound', 'DOWN'), (port['binding:vif_type'], port['status'])
        )

    def test_the_port_of_a_named_server_is_not_deleted(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            pathlib.Path(neutron.REFUSED).write_text('server1\n')
            for server, status in (('server1', 409), ('server2', 204)):
                path = '/v2.0/ports/' + self.port(device_id=server)['id']
                self.assertEqual(status, self.ask(path, 'DELETE').status)

    def test_ports_are_there_after_a_restart(self):
        with tempfile.TemporaryDirectory() as folder:
            self.path = pathlib.Path(folder) / 'documents'
            self.start()
            gone, kept = self.port(), self.port()
            self.ask('/v2.0/ports/' + gone['id'], 'DELETE')
            self.start()
            self.assertEqual([kept], self.list('ports'))
            self.shared()


class BindingsTest(neutron_base.NeutronTestCase):
    def setUp(self):
        super().setUp()
        uuid = self.port()['id']
        self.path = '/v2.0/ports/%s' % uuid
        self.bindings = self.path + '/bindings'
        body = {'port': {'binding:host_id': 'host1'}}
        self.ask(self.path, 'PUT', body, 'admin')

    def admin(self, path, method='GET', body=None):
        return self.ask(path, method, body, 'admin')

    def bind(self, host):
        return self.admin(self.bindings, 'POST', {'binding': {'host': host}})

    def hosts(self):
        found = self.get(self.bindings, who='admin')['bindings']
        return {item['host']: item['status'] for item in found}

    def test_a_migration_makes_a_second_binding_and_activates_it(self):
        self.assertEqual(201, self.bind('host2').status)
        self.assertEqual(
            {'host1': 'ACTIVE', 'host2': 'INACTIVE'}, self.hosts()
        )
        active = self.bindings + '/host2/activate'
        self.assertEqual(200, self.admin(active, 'PUT').status)
        self.assertEqual(
            {'host1': 'INACTIVE', 'host2': 'ACTIVE'}, self.hosts()
        )
        self.assert_refused(
            409, 'PortBindingAlreadyActive', self.admin(active, 'PUT')
        )
        self.assertEqual(
            204, self.admin(self.bindings + '/host1', 'DELETE').status
        )
        self.assertEqual({'host2': 'ACTIVE'}, self.hosts())
        port = self.get(self.path, who='admin')['port']
        self.assertEqual('host2', port['binding:host_id'])

    def test_nothing_is_bound_twice_or_found_where_it_is_not(self):
        self.assert_refused(
            409, 'PortBindingAlreadyExists', self.bind('host1')
        )
        self.assert_refused(
            404, 'PortBindingNotFound', self.admin(self.bindings + '/host9')
        )
        self.assert_refused(
            403, 'PolicyNotAuthorized', self.ask(self.bindings)
        )


class GroupsTest(neutron_base.NeutronTestCase):
    def test_each_project_has_one_default_group_with_rules(self):
        for who in ('demo', 'other', 'demo'):
            (group,) = self.list('security-groups', who=who)
            self.assertEqual(
                ('default', who), (group['name'], group['project_id'])
            )
            self.assertEqual(4, len(group['security_group_rules']))

    def test_a_port_is_in_the_default_group(self):
        port = self.port()
        (group,) = self.list('security-groups')
        self.assertEqual([group['id']], port['security_groups'])
        self.assertEqual(
            [port['id']],
            [
                item['id']
                for item in self.list('ports?security_groups=' + group['id'])
            ],
        )

    def test_a_group_in_use_and_the_default_one_stay(self):
        group = self.make('security-group'.replace('-', '_'), name='web')
        port = self.port(security_groups=[group['id']])
        path = '/v2.0/security-groups/' + group['id']
        self.assert_refused(
            409, 'SecurityGroupInUse', self.ask(path, 'DELETE')
        )
        self.ask('/v2.0/ports/' + port['id'], 'DELETE')
        self.assertEqual(204, self.ask(path, 'DELETE').status)
        (default,) = self.list('security-groups')
        path = '/v2.0/security-groups/' + default['id']
        self.assert_refused(
            409,
            'SecurityGroupCannotRemoveDefault',
            self.ask(path, 'DELETE'),
        )
        # An administrator clears what a project leaves.
        self.assertEqual(204, self.ask(path, 'DELETE', who='admin').status)

    def test_rules_are_made_as_nova_makes_them_and_once(self):
        (group,) = self.list('security-groups')
        rule = {
            'security_group_id': group['id'],
            'direction': 'ingress',
            'protocol': 'tcp',
            'port_range_min': 22,
            'port_range_max': 22,
        }
        body = {'security_group_rules': [rule]}
        said = self.ask('/v2.0/security-group-rules', 'POST', body)
        self.assertEqual(201, said.status, said.text)
        self.assert_refused(
            409,
            'SecurityGroupRuleExists',
            self.ask('/v2.0/security-group-rules', 'POST', body),
        )


class RestTest(neutron_base.NeutronTestCase):
    def test_nothing_is_limited(self):
        quota = self.get('/v2.0/quotas/demo')['quota']
        self.assertEqual({-1}, set(quota.values()))
        self.assertIn('port', quota)

    def test_what_it_has_not_is_an_empty_list_or_refused(self):
        self.assertEqual([], self.list('floatingips'))
        self.assert_refused(
            404, 'FloatingIPNotFound', self.ask('/v2.0/floatingips/some')
        )
        body = {'floatingip': {}}
        self.assert_refused(
            501,
            'HTTPNotImplemented',
            self.ask('/v2.0/floatingips', 'POST', body),
        )
        self.assert_refused(404, 'HTTPNotFound', self.ask('/v2.0/trunks'))
        self.assert_refused(404, 'HTTPNotFound', self.ask('/v2.0/ports/a/b'))
        self.assert_refused(
            405, 'HTTPMethodNotAllowed', self.ask('/v2.0/ports', 'DELETE')
        )

    def test_a_project_needs_no_network_of_its_own(self):
        path = '/v2.0/auto-allocated-topology/demo'
        for query, uuid in (
            ('', self.shared()['id']),
            ('?fields=dry-run', 'dry-run=pass'),
        ):
            topology = self.get(path + query)['auto_allocated_topology']
            self.assertEqual(uuid, topology['id'])
        self.assertEqual(501, self.ask(path, 'DELETE').status)

    def test_it_says_which_extensions_it_has(self):
        aliases = {item['alias'] for item in self.list('extensions')}
        self.assertIn('binding-extended', aliases)
        self.assert_refused(
            404, 'ExtensionNotFound', self.ask('/v2.0/extensions/trunk')
        )

    def test_bad_bodies_are_the_callers_fault(self):
        network = self.shared()['id']
        for body in (
            None,
            [],
            {'network': {}},
            {'port': []},
            {'port': {'network_id': network, 'surprise': 1}},
        ):
            said = self.ask('/v2.0/ports', 'POST', body)
            self.assertEqual(400, said.status, said.text)

    def test_it_answers_no_stranger_but_tells_its_version(self):
        said = self.ask('/v2.0/ports', who='stranger')
        self.assertEqual(401, said.status)
        (version,) = self.get('/', who='stranger')['versions']
        self.assertEqual('v2.0', version['id'])
