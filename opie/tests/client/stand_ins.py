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

"""Stand-ins for the services that ``openstack`` asks beside nova.

keystone knows one user, one project and any password, and glance one image.
"""

import json

TOKEN = 'a-token'

_V3 = '/identity/v3'
_IDENTITY_IN_NOVA = {
    # NOTE: nova/tests/fixtures/nova.py believes these headers.
    'HTTP_X_AUTH_USER': 'a-user',
    'HTTP_X_ROLES': 'reader,member',
}


class StandInCloud:
    """A WSGI application: keystone and glance beside a compute API.

    :param compute: the WSGI application of the compute API.
    :param project_id: the project that the user works in.
    :param image: dict of the image that glance shows.
    :ivar paths: the paths that the compute API was asked for, in order.
    """

    def __init__(self, compute, project_id, image):
        self._compute = compute
        self._project_id = project_id
        self._image = image
        self.paths = []

    def __call__(self, environ, start_response):
        root = 'http://' + environ['HTTP_HOST']
        path = environ['PATH_INFO'].rstrip('/')
        image_path = '/image/v2/images/' + self._image['id']
        answers = {
            _V3: lambda: {'version': _version(root + _V3, 'v3.14')},
            _V3 + '/auth/tokens': lambda: {'token': self._token(root)},
            '/image': lambda: {
                'versions': [_version(root + '/image/v2', 'v2.9')]
            },
            '/image/v2/images': lambda: {'images': [self._image]},
            image_path: lambda: self._image,
        }
        if path in answers:
            return _answer(start_response, answers[path]())
        if path.startswith(('/identity', '/image')):
            return _answer(start_response, {}, '404 Not Found')
        # keystonemiddleware's part.
        if environ.get('HTTP_X_AUTH_TOKEN') == TOKEN:
            environ.update(
                _IDENTITY_IN_NOVA, HTTP_X_AUTH_PROJECT_ID=self._project_id
            )
        self.paths.append(path)
        return self._compute(environ, start_response)

    def _token(self, root):
        """Return keystone's description of the token, with the catalog."""
        domain = {'id': 'default', 'name': 'Default'}
        return {
            'methods': ['password'],
            'user': {'id': 'a-user', 'name': 'a-user', 'domain': domain},
            'project': {
                'id': self._project_id,
                'name': 'a-project',
                'domain': domain,
            },
            'roles': [{'id': 'member', 'name': 'member'}],
            'issued_at': '2025-01-01T00:00:00.000000Z',
            'expires_at': '2999-01-01T00:00:00.000000Z',
            'catalog': [
                _service(kind, root + path)
                for kind, path in (
                    ('identity', _V3),
                    ('image', '/image'),
                    ('compute', '/v2.1'),
                )
            ],
        }


def _service(kind, url):
    endpoint = {
        'id': kind,
        'interface': 'public',
        'region': 'a-region',
        'region_id': 'a-region',
        'url': url,
    }
    return {'id': kind, 'type': kind, 'name': kind, 'endpoints': [endpoint]}


def _version(url, number):
    return {
        'id': number,
        'status': 'CURRENT',
        'links': [{'rel': 'self', 'href': url + '/'}],
    }


def _answer(start_response, body, status='200 OK'):
    body = json.dumps(body).encode()
    start_response(
        status,
        [
            ('Content-Type', 'application/json'),
            ('Content-Length', str(len(body))),
            ('X-Subject-Token', TOKEN),
        ],
    )
    return [body]
