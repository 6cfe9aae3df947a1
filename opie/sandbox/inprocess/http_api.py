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

"""HTTP on a loopback socket: a server for nova's API, and a client of it."""

import socketserver
import threading
import time
from wsgiref import simple_server

import fixtures
import requests

_TIMEOUT_SECONDS = 60
_HEADERS = {
    'OpenStack-API-Version': 'compute latest, opie 1.0',
    # NOTE: nova/tests/fixtures/nova.py believes these; there is no keystone.
    'X-Auth-User': 'admin',
    'X-Auth-Project-Id': 'demo',
    'X-Roles': 'reader,member,admin',
}


class ServerFixture(fixtures.Fixture):
    """Serves a WSGI application on a free port of the loopback address.

    :ivar url: where, without a slash at the end.
    """

    def __init__(self, app):
        self._app = app

    def _setUp(self):
        server = simple_server.make_server(
            '127.0.0.1', 0, self._app, _ThreadingServer, _QuietHandler
        )
        self.addCleanup(server.server_close)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        self.url = 'http://%s:%d' % server.server_address


class _ThreadingServer(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    """One thread a request."""

    def service_actions(self):
        """Let the others work, if threads are green ones of eventlet."""
        super().service_actions()
        time.sleep(0)


class _QuietHandler(simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        """Say nothing; the client's side tells what is worth telling."""


class Client:
    """Speaks JSON with nova's API, as its administrator.

    :ivar url: the root of the API's current version.
    """

    def __init__(self, url):
        self.url = url + '/v2.1'
        self._session = requests.Session()
        # No proxy of this machine's environment stands before the loopback.
        self._session.trust_env = False
        self._session.headers.update(_HEADERS)

    def get(self, path):
        """Return the decoded body; raises requests.HTTPError on an error."""
        return self._request('GET', path).json()

    def post(self, path, body):
        """Return the response; raises requests.HTTPError on an error."""
        return self._request('POST', path, json=body)

    def _request(self, method, path, **kwargs):
        response = self._session.request(
            method, self.url + path, timeout=_TIMEOUT_SECONDS, **kwargs
        )
        if not response.ok:
            raise requests.HTTPError(
                '%s %s was answered with %s %s: %s'
                % (
                    method,
                    path,
                    response.status_code,
                    response.reason,
                    response.text,
                )
            )
        return response
