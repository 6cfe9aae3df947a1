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


"""Options and classes as a test wants them; nothing stays behind."""

from unittest import mock

# NOTE: sets up the threading model before anything imports eventlet.
import nova.cmd.scheduler  # isort: skip

import nova.conf
from nova.scheduler import host_manager
import nova.service
from oslo_config import fixture as config_fixture
import testtools

import opie.conf

CONF = nova.conf.CONF


class CommandTestCase(testtools.TestCase):
    """Puts back what the command changes in nova."""

    def setUp(self):
        super().setUp()
        opie.conf.register_opts(CONF)
        self.config = self.useFixture(config_fixture.Config(CONF))
        self.patch(mock.patch.dict(nova.service.SERVICE_MANAGERS))
        self.patch(
            mock.patch.object(
                host_manager, 'HostManager', host_manager.HostManager
            )
        )

    def patch(self, patcher):
        """Patch until the test is over; return what the patcher puts in."""
        patched = patcher.start()
        self.addCleanup(patcher.stop)
        return patched
