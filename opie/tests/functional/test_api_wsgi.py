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
"""nova's API as a WSGI server loads it, with and without opie's wrapper.

A real process with real databases; only keystone has a stand-in.
"""

import json
import shutil

import testtools

from opie.sandbox import paste
from opie.tests.functional import test_opie_nova_scheduler as scheduler

# NOTE: as nova/tests/fixtures/nova.py does, there is no keystone here.
ASK = """
import json
import sys

import keystonemiddleware.auth_token
keystonemiddleware.auth_token.filter_factory = (
    lambda conf, **local: lambda application: application
)
module, argument = sys.argv[1:]
sys.argv[1:] = []
application = __import__(module, fromlist=['application']).application
import webob

answers = []
for path, body in json.loads(argument):
    request = webob.Request.blank(path, headers={
        'X-User-Id': 'user', 'X-Project-Id': 'project',
        'X-Roles': 'reader,member',
    })
    if body is not None:
        request.method = 'POST'
        request.json = body
    response = request.get_response(application)
    answers.append([response.status_code, response.text])
with open('answers', 'w') as file:
    json.dump(answers, file)
"""

BODY = {'server': {'name': 's', 'flavorRef': '1', 'preemptible': 'maybe'}}
REQUESTS = [
    ['/v2.1/servers', BODY],
    ['/v2/servers', BODY],
    ['/v2.1/servers/detail?preemptible=true', None],
    ['/v2.1/servers?preemptible=maybe', None],
    ['/v2.1/servers', {'server': {'name': 's'}}],
]


class WsgiTest(testtools.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cloud = scheduler.ProcessCloud()
        cls.cloud.setUp()
        cls.addClassCleanup(cls.cloud.cleanUp)

    def ask(self, module):
        """Return what a module's application answers to the requests."""
        home = self.cloud.home
        self.cloud.write_nova_conf('nova.conf')
        shutil.copy(paste.of_nova(), home / 'api-paste.ini')
        self.cloud.environment['OS_NOVA_CONFIG_DIR'] = str(home)
        self.cloud.run('-c', ASK, module, json.dumps(REQUESTS))
        return json.loads((home / 'answers').read_text())

    def test_the_wrapper_has_the_filter_in_both_pipelines(self):
        v21, legacy, listed, bad_parameter, other = self.ask('opie.api.wsgi')
        for status, text in (v21, legacy):
            self.assertEqual(400, status)
            self.assertIn('field/attribute preemptible. Value: maybe', text)
        self.assertEqual([200, '{"servers": []}'], listed)
        self.assertEqual(400, bad_parameter[0])
        self.assertIn('query parameters preemptible', bad_parameter[1])
        self.assertEqual(400, other[0])
        self.assertIn('flavorRef', other[1])

    def test_without_it_nova_does_not_know_the_member(self):
        v21, *_ = self.ask('nova.wsgi.osapi_compute')
        self.assertEqual(400, v21[0])
        self.assertIn("'preemptible' was unexpected", v21[1])
