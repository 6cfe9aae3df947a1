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

"""The network that a project gets without asking: the one that all share."""

from opie.sandbox.stand_ins import answers
from opie.sandbox.stand_ins.neutron import networks

NAME = 'auto_allocated_topology'


def answer(request, kinds):
    """Answer a request for the network of a project."""
    if request.method != 'GET' or len(request.path) != 2:
        raise answers.Refusal(501, 'The sandbox makes no network by itself.')
    found = [
        network['id']
        for network in kinds['networks'].visible(request.caller)
        if network['name'] == networks.SHARED_NAME and network['shared']
    ]
    if not found:
        raise answers.Refusal(
            409,
            'Deployment error: The shared network is gone.',
            'AutoAllocationFailure',
        )
    is_trial = 'dry-run' in request.query.get('fields', ())
    topology = {
        'id': 'dry-run=pass' if is_trial else found[0],
        'tenant_id': request.path[1],
    }
    return answers.as_json({NAME: topology})
