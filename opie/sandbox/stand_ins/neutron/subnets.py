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

"""Subnets: ranges of addresses of a network."""

import ipaddress

from opie.sandbox.stand_ins import answers
from opie.sandbox.stand_ins.neutron import resources


class Subnets(resources.Kind):
    name = 'subnets'
    singular = 'subnet'
    word = 'Subnet'
    error = 'SubnetNotFound'
    defaults = {
        'name': '',
        'description': '',
        'network_id': None,
        'cidr': None,
        'ip_version': 4,
        'gateway_ip': None,
        'enable_dhcp': True,
        'allocation_pools': None,
        'dns_nameservers': [],
        'host_routes': [],
        'ipv6_address_mode': None,
        'ipv6_ra_mode': None,
        'subnetpool_id': None,
    }
    fixed = frozenset({'network_id', 'cidr', 'ip_version', 'subnetpool_id'})

    def may_see(self, document, caller):
        network = self.kinds['networks'].find(document['network_id'])
        return self.kinds['networks'].may_see(network, caller)

    def complete(self, document, values, caller):
        network = self.kinds['networks'].find_own(
            document['network_id'], caller
        )
        try:
            net = ipaddress.ip_network(document['cidr'] or '')
        except ValueError as error:
            raise answers.Refusal(
                400, 'Invalid input for cidr. Reason: %s.' % error
            ) from error
        if net.version != document['ip_version']:
            raise answers.Refusal(
                400, 'Invalid input for cidr. Reason: another version of IP.'
            )
        for other in self.all():
            if other['network_id'] == network['id'] and _overlap(net, other):
                raise answers.Refusal(
                    400,
                    'Invalid input for operation: Requested subnet with cidr: '
                    '%s overlaps with another subnet.' % net,
                    'InvalidInput',
                )
        if 'gateway_ip' not in values:
            document['gateway_ip'] = str(net[1])
        if not document['allocation_pools']:
            document['allocation_pools'] = [_rest_of(net)]

    def delete(self, document, caller):
        for port in self.kinds['ports'].all():
            if any(
                item['subnet_id'] == document['id']
                for item in port['fixed_ips']
            ):
                raise answers.Refusal(
                    409,
                    'Unable to complete operation on subnet %s: One or more '
                    'ports have an IP allocation from this subnet.'
                    % document['id'],
                    'SubnetInUse',
                )
        super().delete(document, caller)


def _overlap(net, subnet):
    other = ipaddress.ip_network(subnet['cidr'])
    return other.version == net.version and net.overlaps(other)


def _rest_of(net):
    """Return all addresses but those of the net, the gateway, broadcasts."""
    last = net[-2] if net.version == 4 else net[-1]
    return {'start': str(net[2]), 'end': str(last)}
