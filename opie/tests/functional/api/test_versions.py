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
"""Which requests are told what is preemptible, and how they name a version."""

import http.client
import json
import urllib.parse

from nova.api.openstack import api_version_request

from opie.sandbox.inprocess import http_api
from opie.tests.functional.api import base

IMAGE = '155d900f-4e14-4e4c-a73d-069cbf4541e6'
HEADER = 'OpenStack-API-Version'
LEGACY_HEADER = 'X-OpenStack-Nova-API-Version'

# A value of the header, and whether the answer then tells.
ACCEPTED = (
    ('opie 1.0', True),
    ('opie latest', True),
    ('OPIE 1.0', True),
    ('  opie   1.0  ', True),
    ('compute 2.96, opie 1.0', True),
    ('opie 1.0,compute 2.96', True),
    ('compute 2.96 , identity 3.14 , opie 1.0 , image 2.9', True),
    # The last one counts, as for nova.
    ('opie 2.0, opie 1.0', True),
    ('opie', False),
    ('opie, compute 2.96', False),
    ('opies 1.0', False),
    ('1.0', False),
    ('compute 2.96', False),
    ('compute 2.96, opi\xe9 1.0', False),
    ('', False),
    (',,', False),
)
REFUSED = (
    'opie 1',
    'opie 1.1',
    'opie 0.9',
    'opie 2.0',
    'opie 1.0.0',
    'opie 01.0',
    'opie 1.00',
    'opie 1.0 1.0',
    'opie 1.0;q=1',
    'opie LATEST',
    'opie -1.0',
    'opie \xb9.0',
    'opie \xff\xfe',
    'opie 1.0, opie 2.0',
    'compute 2.96, opie 9.9',
    'opie ' + '9' * 4000,
)


class VersionsTest(base.ApiTestCase):
    def setUp(self):
        super().setUp()
        self.server = self.create(preemptible=True)
        self.path = '/servers/%s' % self.server['id']
        fixture = http_api.ServerFixture(self.api_fixture.app())
        self.url = urllib.parse.urlsplit(self.useFixture(fixture).url)

    def ask(self, *values, method='GET', path=None, body=None, legacy=None):
        """Return the response to a request, and its body.

        :param values: a header line for each.
        """
        connection = http.client.HTTPConnection(self.url.netloc, timeout=60)
        self.addCleanup(connection.close)
        connection.putrequest(method, '/v2.1' + (path or self.path))
        for name, value in (
            *((HEADER, value) for value in values),
            *([(LEGACY_HEADER, legacy)] if legacy else ()),
            ('X-Auth-User', 'admin'),
            ('X-Auth-Project-Id', self.member.project_id),
            ('X-Roles', 'reader,member,admin'),
            ('Content-Type', 'application/json'),
            ('Content-Length', str(len(body or b''))),
        ):
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        response.text = response.read().decode()
        return response

    def body(self, *args, **kwargs):
        response = self.ask(*args, **kwargs)
        self.assertIn(response.status, (200, 202), response.text)
        return json.loads(response.text)

    def test_an_answer_tells_where_the_header_asks(self):
        for value, is_told in ACCEPTED:
            server = self.body(value)['server']
            self.assertEqual(is_told, 'preemptible' in server, value)
        self.assertNotIn('preemptible', self.body()['server'])

    def test_several_lines_are_as_good_as_one(self):
        response = self.ask('compute 2.96', 'opie 1.0', 'image 2.9')
        self.assertIn('"preemptible": true', response.text)
        self.assertEqual('compute 2.96, opie 1.0', response.headers[HEADER])
        self.assertEqual(406, self.ask('opie 1.0', 'opie 2.0').status)

    def test_an_answer_names_its_versions(self):
        newest = api_version_request.max_api_version().get_string()
        for value, of_nova in (
            ('opie 1.0', '2.1'),
            ('opie latest', '2.1'),
            ('opie 1.0, compute 2.96', '2.96'),
            ('compute latest, opie latest', newest),
        ):
            response = self.ask(value)
            self.assertEqual(
                ['compute %s, opie 1.0' % of_nova],
                response.headers.get_all(HEADER),
            )
            self.assertEqual(of_nova, response.headers[LEGACY_HEADER])
            self.assertIn(HEADER, response.headers.get_all('Vary'))
            self.assertEqual(
                len(response.text), int(response.headers['Content-Length'])
            )
        response = self.ask('compute 2.96')
        self.assertEqual('compute 2.96', response.headers[HEADER])

    def test_the_legacy_header_of_nova_still_counts(self):
        response = self.ask('opie 1.0', legacy='2.47')
        self.assertEqual('compute 2.47, opie 1.0', response.headers[HEADER])
        server = json.loads(response.text)['server']
        self.assertIn('vcpus', server['flavor'])
        self.assertIs(True, server['preemptible'])

    def test_a_version_that_is_not_there_is_refused_with_the_range(self):
        renaming = b'{"server": {"name": "renamed"}}'
        for value in REFUSED:
            response = self.ask(value, method='PUT', body=renaming)
            self.assertEqual(406, response.status, value)
            self.assertEqual('opie 1.0', response.headers[HEADER])
            self.assertEqual(HEADER, response.headers['Vary'])
            (error,) = json.loads(response.text)['errors']
            self.assertEqual(406, error['status'])
            self.assertEqual('1.0', error['min_version'])
            self.assertEqual('1.0', error['max_version'])
            self.assertEqual('opie.microversion-unsupported', error['code'])
            self.assertIn(error['request_id'], str(response.headers))
        self.assertEqual('server', self.show(self.server)['name'])

    def test_a_bad_version_of_nova_is_refused_by_nova(self):
        for value, status in (
            ('compute 2.9999, opie 1.0', 406),
            ('opie 1.0, compute x', 400),
        ):
            alone = self.ask(value.replace('opie', 'other'))
            response = self.ask(value)
            self.assertEqual(status, response.status)
            self.assertEqual(alone.text, response.text)

    def test_an_error_of_nova_says_what_nova_says(self):
        for method, path, body in (
            ('GET', '/servers/none', None),
            ('PUT', self.path, b'{}'),
            ('PUT', self.path, b'{"server": {"preemptible": true}}'),
            ('POST', '/servers', b'{"server": {"name": "x"}}'),
            ('POST', self.path + '/action', b'{"none": null}'),
            ('POST', self.path + '/action', b'{"unlock": 1, "lock": 1}'),
            ('GET', '/servers/detail?limit=-1', None),
            ('HEAD', self.path, None),
        ):
            alone, response = (
                self.ask(value, method=method, path=path, body=body)
                for value in ('compute 2.96', 'compute 2.96, opie 1.0')
            )
            self.assertGreaterEqual(response.status, 400)
            self.assertEqual(alone.status, response.status)
            self.assertEqual(alone.text, response.text)

    def test_what_shows_no_server_is_as_without_the_header(self):
        for path in ('/', '/flavors', self.path + '/ips', '/os-hypervisors'):
            for value in ('opie 1.0', 'opie 9.9'):
                alone, response = (
                    self.ask(path=path),
                    self.ask(value, path=path),
                )
                self.assertEqual(200, response.status)
                self.assertEqual(alone.text, response.text)
                self.assertEqual(
                    alone.headers[HEADER], response.headers[HEADER]
                )

    def test_only_a_request_that_asks_is_told(self):
        rebuild = {'rebuild': {'imageRef': IMAGE}}
        renaming = {'server': {'name': 'renamed'}}
        for version in base.MICROVERSIONS:
            for method, path, body in (
                ('GET', '/servers', None),
                ('GET', '/servers/detail', None),
                ('GET', '/servers/detail?preemptible=true', None),
                ('GET', self.path, None),
                ('PUT', self.path, renaming),
                ('POST', self.path + '/action', rebuild),
            ):
                for named in (None, '1.0'):
                    response = self.call(
                        method, path, body, version=version, opie=named
                    )
                    self.wait_for(self.server)
                    shown = response.json()
                    for server in shown.get('servers', [shown.get('server')]):
                        self.assertEqual(
                            named is not None, 'preemptible' in server
                        )
            created = self.post(version, preemptible=True, opie=None)
            server = created.json()['server']
            self.assertNotIn('preemptible', server)
            self.assertTrue(self.has_true_hint(server))

    def test_an_option_tells_every_request(self):
        self.flags(always_show_preemptible=True, group='opie')
        for path in ('/servers', '/servers/detail', self.path):
            response = self.ask('compute 2.96', path=path)
            self.assertIn('"preemptible": true', response.text)
            self.assertEqual('compute 2.96', response.headers[HEADER])
        self.assertEqual(406, self.ask('opie 9.9').status)
