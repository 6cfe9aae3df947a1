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

"""Whose a token is: keystone tells it, and is asked once for each token."""

import dataclasses
import json
import urllib.error
import urllib.request

from opie.sandbox.stand_ins import answers

_TIMEOUT_SECONDS = 30
_MOST_KEPT = 10_000
_FIRST_SERVER_ERROR = 500


@dataclasses.dataclass(frozen=True)
class Caller:
    """A user in a project."""

    project_id: str
    is_admin: bool = False

    def may_see(self, document):
        """Tell whether a document is the caller's."""
        return self.is_admin or document['project_id'] == self.project_id


class Tokens:
    """Asks a keystone, and keeps what it says.

    :param auth_url: keystone's, with its version.
    """

    def __init__(self, auth_url):
        self._url = auth_url + '/auth/tokens?nocatalog'
        self._known = {}

    def caller(self, token):
        """Return the :class:`Caller` who has a token.

        :raises answers.Refusal: if keystone does not know the token.
        """
        if token not in self._known:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[token] = self._ask(token)
        return self._known[token]

    def _ask(self, token):
        # A token may ask what it is itself.
        headers = {'X-Auth-Token': token, 'X-Subject-Token': token}
        request = urllib.request.Request(self._url, headers=headers)
        try:
            with urllib.request.urlopen(
                request, timeout=_TIMEOUT_SECONDS
            ) as response:
                found = json.load(response)['token']
        except urllib.error.HTTPError as error:
            if error.code >= _FIRST_SERVER_ERROR:
                raise answers.Refusal(503, 'keystone fails.') from error
            raise answers.Refusal(
                401, 'The request you have made requires authentication.'
            ) from error
        except OSError as error:
            raise answers.Refusal(503, 'keystone is away.') from error
        return Caller(
            found.get('project', {}).get('id', ''),
            any(role['name'] == 'admin' for role in found.get('roles', ())),
        )
