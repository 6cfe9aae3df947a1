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

"""Chooses the addresses of ports."""

import ipaddress
import random

from opie.sandbox.stand_ins import answers


def allocate(network, subnets, taken, wanted):
    """Return the ``fixed_ips`` of a port.

    :param subnets: of the network.
    :param taken: the addresses that other ports of the network have.
    :param wanted: None for an address of the first subnet of each version of
        IP, or a list of ``subnet_id``, ``ip_address`` or both.
    :raises answers.Refusal: if there is none.
    """
    if wanted is None:
        first = {}
        for subnet in subnets:
            first.setdefault(subnet['ip_version'], subnet)
        wanted = [{'subnet_id': subnet['id']} for subnet in first.values()]
    fixed_ips, taken = [], set(taken)
    for item in wanted:
        subnet, address = _one(network, subnets, taken, item)
        taken.add(address)
        fixed_ips.append({'subnet_id': subnet['id'], 'ip_address': address})
    return fixed_ips


def _one(network, subnets, taken, item):
    address, uuid = item.get('ip_address'), item.get('subnet_id')
    fitting = [
        subnet
        for subnet in subnets
        if uuid in (None, subnet['id'])
        and (address is None or _is_in(address, subnet))
    ]
    if not fitting:
        raise answers.Refusal(
            400,
            'IP address %s is not a valid IP for any of the subnets on the '
            'specified network.' % (address or uuid),
            'InvalidIpForNetwork' if address else 'InvalidInput',
        )
    subnet = fitting[0]
    if address is None:
        return subnet, _free(network, subnet, taken)
    if address in taken:
        raise answers.Refusal(
            409,
            'IP address %s already allocated in subnet %s'
            % (address, subnet['id']),
            'IpAddressAlreadyAllocated',
        )
    return subnet, address


def _is_in(address, subnet):
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return found in ipaddress.ip_network(subnet['cidr'])


def _free(network, subnet, taken):
    for pool in subnet['allocation_pools']:
        address = ipaddress.ip_address(pool['start'])
        last = ipaddress.ip_address(pool['end'])
        while address <= last:
            if str(address) not in taken:
                return str(address)
            address += 1
    raise answers.Refusal(
        409,
        'No more IP addresses available on network %s.' % network['id'],
        'IpAddressGenerationFailure',
    )


def mac(taken):
    """Return a MAC address that is none of those taken."""
    while True:
        tail = ['%02x' % random.randrange(256) for _ in range(3)]
        address = ':'.join(['fa:16:3e', *tail])
        if address not in taken:
            return address
