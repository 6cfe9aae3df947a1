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

"""The answers of the stand-ins of neutron and glance."""

import contextlib
import json
import pathlib
import tempfile
import unittest

from opie.sandbox.stand_ins import glance
from opie.sandbox.stand_ins import neutron


def ask(module, path, method='GET', query=''):
    """Return the status and the text of an answer."""
    statuses = []
    body = module.application(
        {
            'PATH_INFO': path,
            'REQUEST_METHOD': method,
            'QUERY_STRING': query,
            'HTTP_HOST': '127.0.0.1:1',
        },
        lambda status, headers: statuses.append(int(status.split()[0])),
    )
    return statuses[0], b''.join(body).decode()


class NeutronTest(unittest.TestCase):
    def test_every_list_is_empty(self):
        for name, member in (
            ('ports', 'ports'),
            ('security-groups', 'security_groups'),
            ('networks.json', 'networks'),
        ):
            status, text = ask(neutron, '/v2.0/' + name)
            self.assertEqual((200, {member: []}), (status, json.loads(text)))

    def test_nothing_in_particular_is_there(self):
        status, text = ask(neutron, '/v2.0/networks/net1')
        self.assertEqual(404, status)
        self.assertIn('NeutronError', json.loads(text))

    def test_nothing_can_be_created(self):
        self.assertEqual(403, ask(neutron, '/v2.0/networks', 'POST')[0])

    def test_a_port_that_is_not_to_be_deleted_is_there_and_stays(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            pathlib.Path(neutron.REFUSED).write_text('server1\n')
            for query, found in (
                ('device_id=server1', ['server1']),
                ('device_id=server2', []),
                ('', []),
            ):
                _, text = ask(neutron, '/v2.0/ports', query=query)
                ports = [one['id'] for one in json.loads(text)['ports']]
                self.assertEqual(found, ports)
        self.assertEqual(409, ask(neutron, '/v2.0/ports/server1', 'DELETE')[0])

    def test_it_tells_its_version(self):
        status, text = ask(neutron, '/')
        (version,) = json.loads(text)['versions']
        self.assertEqual((200, 'v2.0'), (status, version['id']))


class GlanceTest(unittest.TestCase):
    def images(self, query):
        status, text = ask(glance, '/v2/images', query=query)
        self.assertEqual(200, status)
        return [image['name'] for image in json.loads(text)['images']]

    def test_it_has_one_image(self):
        self.assertEqual(['tiny'], self.images(''))
        self.assertEqual(['tiny'], self.images('name=tiny&limit=10'))
        self.assertEqual([], self.images('name=big'))
        self.assertEqual([], self.images('marker=' + glance.IMAGE_ID))

    def test_the_image_is_shown(self):
        status, text = ask(glance, '/v2/images/' + glance.IMAGE_ID)
        self.assertEqual((200, glance.IMAGE), (status, json.loads(text)))

    def test_another_is_not_there(self):
        self.assertEqual(404, ask(glance, '/v2/images/other')[0])

    def test_the_schema_has_all_of_the_image(self):
        _, text = ask(glance, '/v2/schemas/image')
        self.assertEqual(
            set(glance.IMAGE), set(json.loads(text)['properties'])
        )

    def test_nothing_can_be_uploaded(self):
        self.assertEqual(403, ask(glance, '/v2/images', 'POST')[0])
