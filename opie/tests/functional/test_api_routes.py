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
"""Which requests are about servers, against nova's own router."""

import itertools

import hypothesis
from hypothesis import strategies as st
from nova import test
from nova.api.openstack.compute import routes as nova_routes
from routes import middleware

from opie.api import routes

hypothesis.settings.register_profile(
    'api',
    max_examples=300,
    derandomize=True,
    # A slow machine is no failure.
    deadline=None,
    suppress_health_check=(hypothesis.HealthCheck.too_slow,),
)
hypothesis.settings.load_profile('api')

PATHS = tuple(
    map(
        ''.join,
        itertools.product(
            ('', '/', '/0a-f', '/0A', '/x', '//'),
            ('/servers', '/os-volumes_boot', '/flavors'),
            ('', '/detail', '/0a-f', '/detail.json', '/x\ny'),
            ('', '/action', '.json', '/', '/x', '%0A'),
            ('', '\n', '\n\n', ' ', '\x00'),
        ),
    )
)
QUERIES = (
    '',
    '_method=',
    '_method=POST&limit=1',
    'limit=1&_method=get',
    '_method=PUT&_method=POST',
    '%5Fmethod=POST',
    '_method=%50OST&%5Fmethod=GET',
    'x_method=POST',
    '_method=\xff',
    '_method=%ff',
)
METHODS = ('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH')
methods = st.sampled_from(METHODS)
paths = st.one_of(
    st.sampled_from(PATHS),
    st.text(alphabet='servdtail/.-0af%os_bumn\n ', max_size=30),
)


class RoutesTest(test.TestCase):
    def setUp(self):
        super().setUp()
        # NOTE: as nova/api/wsgi.py makes it.
        self.router = middleware.RoutesMiddleware(
            lambda environ, start_response: [],
            nova_routes.APIRouterV21().map,
        )

    def test_requests_mean_what_they_mean_to_nova(self):
        for method, path in itertools.product(METHODS, PATHS):
            self.check(method, path)
        ours = [path for path in PATHS if routes.match(request('GET', path))]
        self.assertNotEqual([], ours)
        for method, path, query in itertools.product(METHODS, ours, QUERIES):
            self.check(method, path, query)

    @hypothesis.given(method=methods, path=paths)
    def test_any_paths_do(self, method, path):
        self.check(method, path)

    def check(self, method, path, query=''):
        environ = request(method, path, query)
        matched = routes.match(dict(environ))
        self.router(environ, lambda *args: None)
        found = environ['wsgiorg.routing_args'][1]
        resource = found.get('controller')
        is_ours = resource and type(resource.controller).__name__ in (
            'ServersController',
            'VolumesBootController',
        )
        expected = None
        if is_ours and found['action'] != 'delete':
            expected = (found['action'], found.get('id'))
        self.assertEqual(expected, matched, (method, path, query))


def request(method, path, query=''):
    return {
        'REQUEST_METHOD': method,
        'PATH_INFO': path,
        'QUERY_STRING': query,
        'SERVER_NAME': 'localhost',
        'SERVER_PORT': '80',
        'wsgi.url_scheme': 'http',
    }
