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

"""glance, with the one image that all servers of the sandbox boot from."""

from urllib import parse

from opie.sandbox.stand_ins import answers

IMAGE_ID = '155d900f-4e14-4e4c-a73d-069cbf4541e6'
IMAGE_NAME = 'tiny'

_VERSION = 'v2.9'
_TIME = '2026-01-01T00:00:00Z'

IMAGE = {
    'id': IMAGE_ID,
    'name': IMAGE_NAME,
    'status': 'active',
    'visibility': 'public',
    'protected': True,
    'container_format': 'bare',
    'disk_format': 'raw',
    'size': 1024,
    'virtual_size': 1024,
    'min_disk': 0,
    'min_ram': 0,
    'checksum': None,
    'os_hash_algo': None,
    'os_hash_value': None,
    'os_hidden': False,
    'owner': None,
    'tags': [],
    'created_at': _TIME,
    'updated_at': _TIME,
    'self': '/v2/images/' + IMAGE_ID,
    'file': '/v2/images/%s/file' % IMAGE_ID,
    'schema': '/v2/schemas/image',
}
SCHEMA = {
    'name': 'image',
    'properties': {name: {} for name in IMAGE},
    'additionalProperties': {'type': 'string'},
}


def application(environ, start_response):
    """Answer a request."""
    path = environ['PATH_INFO'].strip('/')
    if not path or path == 'versions':
        body = answers.versions(environ, _VERSION, '/v2/')
        return answers.answer(start_response, 200 if path else 300, body)
    if environ['REQUEST_METHOD'] != 'GET':
        return _refuse(start_response, 403, 'The sandbox has this one image.')
    if path == 'v2/images':
        images = [IMAGE] if _is_wanted(environ) else []
        body = {
            'images': images,
            'first': '/v2/images',
            'schema': '/v2/schemas/images',
        }
        return answers.answer(start_response, 200, body)
    if path == 'v2/images/' + IMAGE_ID:
        return answers.answer(start_response, 200, IMAGE)
    if path == 'v2/schemas/image':
        return answers.answer(start_response, 200, SCHEMA)
    return _refuse(start_response, 404, 'There is no such image.')


def _is_wanted(environ):
    """Tell whether the filters of a list let the image pass."""
    wanted = dict(parse.parse_qsl(environ.get('QUERY_STRING', '')))
    return (
        all(
            wanted.get(name, IMAGE[name]) == IMAGE[name]
            for name in ('id', 'name', 'status', 'visibility')
        )
        and 'marker' not in wanted
    )


def _refuse(start_response, status, text):
    # As glance does, whose errors are no JSON.
    return answers.answer_text(start_response, status, text)
