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

"""A compute API that tells which servers are preemptible: a stand-in.

It adds to answers what opie's filter adds, and reads nothing in requests.  The
filter itself can take the place of :func:`wrap`.
"""

import re

import webob
import webob.dec

from opie.preemption import marks


def wrap(app):
    """Return a WSGI application: nova's API, with ``preemptible`` in it."""

    @webob.dec.wsgify
    def call(request):
        response = request.get_response(app)
        if _shows_servers(request) and response.status_int in (200, 202):
            body = response.json
            for server in [body.get('server'), *body.get('servers', [])]:
                if server:
                    server['preemptible'] = _has_hint(app, request, server)
            response.json = body
        return response

    return call


def _shows_servers(request):
    """Tell of one server, or of a list with details."""
    if request.method == 'POST':
        return request.path.endswith('/servers')
    return request.method == 'GET' and re.search(
        '/servers/[^/]+$', request.path
    )


def _has_hint(app, request, server):
    """Ask nova itself, at a microversion that shows the hints."""
    show = webob.Request.blank(
        '/v2.1/servers/' + server['id'],
        headers={
            **{k: v for k, v in request.headers.items() if k[:2] == 'X-'},
            'OpenStack-API-Version': 'compute 2.100',
        },
    )
    hints = show.get_response(app).json['server']['scheduler_hints']
    return marks.hint_is_true((hints or {}).get(marks.HINT))
