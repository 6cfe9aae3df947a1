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

"""How a patched nova keeps the mark of a server and finds it again.

This module has no tests unless the tests run on a patched nova.
"""

import os
import pathlib

import nova
from nova import objects
from nova import version
import nova.conf

from opie.tests import patched
from opie.tests.functional import base


def load_tests(loader, tests, pattern):
    return tests if patched.HOME in os.environ else loader.suiteClass()


class TestPatchedOnly(base.CloudTestCase):
    hosts = ('host1',)

    def setUp(self):
        home = pathlib.Path(os.environ[patched.HOME])
        self.assertEqual(home / 'nova', pathlib.Path(nova.__file__).parent)
        super().setUp()
        self.assertEqual('error', nova.conf.CONF.api.response_validation)
        self.ask_at('latest')

    def ask_at(self, microversion):
        """Have all further requests ask what is preemptible, as well."""
        self.api.microversion = microversion + ', opie 1.0'

    def kept(self, server):
        return self.instance(server).system_metadata.get('preemptible')

    def forget(self, server):
        """Let a server be one from before nova was patched."""
        instance = self.instance(server)
        del instance.system_metadata['preemptible']
        instance.save()
        self.assertIsNone(self.kept(server))

    def listed(self, query=''):
        """Return id to the mark of each server in the detailed list."""
        servers = self.api.get_servers(search_opts=query or None)
        return {item['id']: item['preemptible'] for item in servers}

    def count_request_specs(self):
        """Return a list that grows by the uuids of each query for them."""
        queries = []

        def note(real, context, uuids):
            queries.append(uuids)
            return real(context, uuids)

        for name in ('get_by_instance_uuid', 'get_by_instance_uuids'):
            self.wrap(objects.RequestSpec, name, note)
        return queries

    def test_the_version_is_that_of_the_installed_nova(self):
        self.assertRegex(version.version_string(), r'^\d+\.\d+\.\d+')

    def test_what_was_asked_for_is_kept_for_every_server(self):
        flavor = self.flavor(1, extra_specs={'opie:preemptible': 'true'})
        for expected, server in (
            ('true', self.boot(preemptible=True)),
            ('true', self.boot_preemptible()),
            ('false', self.boot(preemptible=False)),
            ('false', self.boot()),
            # A resize may take this one's mark away.
            ('false', self.boot(flavor=flavor)),
        ):
            self.assertEqual(expected, self.kept(server))

    def test_all_servers_of_a_request_are_marked(self):
        self.boot(preemptible=True, min_count=3)
        self.assertEqual([True] * 3, list(self.listed().values()))

    def test_servers_from_before_the_patch_show_their_hint(self):
        marked, normal = self.boot_preemptible(), self.boot()
        for server in (marked, normal):
            self.forget(server)
        expected = {marked['id']: True, normal['id']: False}
        for microversion in ('2.1', 'latest'):
            self.ask_at(microversion)
            self.assertEqual(expected, self.listed())
            for uuid, mark in expected.items():
                self.assertIs(mark, self.api.get_server(uuid)['preemptible'])
            self.assertEqual(
                [marked['id']],
                [*self.listed({'preemptible': 'true'})],
            )

    def test_a_listing_costs_no_query_a_server(self):
        servers = [self.boot_preemptible() for _ in range(3)]
        self.ask_at('2.1')
        queries = self.count_request_specs()
        self.listed()
        self.assertEqual([], queries)
        old = servers[:2]
        for server in old:
            self.forget(server)
        self.listed()
        self.assertEqual(
            [{server['id'] for server in old}], [set(q) for q in queries]
        )
        # nova reads them itself then, and once is enough.
        queries.clear()
        self.ask_at('latest')
        self.listed()
        self.assertEqual(1, len(queries))

    def test_a_resize_of_a_server_from_before_asks_by_its_hint(self):
        server = self.boot_preemptible()
        self.forget(server)
        self.policy.set_rules({'opie:resize:normal': '!'}, overwrite=False)
        self.flags(allow_resize_to_same_host=True)
        # Preemptible by its hint, so no flavor makes it a normal one.
        for extra_specs in ({'opie:preemptible': 'true'}, None):
            flavor = self.flavor(1, extra_specs=extra_specs)
            self.api.post_server_action(
                server['id'], {'resize': {'flavorRef': flavor}}
            )
            self._wait_for_state_change(server, 'VERIFY_RESIZE')
            self.api.post_server_action(server['id'], {'confirmResize': None})
            self._wait_for_state_change(server, 'ACTIVE')
            self.assertTrue(self.api.get_server(server['id'])['preemptible'])
