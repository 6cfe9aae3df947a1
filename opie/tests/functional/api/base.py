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
"""A cloud whose API knows preemptible servers, and words to ask it."""

import json
import os
import pathlib

import fixtures
from nova import context as nova_context
from nova import objects
import nova.policy

from opie import policy
from opie.preemption import marks
from opie.scheduler import host_manager
from opie.tests.functional import base

DEPLOYMENT = os.environ.get('OPIE_TEST_API', 'filter')
MICROVERSIONS = ('2.1', '2.88', 'latest')


class ApiTestCase(base.CloudTestCase):
    """One host; requests go over HTTP, as a project's member or its admin."""

    hosts = ('host1',)
    has_api_filter = DEPLOYMENT == 'filter'

    def setUp(self):
        super().setUp()
        policy.reset()
        self.addCleanup(policy.reset)
        self.member = self.api_fixture.api
        self.admin = self.api_fixture.admin_api
        self.flavor_id = self.flavor(1)
        self.addCleanup(self._wait_for_builds)

    def _wait_for_builds(self):
        """Stop no service in the middle of a server's creation."""
        self._wait_for_assert(
            lambda: self.assertEqual([], self.list('?status=BUILD'))
        )

    def set_policy(self, **rules):
        """Override rules of opie's, named with ``_`` for each colon."""
        text = json.dumps(
            {
                'opie:' + name.replace('_', ':'): rule
                for name, rule in rules.items()
            }
        )
        home = self.useFixture(fixtures.TempDir()).path
        path = pathlib.Path(home, 'policy.json')
        path.write_text(text)
        self.flags(policy_file=str(path), group='oslo_policy')
        policy.reset()
        nova.policy.reset()
        nova.policy.init()

    def call(
        self,
        method,
        path,
        body=None,
        version='latest',
        client=None,
        opie='1.0',
        **headers,
    ):
        """Return the response to a request.

        :param body: an object to send as JSON, or bytes to send as they are.
        :param opie: the version of opie's API to name, None to name none.
        """
        client = client or self.admin
        # NOTE: nova/tests/functional/api/client.py sends it behind 'compute'.
        client.microversion = version + (', opie ' + opie if opie else '')
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return client.api_request(
            path.lstrip('/'), method=method, body=body, headers=headers
        )

    def server_body(self, **members):
        return {
            'name': 'server',
            'imageRef': '155d900f-4e14-4e4c-a73d-069cbf4541e6',
            'flavorRef': self.flavor_id,
            'networks': 'none',
            **members,
        }

    def post(
        self,
        version='latest',
        hints=None,
        client=None,
        outer=None,
        path='/servers',
        opie='1.0',
        **members,
    ):
        """Ask for a server and return the response.

        :param hints: hints, under the name that nova reads first.
        :param outer: more members beside the server.
        :param opie: as for :meth:`call`.
        """
        server = self.server_body(**members)
        if version == '2.1':
            del server['networks']
        body = {'server': server, **(outer or {})}
        if hints is not None:
            body['os:scheduler_hints'] = hints
        return self.call(
            'POST', path, body, version=version, client=client, opie=opie
        )

    def create(self, *args, **kwargs):
        """Create a server, wait for it, and return what create answered."""
        response = self.post(*args, **kwargs)
        self.assertEqual(202, response.status_code, response.content)
        server = response.json()['server']
        self.wait_for(server)
        return server

    def wait_for(self, server, state='ACTIVE'):
        self._wait_for_state_change(server, state)

    def act(self, server, action, argument=None, client=None):
        """Have an action done and return the response."""
        return self.call(
            'POST',
            '/servers/%s/action' % server['id'],
            {action: argument},
            client=client,
        )

    def show(self, server, version='latest', client=None):
        response = self.call(
            'GET', '/servers/%s' % server['id'], version=version, client=client
        )
        self.assertEqual(200, response.status_code, response.content)
        return response.json()['server']

    def list(
        self, query='', version='latest', path='/servers/detail', opie='1.0'
    ):
        response = self.call('GET', path + query, version=version, opie=opie)
        self.assertEqual(200, response.status_code, response.content)
        return response.json()['servers']

    def gives_way(self, server):
        """Tell whether the scheduler takes a server for a preemptible one."""
        state = self._host_state()
        return server['id'] in {item.uuid for item in state.preemptibles}

    def _host_state(self):
        context = nova_context.get_admin_context()
        manager = host_manager.HostManager()
        with nova_context.target_cell(
            context, self.cell_mappings['cell1']
        ) as cell_context:
            node = objects.ComputeNode.get_first_node_by_host_for_old_compat(
                cell_context, 'host1'
            )
        (state,) = manager.get_host_states_by_uuids(
            context, [node.uuid], objects.RequestSpec()
        )
        manager.load_preemptibles([state])
        return state

    def has_true_hint(self, server):
        """Tell whether nova keeps a true hint for a server."""
        spec = objects.RequestSpec.get_by_instance_uuid(
            nova_context.get_admin_context(), server['id']
        )
        hints = spec.scheduler_hints or {}
        return marks.hint_is_true(hints.get(marks.HINT))

    def assertRefused(self, status, text, response):
        """Assert an answer of nova's kind that says why."""
        self.assertEqual(status, response.status_code, response.content)
        ((name, fault),) = response.json().items()
        names = {400: 'badRequest', 403: 'forbidden'}
        self.assertEqual(names[status], name)
        self.assertEqual(status, fault['code'])
        self.assertIn(text, fault['message'])

    def assertNothingCreated(self):
        self.assertEqual([], self.list('?all_tenants=1'))
        mappings = objects.InstanceMappingList.get_by_project_id(
            nova_context.get_admin_context(), self.member.project_id
        )
        self.assertEqual([], list(mappings))
