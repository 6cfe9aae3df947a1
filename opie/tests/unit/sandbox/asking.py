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

"""Asks a stand-in over WSGI, as its users do."""

import io
import json
from typing import NamedTuple
import unittest

from opie.sandbox.stand_ins import answers
from opie.sandbox.stand_ins import serving
from opie.sandbox.stand_ins import store
from opie.sandbox.stand_ins import tokens

CALLERS = {
    'demo': tokens.Caller('demo'),
    'other': tokens.Caller('other'),
    'admin': tokens.Caller('admin', is_admin=True),
}


class Said(NamedTuple):
    """What a stand-in said."""

    status: int
    text: str

    @property
    def body(self):
        return json.loads(self.text)


class _Callers:
    def caller(self, token):
        if token not in CALLERS:
            raise answers.Refusal(401, 'Who are you?')
        return CALLERS[token]


class AskingTestCase(unittest.TestCase):
    """The base of tests of a stand-in.

    :cvar service: its class.
    :cvar version: the first segment of its paths.
    """

    path = ':memory:'

    def setUp(self):
        super().setUp()
        self.start()

    def start(self):
        self.application = serving.Application(
            self.service(store.Store(self.path)), _Callers()
        )

    def ask(self, path, method='GET', body=None, who='demo', **headers):
        """Return what it says to a request."""
        path, _, query = path.partition('?')
        data = b'' if body is None else json.dumps(body).encode()
        statuses = []
        parts = self.application(
            {
                'PATH_INFO': path,
                'REQUEST_METHOD': method,
                'QUERY_STRING': query,
                'HTTP_HOST': '127.0.0.1:1',
                'HTTP_X_AUTH_TOKEN': who,
                'CONTENT_LENGTH': str(len(data)),
                'wsgi.input': io.BytesIO(data),
                **headers,
            },
            lambda status, headers: statuses.append(int(status.split()[0])),
        )
        return Said(statuses[0], b''.join(parts).decode())

    def get(self, path, **kwargs):
        """Return the body of an answer that is no refusal."""
        said = self.ask(path, **kwargs)
        self.assertEqual(200, said.status, said.text)
        return said.body
