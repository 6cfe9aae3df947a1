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

"""Ports, which nova makes for its servers and binds to hosts."""

import pathlib

from opie.sandbox.stand_ins import answers
from opie.sandbox.stand_ins import neutron
from opie.sandbox.stand_ins import queries
from opie.sandbox.stand_ins.neutron import addresses
from opie.sandbox.stand_ins.neutron import bindings
from opie.sandbox.stand_ins.neutron import resources


class Ports(resources.Kind):
    name = 'ports'
    singular = 'port'
    word = 'Port'
    error = 'PortNotFound'
    defaults = {
        'name': '',
        'description': '',
        'network_id': None,
        'admin_state_up': True,
        'mac_address': None,
        'fixed_ips': None,
        'device_id': '',
        'device_owner': '',
        'security_groups': None,
        'allowed_address_pairs': [],
        'extra_dhcp_opts': [],
        'port_security_enabled': True,
        bindings.HOST: '',
        bindings.PROFILE: {},
        bindings.VNIC_TYPE: 'normal',
    }
    fixed = frozenset({'network_id'})

    def complete(self, document, values, caller):
        network = self.kinds['networks'].find(document['network_id'], caller)
        others = self._of_network(network)
        taken = {port['mac_address'] for port in others}
        if document['mac_address'] in taken:
            raise answers.Refusal(
                409,
                'Unable to complete operation for network %s. The mac address '
                '%s is in use.' % (network['id'], document['mac_address']),
                'MacAddressInUse',
            )
        document['mac_address'] = document['mac_address'] or addresses.mac(
            taken
        )
        document['fixed_ips'] = self._addresses(document, others)
        groups = self.kinds['security_groups']
        if document['security_groups'] is None:
            default = groups.default_of(document['project_id'])
            document['security_groups'] = [default['id']]
        self._check_groups(document, caller)
        document[bindings.OTHERS] = {}
        bindings.complete(document)

    def _of_network(self, network):
        return [
            port for port in self.all() if port['network_id'] == network['id']
        ]

    def _addresses(self, document, others):
        network = self.kinds['networks'].find(document['network_id'])
        return addresses.allocate(
            network,
            [
                subnet
                for subnet in self.kinds['subnets'].all()
                if subnet['network_id'] == network['id']
            ],
            {
                item['ip_address']
                for port in others
                if port['id'] != document['id']
                for item in port['fixed_ips']
            },
            document['fixed_ips'],
        )

    def _check_groups(self, document, caller):
        for uuid in document['security_groups']:
            self.kinds['security_groups'].find(uuid, caller)

    def change(self, document, values, caller):
        if 'fixed_ips' in values:
            network = self.kinds['networks'].find(document['network_id'])
            document['fixed_ips'] = self._addresses(
                document, self._of_network(network)
            )
        if 'security_groups' in values:
            self._check_groups(document, caller)
        bindings.complete(document)

    def delete(self, document, caller):
        file = pathlib.Path(neutron.REFUSED)
        if file.exists() and document['device_id'] in file.read_text().split():
            raise answers.Refusal(
                409,
                'Port %s is currently a parent port of a trunk.'
                % document['id'],
                'PortInUseAsTrunkParent',
            )
        super().delete(document, caller)

    def show(self, document, caller):
        return bindings.shown(document, caller)

    def chosen(self, documents, query):
        """Filter by addresses, which are no plain members, and by the rest."""
        query = dict(query)
        wanted = [
            item.partition('=')[::2] for item in query.pop('fixed_ips', ())
        ]
        return queries.chosen(
            [port for port in documents if _has_address(port, wanted)], query
        )


def _has_address(port, wanted):
    """Tell whether an address of a port is as it is wanted.

    :param wanted: pairs of a name, such as ``subnet_id``, and a value.
    """
    names = {name for name, _ in wanted}
    return not wanted or any(
        all(
            any(
                _fits(item, name, value)
                for key, value in wanted
                if key == name
            )
            for name in names
        )
        for item in port['fixed_ips']
    )


def _fits(item, name, value):
    if name == 'ip_address_substr':
        return value in item['ip_address']
    return item.get(name) == value
