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

"""The stand-in of glance."""

from opie.sandbox.stand_ins import glance
from opie.sandbox.stand_ins.glance import images
from opie.sandbox.stand_ins.glance import service
from opie.tests.unit.sandbox import asking

_TINY = '/v2/images/' + glance.IMAGE_ID


class GlanceTest(asking.AskingTestCase):
    service = service.Glance

    def names(self, query='', **kwargs):
        found = self.get('/v2/images?' + query, **kwargs)['images']
        return {image['name'] for image in found}

    def make(self, **values):
        said = self.ask('/v2/images', 'POST', {'name': 'mine', **values})
        self.assertEqual(201, said.status, said.text)
        return said.body

    def test_every_project_sees_two_images(self):
        for who in ('demo', 'other', 'admin'):
            self.assertEqual({'tiny', 'tiny-2'}, self.names(who=who))

    def test_lists_are_filtered(self):
        for query, found in (
            ('name=tiny&limit=10', {'tiny'}),
            ('name=big', set()),
            ('id=in:%s,other' % glance.IMAGE_ID, {'tiny'}),
            ('status=active&visibility=public', {'tiny', 'tiny-2'}),
            ('status=queued', set()),
            ('owner=demo', set()),
            ('property=value', set()),
            ('updated_at=gte:2999-01-01T00:00:00Z', set()),
            ('created_at=lt:2999-01-01T00:00:00Z', {'tiny', 'tiny-2'}),
            ('size_min=2000', set()),
            ('os_hidden=true', set()),
        ):
            self.assertEqual(found, self.names(query), query)

    def test_lists_have_pages(self):
        first = self.get('/v2/images?limit=1&sort_key=name&sort_dir=desc')
        self.assertEqual('tiny-2', first['images'][0]['name'])
        second = self.get(first['next'])
        self.assertEqual('tiny', second['images'][0]['name'])
        self.assertNotIn('next', second)
        for query in ('marker=none', 'limit=many'):
            said = self.ask('/v2/images?' + query)
            self.assertEqual(400, said.status)

    def test_nova_makes_an_image_of_a_server(self):
        image = self.make(instance_uuid='server', min_ram=64)
        path = '/v2/images/' + image['id']
        self.assertEqual('queued', image['status'])
        self.assertEqual(204, self.ask(path + '/file', 'PUT', [1]).status)
        image = self.get(path)
        self.assertEqual(('active', 3), (image['status'], image['size']))
        self.assertEqual({'mine'}, self.names('instance_uuid=server'))
        self.assertEqual(409, self.ask(path + '/file', 'PUT', [1]).status)
        self.assertEqual({'tasks': []}, self.get(path + '/tasks'))
        self.assertEqual(404, self.ask(path, who='other').status)
        self.assertEqual(204, self.ask(path, 'DELETE').status)
        self.assertEqual(404, self.ask(path).status)

    def test_metadata_are_added_changed_and_removed(self):
        path = '/v2/images/' + self.make(key='old', other='1')['id']
        changes = [
            {'op': 'replace', 'path': '/key', 'value': 'new'},
            {'op': 'add', 'path': '/third', 'value': '3'},
            {'op': 'remove', 'path': '/other'},
        ]
        image = self.ask(path, 'PATCH', changes).body
        self.assertEqual(
            ('new', '3', False),
            (image['key'], image['third'], 'other' in image),
        )
        changes = [{'op': 'remove', 'path': '/other'}]
        self.assertEqual(409, self.ask(path, 'PATCH', changes).status)
        changes = [{'op': 'replace', 'path': '/status', 'value': 'active'}]
        self.assertEqual(403, self.ask(path, 'PATCH', changes).status)

    def test_what_all_share_stays(self):
        for who in ('demo', 'admin'):
            self.assertEqual(403, self.ask(_TINY, 'DELETE', who=who).status)
        self.assertEqual(403, self.ask(_TINY, 'PATCH', []).status)

    def test_the_schema_has_all_of_an_image(self):
        schema = self.get('/v2/schemas/image')
        self.assertEqual(set(self.get(_TINY)), set(schema['properties']))
        self.assertEqual(set(images.BASE), set(schema['properties']))

    def test_it_refuses_as_glance_does(self):
        for path, method, status in (
            ('/v2/images/other', 'GET', 404),
            ('/v2/tasks', 'GET', 404),
            ('/v2/images', 'PUT', 405),
            (_TINY, 'PUT', 405),
            (_TINY + '/actions/deactivate', 'POST', 501),
        ):
            said = self.ask(path, method)
            self.assertEqual(status, said.status, path)
            self.assertIn('<title>%d ' % status, said.text)
        self.assertEqual(400, self.ask('/v2/images', 'POST', []).status)

    def test_it_answers_no_stranger_but_tells_its_version(self):
        self.assertEqual(401, self.ask('/v2/images', who='x').status)
        self.assertEqual(300, self.ask('/', who='x').status)
