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

"""A placement that says who it is, and nothing more."""

from http import server
import json
import threading

import nova.conf
from nova.scheduler.client import report
from nova.tests import fixtures as nova_fixtures
import testtools

from opie.scheduler import placement

CONF = nova.conf.CONF


class SilentPlacementTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(nova_fixtures.ConfFixture(CONF))
        self.addCleanup(CONF.clear_default, 'timeout', 'placement')

    def set(self, **options):
        for name, value in options.items():
            CONF.set_override(name, value, 'placement')

    def test_nobody_waits_for_ever(self):
        self.assertIsNone(CONF.placement.timeout)
        placement.limit_waiting()
        self.assertEqual(60, CONF.placement.timeout)

    def test_an_operator_knows_better(self):
        self.set(timeout=600)
        placement.limit_waiting()
        self.assertEqual(600, CONF.placement.timeout)

    def test_a_call_ends_without_an_answer(self):
        self.set(
            auth_type='none',
            endpoint_override='http://127.0.0.1:%d' % self.serve(),
            timeout=1,
        )
        client = placement.Placement(report.SchedulerReportClient())
        error = self.assertRaises(
            placement.NoAnswer, client.consumer, 'a-server'
        )
        self.assertIn('timed out', str(error))

    def serve(self):
        """Serve until the test ends; return the port."""
        httpd = server.ThreadingHTTPServer(('127.0.0.1', 0), _Silent)
        httpd.released = threading.Event()
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        self.addCleanup(httpd.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(httpd.shutdown)
        self.addCleanup(httpd.released.set)
        return httpd.server_port


class _Silent(server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != '/':
            self.server.released.wait()
            return
        version = {
            'id': 'v1.0',
            'min_version': '1.0',
            'max_version': placement.VERSION,
            'status': 'CURRENT',
            'links': [{'rel': 'self', 'href': ''}],
        }
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.end_headers()
        self.wfile.write(json.dumps({'versions': [version]}).encode())

    def log_message(self, *args):
        pass
