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
"""How opie's plug-in reads the answers that a user's commands get."""

import io

import requests
import testtools

from opie.client import answers


class AnswersTest(testtools.TestCase):
    def test_one_command_listens_at_a_time(self):
        with requests.Session() as session:
            session.hooks['response'].append(print)
            for _ in range(3):
                last = answers.Answers(session)
            self.assertEqual(2, len(session.hooks['response']))
            last.close()
            last.close()
            self.assertEqual([print], session.hooks['response'])

    def test_requests_for_servers_ask_while_it_listens(self):
        adapter = _Adapter()
        with requests.Session() as session:
            session.mount('http://', adapter)
            for _ in range(2):
                listener = answers.Answers(session)
            for path, named, sent in (
                ('/v2.1/servers/a', None, 'opie 1.0'),
                ('/v2.1/servers', 'compute 2.96', 'compute 2.96, opie 1.0'),
                ('/v2.1/servers/moved', 'x 1', 'x 1, opie 1.0'),
                ('/v2.1/flavors', 'compute 2.96', 'compute 2.96'),
                ('/v2.1/flavors', None, None),
            ):
                headers = {'OpenStack-API-Version': named} if named else {}
                session.get('http://api' + path, headers=headers)
                self.assertEqual(sent, adapter.last)
            listener.close()
            session.get('http://api/v2.1/servers')
            self.assertIsNone(adapter.last)


class _Adapter(requests.adapters.BaseAdapter):
    """Answers everything, and keeps what the last request has named."""

    def send(self, request, **kwargs):
        self.last = request.headers.get('OpenStack-API-Version')
        response = requests.Response()
        response.status_code = 200
        response.request = request
        response.url = request.url
        response.raw = io.BytesIO(b'{}')
        if request.path_url.endswith('/moved'):
            response.status_code = 302
            response.headers['Location'] = '/v2.1/servers/there'
        return response

    def close(self):
        pass
