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

"""Sends requests to the in-memory placement and to the real one alike."""

import fixtures
import testtools

from opie.tests.stand_ins.placement import client
from opie.tests.unit.stand_ins import real_placement


class ContractTestCase(testtools.TestCase):
    """A stand-in and the installed placement, which must answer the same."""

    def setUp(self):
        super().setUp()
        # placement logs the refusals that tests ask for.
        self.useFixture(fixtures.FakeLogger())
        self.real = self.useFixture(real_placement.RealPlacement())
        self.start_anew()

    def start_anew(self):
        """Forget what was asked, but for what the real one remembers."""
        self.stand_in = client.StandIn(real_placement.is_lenient())
        self._providers = []
        self._consumers = []

    def ask(self, method, url, body=None):
        """Ask both; return what was answered, status first."""
        expected = _told(method, self.real.request(method, url, body))
        arguments = [body] if method in ('post', 'put') else []
        told = _told(method, getattr(self.stand_in, method)(url, *arguments))
        self.assertEqual(expected, told, (method, url, body))
        return told

    def read(self, url):
        status, body = self.ask('get', url)
        self.assertEqual(200, status)
        return body

    def create(self, uuid, name=None, parent=None):
        """Ask for a provider; return the status."""
        self._providers.append(uuid)
        body = {'uuid': uuid, 'name': name or uuid}
        if parent:
            body['parent_provider_uuid'] = parent
        return self.ask('post', '/resource_providers', body)[0]

    def set_inventories(self, provider, generation, **inventories):
        """Ask for inventories, of totals or dicts; return what is told."""
        return self.ask(
            'put',
            '/resource_providers/%s/inventories' % provider,
            {
                'resource_provider_generation': generation,
                'inventories': {
                    name: item if isinstance(item, dict) else {'total': item}
                    for name, item in inventories.items()
                },
            },
        )

    def allocate(self, **writes):
        """Ask to write allocations of consumers; return what is told.

        :param writes: consumer to (generation, provider to resource class to
            amount).
        """
        self._consumers += writes
        return self.ask(
            'post',
            '/allocations',
            {
                consumer: {
                    'allocations': {
                        provider: {'resources': resources}
                        for provider, resources in held.items()
                    },
                    'project_id': 'a project',
                    'user_id': 'a user',
                    'consumer_generation': generation,
                }
                for consumer, (generation, held) in writes.items()
            },
        )

    def assertSameState(self):
        """Assert that both remember the same."""
        for provider in self._providers:
            url = '/resource_providers/%s/' % provider
            self.ask('get', '/resource_providers?in_tree=%s' % provider)
            self.ask('get', url + 'inventories')
            self.ask('get', url + 'allocations')
        for consumer in self._consumers:
            self.ask('get', '/allocations/%s' % consumer)


def _told(method, answer):
    """Return (status, what opie reads of the body)."""
    status = answer.status_code
    if status >= 400:
        (error,) = answer.json()['errors']
        # placement's words matter for conflicts only.
        words = error['detail'] if status == 409 else ''
        return status, (error['code'], ' '.join(_sorted_lists(words)))
    if method != 'get':
        return status, None
    body = answer.json()
    if 'resource_providers' in body:
        return status, {
            provider['uuid']: (
                provider['name'],
                provider['generation'],
                provider['parent_provider_uuid'],
                provider['root_provider_uuid'],
            )
            for provider in body['resource_providers']
        }
    if 'allocations' in body:
        held = {
            uuid: item['resources']
            for uuid, item in body['allocations'].items()
        }
        return status, {**body, 'allocations': held}
    return status, body


def _sorted_lists(text):
    """Return the words of a text, with lists within quotes in order."""
    return [
        ', '.join(sorted(part.split(', '))) if number % 2 else part.strip()
        for number, part in enumerate(' '.join(text.split()).split("'"))
    ]
