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

"""Horizon can show the marks by etc/metadefs/opie-preemptible.json."""

import json
import pathlib

from glanceclient.v2 import namespace_schema
import jsonschema
import testtools

from opie.preemption import marks

_FILE = (
    pathlib.Path(__file__).parents[3] / 'etc/metadefs/opie-preemptible.json'
)


class MetadefTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.namespace = json.loads(_FILE.read_text())

    def names(self, resource_type, properties_target=None):
        """Return what Horizon would send for a type of resource."""
        (association,) = [
            association
            for association in self.namespace['resource_type_associations']
            if association['name'] == resource_type
        ]
        self.assertEqual(
            properties_target, association.get('properties_target')
        )
        # Glance puts the prefix of the association before each name.
        return {
            association.get('prefix', '') + name
            for name in self.namespace['properties']
        }

    def test_it_is_a_namespace_of_glance(self):
        jsonschema.validate(self.namespace, namespace_schema.BASE_SCHEMA)

    def test_all_users_see_it(self):
        self.assertEqual('public', self.namespace['visibility'])

    def test_servers_get_the_hint(self):
        names = self.names('OS::Nova::Server', 'scheduler_hints')
        self.assertEqual({marks.HINT}, names)

    def test_flavors_get_the_extra_spec(self):
        names = self.names('OS::Nova::Flavor')
        self.assertEqual({marks.FLAVOR_EXTRA_SPEC}, names)

    def test_what_a_user_adds_is_true_unless_unticked(self):
        (definition,) = self.namespace['properties'].values()
        self.assertEqual('boolean', definition['type'])
        # Without a default Horizon sends the text "null".
        self.assertIs(True, definition['default'])
