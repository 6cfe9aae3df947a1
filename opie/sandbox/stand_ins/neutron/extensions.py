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

"""The extensions of neutron's API of which the stand-in has the resources."""

from opie.sandbox.stand_ins import answers

NAMES = {
    'auto-allocated-topology': 'Auto Allocated Topology Services',
    'binding': 'Port Binding',
    'binding-extended': 'Port Bindings Extended',
    'external-net': 'Neutron external network',
    'port-security': 'Port Security',
    'project-id': 'project_id field enabled',
    'quotas': 'Quota management support',
    'security-group': 'security-group',
    'sorting': 'Sorting support',
    'pagination': 'Pagination support',
    'standard-attr-description': 'standard-attr-description',
    'standard-attr-timestamp': 'Resource timestamps',
}


def answer(request):
    """Answer a request for the extensions, or for one."""
    if request.method != 'GET':
        raise answers.Refusal(405, 'The method is not allowed.')
    if len(request.path) == 1:
        return answers.as_json({'extensions': [_show(one) for one in NAMES]})
    alias = request.path[1]
    if alias not in NAMES:
        raise answers.Refusal(
            404,
            'Extension with alias %s does not exist' % alias,
            'ExtensionNotFound',
        )
    return answers.as_json({'extension': _show(alias)})


def _show(alias):
    return {
        'alias': alias,
        'name': NAMES[alias],
        'description': NAMES[alias],
        'updated': '2026-01-01T00:00:00-00:00',
        'links': [],
    }
