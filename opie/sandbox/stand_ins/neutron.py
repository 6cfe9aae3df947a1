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

"""neutron, for a cloud without networks: every list of it is empty."""

from opie.sandbox.stand_ins import answers

_VERSION = 'v2.0'


def application(environ, start_response):
    """Answer a request."""
    version, *rest = environ['PATH_INFO'].strip('/').split('/')
    if not version:
        body = answers.versions(environ, _VERSION, '/%s/' % _VERSION)
        return answers.answer(start_response, 200, body)
    if environ['REQUEST_METHOD'] != 'GET':
        return _refuse(start_response, 403, 'The sandbox has no networks.')
    if version != _VERSION or len(rest) > 1:
        return _refuse(start_response, 404, 'There is no such thing.')
    if not rest:
        return answers.answer(start_response, 200, {'resources': []})
    collection = rest[0].removesuffix('.json').replace('-', '_')
    return answers.answer(start_response, 200, {collection: []})


def _refuse(start_response, status, text):
    error = {'type': 'SandboxRefusal', 'message': text, 'detail': ''}
    return answers.answer(start_response, status, {'NeutronError': error})
