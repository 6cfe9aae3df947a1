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

"""nova understands the snippets of doc/source/other_clients.rst.

The SDK and curl run as shown.  The other clients are not here: their requests
are sent as shown, and must have the mark that the snippet beside them has.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

import fixtures
import hcl2
from nova import context as nova_context
import requests
import yaml

from opie.preemption import marks
from opie.sandbox.inprocess import http_api
from opie.scheduler.nova_db import marks as nova_marks
from opie.scheduler.nova_db import preemptibles
from opie.tests.functional import base

_ROOT = pathlib.Path(__file__).parents[3]
_SNIPPETS = _ROOT / 'doc/source/snippets'
_METADEF = _ROOT / 'etc/metadefs/opie-preemptible.json'
_TIMEOUT_SECONDS = 120


def _read(name):
    return (_SNIPPETS / name).read_text()


def _hints_of(request):
    """Return the hints of a request, under either of nova's names."""
    (key,) = [key for key in request if key.endswith(':scheduler_hints')]
    return request[key]


class OtherClientsTest(base.CloudTestCase):
    hosts = ('host1',)
    has_api_filter = True

    def setUp(self):
        super().setUp()
        server = http_api.ServerFixture(self.application())
        self.url = self.useFixture(server).url + '/v2.1'

    def application(self):
        """Return nova's API, as a user of a project reaches it."""
        api = self.api_fixture.app()
        # NOTE: nova/tests/fixtures/nova.py believes it; there is no keystone.
        identity = {
            'HTTP_X_AUTH_USER': 'fake',
            'HTTP_X_AUTH_PROJECT_ID': self.api.project_id,
            'HTTP_X_ROLES': 'reader,member',
        }

        def application(environ, start_response):
            environ.update(identity)
            return api(environ, start_response)

        return application

    def run_snippet(self, interpreter, name):
        """Run a snippet in the shell of a user; return what it says."""
        home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        cloud = {
            'auth_type': 'none',
            'auth': {'endpoint': self.url},
            'compute_endpoint_override': self.url,
        }
        config = home / 'clouds.yaml'
        config.write_text(yaml.safe_dump({'clouds': {'test': cloud}}))
        output = home / 'output'
        with output.open('w') as stream:
            snippet = subprocess.Popen(
                [interpreter, _SNIPPETS / name],
                cwd=home,
                env={
                    'PATH': os.environ.get('PATH', os.defpath),
                    'HOME': str(home),
                    'OS_CLIENT_CONFIG_FILE': str(config),
                    'OS_CLOUD': 'test',
                    'OS_TOKEN': 'a-token',
                    'NOVA_URL': self.url,
                },
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        self.addCleanup(snippet.wait)
        self.addCleanup(snippet.kill)
        # The services may run in green threads, which no wait() lets go on.
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while snippet.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        said = output.read_text()
        self.assertEqual(0, snippet.returncode, said)
        return said

    def send(self, body):
        with requests.Session() as session:
            # No proxy of this machine's environment stands before the API.
            session.trust_env = False
            response = session.post(
                self.url + '/servers', json=body, timeout=_TIMEOUT_SECONDS
            )
        self.assertEqual(202, response.status_code, response.text)

    def the_server(self):
        """Return the only server that there is, once it is ACTIVE."""
        (server,) = self.api.get_servers()
        return self._wait_for_state_change(server, 'ACTIVE')

    def preemptible_uuids(self):
        """Return what the scheduler takes for preemptible."""
        context = nova_context.get_admin_context()
        with nova_context.target_cell(
            context, self.cell_mappings['cell1']
        ) as cell_context:
            rows = preemptibles.rows_on_hosts(cell_context)
        hints = nova_marks.HintCache()
        return list(preemptibles.only_preemptible(rows, hints, context))

    def assertPreemptible(self):
        self.assertEqual([self.the_server()['id']], self.preemptible_uuids())

    def check(self, name, hints):
        """Send the request of a client; the snippet's hints are given."""
        request = json.loads(_read(name))
        self.assertEqual(hints, _hints_of(request))
        self.send(request)
        self.assertPreemptible()

    def test_without_the_mark_no_server_is_preemptible(self):
        for path in sorted(_SNIPPETS.glob('*.json')):
            request = json.loads(path.read_text())
            del _hints_of(request)[marks.HINT]
            self.send(request)
        for server in self.api.get_servers():
            self._wait_for_state_change(server, 'ACTIVE')
        self.assertEqual([], self.preemptible_uuids())

    def test_openstacksdk(self):
        said = self.run_snippet(sys.executable, 'openstacksdk.py')
        self.assertIn('preemptible: True', said)
        self.assertEqual('worker-1', self.the_server()['name'])
        self.assertPreemptible()

    def test_curl(self):
        said = self.run_snippet('bash', 'curl.sh')
        self.assertIn('"preemptible": true', said)
        self.assertEqual('worker-1', self.the_server()['name'])
        self.assertPreemptible()

    def test_terraform(self):
        options = hcl2.SerializationOptions(strip_string_quotes=True)
        (resource,) = hcl2.loads(
            _read('terraform.tf'), serialization_options=options
        )['resource']
        server = resource['openstack_compute_instance_v2']['worker']
        (hints,) = server['scheduler_hints']
        self.check('terraform.json', hints['additional_properties'])

    def test_ansible(self):
        (play,) = yaml.safe_load(_read('ansible.yaml'))
        (task,) = play['tasks']
        server = task['openstack.cloud.server']
        self.check('ansible.json', server['scheduler_hints'])

    def test_heat(self):
        template = yaml.safe_load(_read('heat.yaml'))
        server = template['resources']['worker']['properties']
        self.check('heat.json', server['scheduler_hints'])

    def test_cluster_api(self):
        template = yaml.safe_load(_read('cluster_api.yaml'))
        machine = template['spec']['template']['spec']
        hints = {
            hint['name']: hint['value'][hint['value']['type'].lower()]
            for hint in machine['schedulerHintAdditionalProperties']
        }
        self.check('cluster_api.json', hints)

    def test_horizon(self):
        properties = json.loads(_METADEF.read_text())['properties']
        # Horizon turns every value into JavaScript's text of it.
        hints = {
            name: json.dumps(definition['default'])
            for name, definition in properties.items()
        }
        self.check('horizon.json', hints)
