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

"""Quotas: none of a project's is bounded."""

from opie.sandbox.stand_ins import answers

_QUOTAS = {
    'network': -1,
    'subnet': -1,
    'subnetpool': -1,
    'port': -1,
    'router': -1,
    'floatingip': -1,
    'security_group': -1,
    'security_group_rule': -1,
    'rbac_policy': -1,
}


def answer(request):
    """Answer a request for the quotas of a project."""
    if request.method != 'GET':
        raise answers.Refusal(501, 'The sandbox has no quotas of networks.')
    if len(request.path) == 1:
        # Those of projects that differ from the default.
        return answers.as_json({'quotas': []})
    if request.path[2:] == ('details',):
        quota = {
            name: {'limit': limit, 'used': 0, 'reserved': 0}
            for name, limit in _QUOTAS.items()
        }
        return answers.as_json({'quota': quota})
    return answers.as_json({'quota': _QUOTAS})
