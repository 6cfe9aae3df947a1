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

"""neutron, for a cloud without networks: every list of it is empty.

A test can have it refuse to delete the port of a server, as neutron does with
the parent port of a trunk.  Only such a server has a port.
"""

import pathlib
import urllib.parse

from opie.sandbox.stand_ins import answers

# The file in the working directory that has the uuids of these servers, which
# are those of their ports as well.
REFUSED = 'ports_not_deleted'

_VERSION = 'v2.0'


def application(environ, start_response):
    """Answer a request."""
    version, *rest = environ['PATH_INFO'].strip('/').split('/')
    method = environ['REQUEST_METHOD']
    if not version:
        body = answers.versions(environ, _VERSION, '/%s/' % _VERSION)
        return answers.answer(start_response, 200, body)
    if method == 'DELETE' and rest[0] == 'ports':
        return _refuse(start_response, 409, 'The port is in use.')
    if method != 'GET':
        return _refuse(start_response, 403, 'The sandbox has no networks.')
    if version != _VERSION or len(rest) > 1:
        return _refuse(start_response, 404, 'There is no such thing.')
    if not rest:
        return answers.answer(start_response, 200, {'resources': []})
    collection = rest[0].removesuffix('.json').replace('-', '_')
    found = _ports(environ['QUERY_STRING']) if collection == 'ports' else []
    return answers.answer(start_response, 200, {collection: found})


def _ports(query):
    servers = urllib.parse.parse_qs(query).get('device_id', [])
    file = pathlib.Path(REFUSED)
    refused = file.read_text().split() if file.exists() else []
    return [
        {'id': uuid, 'device_id': uuid} for uuid in servers if uuid in refused
    ]


def _refuse(start_response, status, text):
    error = {'type': 'SandboxRefusal', 'message': text, 'detail': ''}
    return answers.answer(start_response, status, {'NeutronError': error})
