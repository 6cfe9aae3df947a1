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

"""Networks: the one that all projects share, and those of a project."""

from opie.sandbox.stand_ins import answers
from opie.sandbox.stand_ins import tokens
from opie.sandbox.stand_ins.neutron import resources

SHARED_NAME = 'shared'
SHARED_CIDR = '10.0.0.0/16'

# A project without users.
_CLOUD = tokens.Caller('sandbox', is_admin=True)


class Networks(resources.Kind):
    name = 'networks'
    singular = 'network'
    word = 'Network'
    error = 'NetworkNotFound'
    defaults = {
        'name': '',
        'description': '',
        'admin_state_up': True,
        'shared': False,
        'router:external': False,
        'port_security_enabled': True,
        'mtu': 1500,
        'availability_zone_hints': [],
    }
    fixed = frozenset({'availability_zone_hints'})

    def may_see(self, document, caller):
        return document['shared'] or super().may_see(document, caller)

    def complete(self, document, values, caller):
        document['status'] = 'ACTIVE'
        document['availability_zones'] = []
        self.change(document, values, caller)

    def change(self, document, values, caller):
        for name in ('shared', 'router:external'):
            if values.get(name) and not caller.is_admin:
                raise answers.Refusal(
                    403,
                    'Only an administrator may set %s.' % name,
                    'PolicyNotAuthorized',
                )

    def delete(self, document, caller):
        if any(
            port['network_id'] == document['id']
            for port in self.kinds['ports'].all()
        ):
            raise answers.Refusal(
                409,
                'Unable to complete operation on network %s. There are one or '
                'more ports still in use on the network.' % document['id'],
                'NetworkInUse',
            )
        for uuid in self._subnets(document):
            self.kinds.store.remove('subnets', uuid)
        super().delete(document, caller)

    def show(self, document, caller):
        return {**document, 'subnets': self._subnets(document)}

    def _subnets(self, document):
        return [
            subnet['id']
            for subnet in self.kinds['subnets'].all()
            if subnet['network_id'] == document['id']
        ]


def create_shared(kinds):
    """Make the network that all projects share, in a new cloud."""
    if kinds['networks'].all():
        return
    network = kinds['networks'].create(
        {'name': SHARED_NAME, 'shared': True}, _CLOUD
    )
    kinds['subnets'].create(
        {
            'name': SHARED_NAME,
            'network_id': network['id'],
            'cidr': SHARED_CIDR,
            'ip_version': 4,
        },
        _CLOUD,
    )
