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
"""Answers to requests that do not name opie, against those of nova's own API.

Both pipelines stand before the same databases and get the same requests.
"""

import itertools
import json
import re

from paste import deploy
import webob

from opie.sandbox.inprocess import paste_fixture
from opie.tests.functional import base

IMAGE = '155d900f-4e14-4e4c-a73d-069cbf4541e6'
# What differs from one request to the next, with and without opie.
_OF_ONE_REQUEST = re.compile(
    rb'req-[0-9a-f-]{36}'
    rb'|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
    rb'|(?<="adminPass": ")\w+|(?<="reservation_id": ")r-\w+'
    rb'|(?<="updated": ")[^"]+|(?<=:launched_at": ")[^"]+'
)
VERSIONS = (
    {},
    {'OpenStack-API-Version': 'compute 2.1'},
    {'OpenStack-API-Version': 'compute 2.96'},
    {'OpenStack-API-Version': 'compute latest'},
    {'OpenStack-API-Version': 'compute 2.47, placement 1.9, opie'},
    {'OpenStack-API-Version': 'compute 9.9'},
    {'OpenStack-API-Version': 'compute x'},
    {'X-OpenStack-Nova-API-Version': '2.75'},
)
QUERIES = (
    '',
    '?limit=1',
    '?limit=0',
    '?limit=-1',
    '?limit=99999&sort_key=display_name&sort_dir=asc',
    '?all_tenants=1&status=ACTIVE',
    '?status=none',
    '?changes-since=2020-01-01T00:00:00Z',
    '?marker=none',
    '?name=%ff',
    '?Preemptible=true',
    '?preemptible_=true',
)


class BytesTest(base.CloudTestCase):
    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        marked = self.flavor(1, extra_specs={'opie:preemptible': 'true'})
        self.servers = [
            self.boot_preemptible(name='by-hint'),
            self.boot(name='by-flavor', flavor=marked),
            self.boot(name='normal'),
        ]
        self.plain = self.api_fixture.app()
        path = self.useFixture(paste_fixture.PasteFixture()).path
        self.filtered = deploy.loadapp('config:' + path, name='osapi_compute')

    def ask(self, application, method, path, headers, body=None):
        """Return all that an answer has."""
        request = webob.Request.blank(
            path,
            method=method,
            headers={
                'X-Auth-User': 'admin',
                'X-Auth-Project-Id': self.api.project_id,
                'X-Roles': 'reader,member,admin',
                **headers,
            },
        )
        if body is not None:
            request.body = body
            request.content_type = 'application/json'
        response = request.get_response(application)
        head = '\n'.join(
            '%s: %s' % header for header in sorted(response.headerlist)
        )
        answer = b'%s\n%s\n\n%s' % (
            response.status.encode(),
            head.encode(),
            response.body,
        )
        return _OF_ONE_REQUEST.sub(
            lambda found: b'*' * len(found.group()), answer
        )

    def check(self, *request):
        self.assertEqual(
            self.ask(self.plain, *request), self.ask(self.filtered, *request)
        )

    def test_every_get_and_head_is_nova_s(self):
        paths = [
            *('/servers' + query for query in QUERIES),
            *('/servers/detail' + query for query in QUERIES),
            *('/servers/%s' % server['id'] for server in self.servers),
            '/servers/none',
            '/%s/servers/detail' % self.api.project_id,
            '/servers/%s/action' % self.servers[0]['id'],
            '/servers/%s/ips' % self.servers[0]['id'],
            '/os-volumes_boot',
            '/os-server-groups',
            '/flavors/detail',
            '/',
            '',
        ]
        for root, path, headers in itertools.product(
            ('/v2.1', '/v2'), paths, VERSIONS
        ):
            self.check('GET', root + path, headers)
        for path in paths:
            self.check('HEAD', '/v2.1' + path, {})
        media = {'Accept': 'application/vnd.openstack.compute+json'}
        self.check('GET', '/v2.1/servers/detail', media)

    def test_every_change_is_nova_s(self):
        # No host has that many, so that the servers that come evict none.
        server = {
            'name': 's',
            'imageRef': IMAGE,
            'flavorRef': self.flavor(1000),
        }
        hints = {'preemptible': 'true', 'color': 'red'}
        first = '/servers/%s' % self.servers[0]['id']
        for root, headers in itertools.product(('/v2.1', '/v2'), VERSIONS):
            for method, path, body in (
                ('POST', '/servers', {'server': server}),
                (
                    'POST',
                    '/servers',
                    {'server': server, 'os:scheduler_hints': hints},
                ),
                (
                    'POST',
                    '/servers',
                    {'server': {**server, 'return_reservation_id': True}},
                ),
                ('POST', '/servers', {'server': {}}),
                ('POST', '/servers', {'server': []}),
                ('POST', '/servers', []),
                ('POST', '/os-volumes_boot', {'server': server}),
                ('PUT', first, {'server': {'name': 'renamed'}}),
                ('PUT', first, {'server': {'preemptible': True}}),
                ('PUT', first, {'server': {}}),
                ('POST', first + '/action', {'rebuild': {}}),
                ('POST', first + '/action', {'resize': {'flavorRef': 'x'}}),
                ('POST', first + '/action', {'unlock': None}),
                ('POST', first + '/action', {'none': None}),
                ('DELETE', '/servers/none', None),
            ):
                self.check(
                    method,
                    root + path,
                    headers,
                    None if body is None else json.dumps(body).encode(),
                )
        for body in (b'', b'{', b'null', b'[' * 1000):
            self.check('POST', '/v2.1/servers', {}, body)

    def test_a_rebuild_is_nova_s(self):
        body = json.dumps({'rebuild': {'imageRef': IMAGE}}).encode()
        answers = []
        for application in (self.plain, self.filtered):
            answers.append(
                self.ask(
                    application,
                    'POST',
                    '/v2.1/servers/%s/action' % self.servers[0]['id'],
                    {'OpenStack-API-Version': 'compute 2.96'},
                    body,
                )
            )
            self._wait_for_state_change(self.servers[0], 'ACTIVE')
        self.assertEqual(*answers)
        self.assertIn(b'202 Accepted', answers[0])
