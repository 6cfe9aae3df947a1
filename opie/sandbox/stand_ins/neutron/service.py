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

"""neutron's API: which request is whose."""

from opie.sandbox.stand_ins import answers
from opie.sandbox.stand_ins.neutron import bindings
from opie.sandbox.stand_ins.neutron import extensions
from opie.sandbox.stand_ins.neutron import groups
from opie.sandbox.stand_ins.neutron import networks
from opie.sandbox.stand_ins.neutron import ports
from opie.sandbox.stand_ins.neutron import quotas
from opie.sandbox.stand_ins.neutron import resources
from opie.sandbox.stand_ins.neutron import rules
from opie.sandbox.stand_ins.neutron import subnets
from opie.sandbox.stand_ins.neutron import topologies

_VERSION = 'v2.0'
# Those that a neutron without routers and agents has none of.
_EMPTY = {
    'floatingips': 'FloatingIP',
    'routers': 'Router',
    'agents': 'Agent',
    'subnetpools': 'SubnetPool',
    'address_scopes': 'AddressScope',
    'rbac_policies': 'RbacPolicy',
    'availability_zones': 'AvailabilityZone',
}


class Neutron:
    """All of it.

    :param store: a :class:`opie.sandbox.stand_ins.store.Store`.
    """

    def __init__(self, store):
        kinds = resources.Kinds(store)
        for cls in (
            networks.Networks,
            subnets.Subnets,
            ports.Ports,
            groups.Groups,
            rules.Rules,
        ):
            kinds.add(cls(kinds))
        networks.create_shared(kinds)
        self._kinds = kinds

    def versions(self, url):
        body = answers.versions(url, _VERSION, '/%s/' % _VERSION)
        return answers.as_json(body)

    def refuse(self, refusal):
        """Return the answer that says what neutron says."""
        error = {'type': refusal.kind, 'message': str(refusal), 'detail': ''}
        return answers.as_json({'NeutronError': error}, refusal.status)

    def answer(self, request):
        name, *rest = *request.path, ''
        name = name.replace('-', '_')
        if name in self._kinds:
            kind = self._kinds[name]
            if name == 'ports' and rest[1:2] == ['bindings']:
                port = kind.find(rest[0], request.caller)
                return bindings.answer(request, port, kind.save)
            return resources.answer(request, kind)
        if name == 'extensions':
            return extensions.answer(request)
        if name == 'quotas':
            return quotas.answer(request)
        if name == topologies.NAME:
            return topologies.answer(request, self._kinds)
        if name in _EMPTY:
            return _empty(request, name)
        if not name and request.method == 'GET':
            names = sorted(self._kinds)
            return answers.as_json(
                {'resources': [{'name': item} for item in names]}
            )
        raise answers.Refusal(404, 'The resource could not be found.')


def _empty(request, name):
    """Answer for a kind of which there is nothing, and never will be."""
    if len(request.path) > 1:
        raise answers.Refusal(
            404,
            '%s %s could not be found' % (_EMPTY[name], request.path[1]),
            _EMPTY[name] + 'NotFound',
        )
    if request.method != 'GET':
        raise answers.Refusal(501, 'The sandbox has no %s.' % name)
    return answers.as_json({name: []})
