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

"""A cloud that the ``openstack`` command reaches over HTTP."""

import os
import pathlib
import subprocess
import sys

import fixtures
from nova.tests.fixtures import glance
from oslo_serialization import jsonutils
from paste import deploy

from opie.sandbox.inprocess import http_api
from opie.sandbox.inprocess import paste_fixture
from opie.tests.client import stand_ins
from opie.tests.functional import base

_TIMEOUT_SECONDS = 120


def openstack(command, home, environment=()):
    """Run ``openstack`` in a process of its own, as a user runs it.

    :param command: its words, of which none has white space.
    :param home: the user's directory.
    :param environment: what the user has set.
    :returns: a subprocess.CompletedProcess, with texts.
    """
    return subprocess.run(
        [pathlib.Path(sys.executable).with_name('openstack')]
        + command.split(),
        env={
            'PATH': os.environ.get('PATH', os.defpath),
            'HOME': home,
            'NO_PROXY': '127.0.0.1',
            'PYTHONWARNINGS': 'ignore',
            **dict(environment),
        },
        cwd=home,
        capture_output=True,
        encoding='utf-8',
        timeout=_TIMEOUT_SECONDS,
    )


class ClientTestCase(base.CloudTestCase):
    """nova's own API, with and without opie's filter.

    :ivar plain: a :class:`stand_ins.StandInCloud` whose API is nova's own.
    :ivar with_opie: the same, with the filter.
    """

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        app = self.api_fixture.app()
        self.image_id = glance.GlanceFixture.image1['id']
        self.plain = self._serve(app)
        paste_file = self.useFixture(paste_fixture.PasteFixture()).path
        self.with_opie = self._serve(
            deploy.loadapp('config:' + paste_file, name='osapi_compute')
        )
        self.home = self.useFixture(fixtures.TempDir()).path

    def _serve(self, compute):
        image = {'id': self.image_id, 'name': 'an-image', 'status': 'active'}
        cloud = stand_ins.StandInCloud(compute, self.api.project_id, image)
        cloud.url = self.useFixture(http_api.ServerFixture(cloud)).url
        return cloud

    def openstack(self, cloud, command, microversion=None):
        """Run a command as the user of a cloud.

        :param microversion: None to let the client choose.
        """
        environment = {
            'OS_AUTH_URL': cloud.url + '/identity/v3',
            'OS_USERNAME': 'a-user',
            'OS_PASSWORD': 'any',
            'OS_USER_DOMAIN_ID': 'default',
            'OS_PROJECT_NAME': 'a-project',
            'OS_PROJECT_DOMAIN_ID': 'default',
        }
        if microversion:
            environment['OS_COMPUTE_API_VERSION'] = microversion
        return openstack(command, self.home, environment)

    def text(self, *args, **kwargs):
        """Run a command that succeeds and return what it printed."""
        done = self.openstack(*args, **kwargs)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def json(self, cloud, command, **kwargs):
        """Run a command that succeeds and return what it printed, decoded."""
        return jsonutils.loads(
            self.text(cloud, command + ' -f json', **kwargs)
        )

    def refusal(self, *args, **kwargs):
        """Run a command that fails and return what it said."""
        done = self.openstack(*args, **kwargs)
        self.assertEqual(1, done.returncode, done.stdout)
        return done.stderr
