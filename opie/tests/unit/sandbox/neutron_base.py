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

"""The base of tests of neutron's stand-in."""

from opie.sandbox.stand_ins.neutron import service
from opie.tests.unit.sandbox import asking


class NeutronTestCase(asking.AskingTestCase):
    service = service.Neutron

    def make(self, kind, who='demo', **values):
        """Return a new resource.

        :param kind: such as ``port``.
        """
        said = self.ask('/v2.0/%ss' % kind, 'POST', {kind: values}, who)
        self.assertEqual(201, said.status, said.text)
        return said.body[kind]

    def list(self, path, **kwargs):
        """Return the resources that a list has."""
        name = path.partition('?')[0].removesuffix('.json')
        name = name.replace('-', '_')
        return self.get('/v2.0/' + path, **kwargs)[name]

    def shared(self):
        (network,) = self.list('networks?shared=True')
        return network

    def port(self, **values):
        values.setdefault('network_id', self.shared()['id'])
        return self.make('port', **values)

    def assert_refused(self, status, kind, said):
        self.assertEqual(status, said.status, said.text)
        self.assertEqual(kind, said.body['NeutronError']['type'])
