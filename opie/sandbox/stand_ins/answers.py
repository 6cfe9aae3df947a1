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

"""Answers of the stand-ins, in JSON or as text."""

import json

_REASONS = {
    200: 'OK',
    300: 'Multiple Choices',
    403: 'Forbidden',
    404: 'Not Found',
    409: 'Conflict',
}


def answer(start_response, status, body):
    """Answer a request with JSON; return the body as WSGI wants it."""
    return _answer(
        start_response, status, 'application/json', json.dumps(body)
    )


def answer_text(start_response, status, text):
    """Answer a request with a text; return it as WSGI wants it."""
    return _answer(start_response, status, 'text/plain', text)


def _answer(start_response, status, content_type, text):
    data = text.encode()
    start_response(
        '%d %s' % (status, _REASONS[status]),
        [('Content-Type', content_type), ('Content-Length', str(len(data)))],
    )
    return [data]


def versions(environ, identifier, path):
    """Return the body of a list of one version.

    :param path: where that version is.
    """
    url = 'http://%s%s' % (environ['HTTP_HOST'], path)
    version = {
        'id': identifier,
        'status': 'CURRENT',
        'links': [{'rel': 'self', 'href': url}],
    }
    return {'versions': [version]}
