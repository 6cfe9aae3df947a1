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

"""Security groups; each project has a default one as soon as it needs it."""

from opie.sandbox.stand_ins import answers
from opie.sandbox.stand_ins import tokens
from opie.sandbox.stand_ins.neutron import resources

_DEFAULT = 'default'


class Groups(resources.Kind):
    name = 'security_groups'
    singular = 'security_group'
    word = 'Security group'
    error = 'SecurityGroupNotFound'
    defaults = {'name': '', 'description': '', 'stateful': True}
    fixed = frozenset()

    def visible(self, caller):
        self.default_of(caller.project_id)
        return super().visible(caller)

    def default_of(self, project):
        """Return the default group of a project."""
        for group in self.all():
            if group['name'] == _DEFAULT and group['project_id'] == project:
                return group
        caller = tokens.Caller(project)
        values = {
            'name': _DEFAULT,
            'description': 'Default security group',
        }
        group = super().create(values, caller)
        self._create_rules(group, caller, 'egress')
        self._create_rules(
            group, caller, 'ingress', remote_group_id=group['id']
        )
        return group

    def create(self, values, caller):
        self.default_of(caller.project_id)
        if values.get('name') == _DEFAULT:
            raise answers.Refusal(
                409,
                'Default security group already exists.',
                'SecurityGroupDefaultAlreadyExists',
            )
        group = super().create(values, caller)
        self._create_rules(group, caller, 'egress')
        return group

    def _create_rules(self, group, caller, direction, **values):
        for ethertype in ('IPv4', 'IPv6'):
            self.kinds['security_group_rules'].create(
                {
                    'security_group_id': group['id'],
                    'direction': direction,
                    'ethertype': ethertype,
                    **values,
                    'project_id': group['project_id'],
                },
                caller,
            )

    def change(self, document, values, caller):
        before = self.find(document['id'])
        if before['name'] == _DEFAULT != document['name']:
            raise answers.Refusal(
                409,
                'Updating default security group not allowed.',
                'SecurityGroupCannotUpdateDefault',
            )

    def delete(self, document, caller):
        if document['name'] == _DEFAULT and not caller.is_admin:
            raise answers.Refusal(
                409,
                'Insufficient rights for removing default security group.',
                'SecurityGroupCannotRemoveDefault',
            )
        if any(
            document['id'] in port['security_groups']
            for port in self.kinds['ports'].all()
        ):
            raise answers.Refusal(
                409,
                'Security Group %s in use.' % document['id'],
                'SecurityGroupInUse',
            )
        for rule in self._rules(document):
            self.kinds.store.remove('security_group_rules', rule['id'])
        super().delete(document, caller)

    def show(self, document, caller):
        return {**document, 'security_group_rules': self._rules(document)}

    def _rules(self, document):
        return [
            rule
            for rule in self.kinds['security_group_rules'].all()
            if rule['security_group_id'] == document['id']
        ]
