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

"""Requests with ports that ask for bandwidth and packet rate."""

from nova.tests.functional import test_servers_resource_request as requests
from oslo_utils import uuidutils

from opie.tests.functional import base

_NORMAL = 'CUSTOM_VNIC_TYPE_NORMAL'
_NETWORKS = ('CUSTOM_PHYSNET1', 'CUSTOM_PHYSNET2')
_EGRESS = 'NET_BW_EGR_KILOBIT_PER_SEC'
_PACKETS = 'NET_PACKET_RATE_KILOPACKET_PER_SEC'


class BandwidthTest(base.CloudTestCase):
    """A host of 10 VCPUs has an agent, with a bridge for each network.

    Each bridge has 3000 kbit/s, and the agent 10000 packets a second.
    """

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.neutron = self.useFixture(
            requests.MultiGroupResourceRequestNeutronFixture(self)
        )
        for trait in (_NORMAL, *_NETWORKS):
            self._create_trait(trait)
        self.root = self._get_provider_uuid_by_host('host1')
        self.agent = self.provider(self.root, _PACKETS, 10000, _NORMAL)
        self.bridges = {
            network: self.provider(self.agent, _EGRESS, 3000, _NORMAL, network)
            for network in _NETWORKS
        }
        self.normal = self.boot_with(self.port(1000, _NETWORKS[1]))
        self.other = self.boot_with(
            self.port(3000, _NETWORKS[0]), preemptible=True
        )
        self.victim = self.boot_with(
            self.port(2000, _NETWORKS[1]), preemptible=True
        )
        self.cheap = self.boot_preemptible(6)

    def provider(self, parent, resource_class, total, *traits):
        """Let a provider have an inventory and traits, as neutron does."""
        uuid = uuidutils.generate_uuid()
        self.placement.post(
            '/resource_providers',
            {'name': uuid, 'uuid': uuid, 'parent_provider_uuid': parent},
            version='1.20',
        )
        self._update_inventory(
            uuid,
            {
                'resource_provider_generation': 0,
                'inventories': {resource_class: {'total': total}},
            },
        )
        self._set_provider_traits(uuid, traits)
        return uuid

    def port(self, kbits, network):
        """Return a new port that asks for bandwidth and for packets."""
        groups = [
            {
                'id': uuidutils.generate_uuid(),
                'resources': {_EGRESS: kbits},
                'required': [network, _NORMAL],
            },
            {
                'id': uuidutils.generate_uuid(),
                'resources': {_PACKETS: 1000},
                'required': [_NORMAL],
            },
        ]
        port = dict(
            self.neutron.port_with_resource_request,
            id=uuidutils.generate_uuid(),
            resource_request={
                'request_groups': groups,
                'same_subtree': [group['id'] for group in groups],
            },
        )
        self.neutron._ports[port['id']] = port
        return port

    def boot_with(self, port, preemptible=False, state='ACTIVE'):
        boot = self.boot_preemptible if preemptible else self.boot
        flavor = self.flavor(1, extra_specs={'group_policy': 'none'})
        return boot(
            flavor=flavor, networks=[{'port': port['id']}], state=state
        )

    def assertUntouched(self, *servers):
        """Assert that servers run and hold the CPUs of their flavors."""
        for server in servers:
            now = self.api.get_server(server['id'])
            self.assertEqual('ACTIVE', now['status'])
            self.assertIsNone(now['OS-EXT-STS:task_state'])
            held = self.allocations(server)[self.root]['resources']
            self.assertEqual(now['flavor']['vcpus'], held['VCPU'])

    def test_the_server_that_has_the_bandwidth_goes(self):
        port = self.port(2000, _NETWORKS[1])
        preemptor = self.boot_with(port)
        self.assertGone(self.victim)
        self.assertUntouched(self.normal, self.other, self.cheap)
        bandwidth, packets = port['resource_request']['request_groups']
        held = self.allocations(preemptor)
        bridge = self.bridges[_NETWORKS[1]]
        self.assertEqual({_EGRESS: 2000}, held[bridge]['resources'])
        self.assertEqual({_PACKETS: 1000}, held[self.agent]['resources'])
        bound = self.neutron.show_port(port['id'])['port']
        self.assertEqual(
            {bandwidth['id']: bridge, packets['id']: self.agent},
            bound['binding:profile']['allocation'],
        )
        self.assertNoJournal()

    def test_no_server_goes_for_more_than_would_be_free(self):
        port = self.port(2001, _NETWORKS[1])
        self.assertNoValidHost(self.boot_with(port, state='ERROR'))
        self.assertUntouched(self.normal, self.other, self.victim, self.cheap)
        self.assertNoJournal()
