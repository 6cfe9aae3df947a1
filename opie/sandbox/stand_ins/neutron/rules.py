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

"""Rules of security groups."""

from opie.sandbox.stand_ins import answers
from opie.sandbox.stand_ins.neutron import resources

# What two rules of a group do not have in common.
_SAME = (
    'security_group_id',
    'direction',
    'ethertype',
    'protocol',
    'port_range_min',
    'port_range_max',
    'remote_ip_prefix',
    'remote_group_id',
)


class Rules(resources.Kind):
    name = 'security_group_rules'
    singular = 'security_group_rule'
    word = 'Security group rule'
    error = 'SecurityGroupRuleNotFound'
    defaults = {
        'description': '',
        'security_group_id': None,
        'direction': 'ingress',
        'ethertype': 'IPv4',
        'protocol': None,
        'port_range_min': None,
        'port_range_max': None,
        'remote_ip_prefix': None,
        'remote_group_id': None,
    }
    fixed = frozenset(defaults.keys() - {'description'})

    def complete(self, document, values, caller):
        groups = self.kinds['security_groups']
        groups.find(document['security_group_id'], caller)
        if document['remote_group_id']:
            groups.find(document['remote_group_id'], caller)
        for name in ('port_range_min', 'port_range_max'):
            if document[name] is not None:
                document[name] = int(document[name])
        for rule in self.all():
            if all(rule[name] == document[name] for name in _SAME):
                raise answers.Refusal(
                    409,
                    'Security group rule already exists. Rule id is %s.'
                    % rule['id'],
                    'SecurityGroupRuleExists',
                )
