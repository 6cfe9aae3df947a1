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

"""Collects the servers in the API's answers while a command runs.

A command gives its hooks only the columns that it prints.  The member
``preemptible`` is not among them, because openstacksdk drops the members of a
server that it does not know.  So opie reads the API's answers themselves, and
has the requests ask for the member.  This costs no request and works for
commands on novaclient and on openstacksdk.
"""

from opie.client import servers

_HEADER = 'OpenStack-API-Version'
# An API without opie ignores what is not for ``compute``.
_VERSION = 'opie 1.0'


class Answers:
    """Collects servers from the answers that a session gets.

    In an interactive ``openstack`` all commands share a session.  A command
    listens until it ends; one that fails listens until the next one ends.

    :param session: the requests.Session of all requests to the cloud.
    """

    def __init__(self, session):
        # A method of the session, or that of the last command.
        last = getattr(session.send, '__self__', None)
        if isinstance(last, Answers):
            last.close()
        self._servers = {}
        self._session = session
        self._send = session.send
        session.send = self._ask
        session.hooks['response'].append(self._read)

    def close(self):
        """Stop listening; the servers collected so far stay known."""
        listeners = self._session.hooks['response']
        if self._read in listeners:
            listeners.remove(self._read)
            self._session.send = self._send

    def is_preemptible(self, server_id):
        """Return a bool, or None when no answer told."""
        return servers.is_preemptible(self._servers.get(server_id, {}))

    def _ask(self, request, **kwargs):
        """Send a prepared request, which names the version of opie's API.

        requests has no hook for requests, only one for responses.
        """
        if '/servers' in request.path_url:
            named = request.headers.get(_HEADER)
            if named is None:
                request.headers[_HEADER] = _VERSION
            elif _VERSION not in named:
                request.headers[_HEADER] = '%s, %s' % (named, _VERSION)
        return self._send(request, **kwargs)

    def _read(self, response, **_kwargs):
        if not response.ok or '/servers' not in response.request.path_url:
            return
        try:
            body = response.json()
        except ValueError:  # Not every answer has a body.
            return
        found = body.get('servers', [])
        if 'server' in body:
            found = [*found, body['server']]
        for server in found:
            # Several answers may tell of one server, each something else.
            self._servers.setdefault(server['id'], {}).update(server)
