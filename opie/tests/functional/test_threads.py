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

"""A service that ends when its test has ended reaches no later test."""

import threading
from unittest import mock

import nova.conf
from nova.virt import fake
import testtools

from opie.tests import threads
from opie.tests.functional import base

CONF = nova.conf.CONF


@testtools.skipUnless(
    'manager_shutdown_timeout' in CONF,
    'this nova ends services in the thread that stops them',
)
class LateEndTest(testtools.TestCase):
    class Cloud(base.CloudTestCase):
        hosts = ('host1',)

        def configure(self):
            # As long as nova's own tests wait for a service that is stopped.
            self.flags(manager_shutdown_timeout=0)

        def test_boot(self):
            self.boot()

    def setUp(self):
        super().setUp()
        self.late, self.release = [], threading.Event()
        self.addCleanup(self.end)

    def end(self):
        self.release.set()
        for thread in self.late:
            thread.join()

    def clean_up_host(self, *args, **kwargs):
        """Do as a hypervisor that has much to do when its compute stops."""
        self.late.append(threading.current_thread())
        self.release.wait(base.WAIT_SECONDS)

    def test_a_service_that_ends_between_two_tests(self):
        with (
            mock.patch.object(
                fake.FakeDriver, 'cleanup_host', self.clean_up_host
            ),
            mock.patch.object(threads, 'END_SECONDS', 0.5),
        ):
            errors = self.boot_on_a_cloud()
        self.assertEqual(1, len(self.late))
        # The test that has started the service is the one that fails.
        self.assertEqual(1, len(errors), errors)
        self.assertIn('clean_up_host', errors[0])
        self.end()
        self.assertEqual([], self.boot_on_a_cloud())

    def boot_on_a_cloud(self):
        """Run a test on a cloud of its own; return the texts of its errors."""
        result = testtools.TestResult()
        self.Cloud('test_boot').run(result)
        return [text for _, text in result.errors + result.failures]
