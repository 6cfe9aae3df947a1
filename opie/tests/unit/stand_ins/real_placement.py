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

"""The installed placement, in this process, on a database in memory."""

import importlib.metadata

import fixtures
from placement import deploy
from placement.tests.functional.fixtures import placement as placement_fixture
import webob

from opie.scheduler.placement import client as placement_client
from opie.tests.stand_ins.placement import server

_HEADERS = {
    'x-auth-token': 'admin',
    'accept': 'application/json',
}
_FIRST_LENIENT_RELEASE = 14


def is_lenient():
    """Tell whether a provider over capacity accepts what is no worse."""
    version = importlib.metadata.version('openstack-placement')
    return int(version.split('.')[0]) >= _FIRST_LENIENT_RELEASE


class RealPlacement(fixtures.Fixture):
    """placement's own application, without an HTTP server before it."""

    def _setUp(self):
        own = self.useFixture(
            placement_fixture.PlacementFixture(use_intercept=False)
        )
        self._application = deploy.loadapp(own.conf_fixture.conf)

    def request(
        self, method, url, body=None, version=placement_client.VERSION
    ):
        """Return the :class:`server.Answer` to a request."""
        request = webob.Request.blank(
            url,
            method=method.upper(),
            headers={
                **_HEADERS,
                'OpenStack-API-Version': 'placement ' + version,
            },
        )
        if method in ('post', 'put'):
            request.content_type = 'application/json'
            request.json = body
        answered = request.get_response(self._application)
        return server.Answer(
            answered.status_code, answered.json if answered.body else None
        )
