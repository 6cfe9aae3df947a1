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

"""Answers of the stand-ins, and what ends a request early."""

import http
import json
from typing import NamedTuple


class Answer(NamedTuple):
    """A status with a body and what it is."""

    status: int
    data: bytes = b''
    content_type: str = 'application/json'


class Refusal(Exception):
    """A request is refused.

    :param status: of HTTP.
    :param text: for a user.
    :param kind: the name that the service's errors have for it.
    """

    def __init__(self, status, text, kind=None):
        super().__init__(text)
        self.status = status
        phrase = http.HTTPStatus(status).phrase
        self.kind = kind or 'HTTP' + phrase.replace(' ', '')


def as_json(value, status=200):
    """Return the answer that has a value in JSON."""
    return Answer(status, json.dumps(value).encode())


def send(answer, start_response):
    """Answer a request of WSGI; return the body as it wants it."""
    headers = [('Content-Length', str(len(answer.data)))]
    if answer.data:
        # glance's client reads what is said to be JSON.
        headers.append(('Content-Type', answer.content_type))
    phrase = http.HTTPStatus(answer.status).phrase
    start_response('%d %s' % (answer.status, phrase), headers)
    return [answer.data]


def versions(url, identifier, path):
    """Return the body of a list of one version.

    :param path: where that version is.
    """
    version = {
        'id': identifier,
        'status': 'CURRENT',
        'links': [{'rel': 'self', 'href': url + path}],
    }
    return {'versions': [version]}
