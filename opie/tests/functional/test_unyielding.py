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

"""Preemptible servers that do not give way are named in the log."""

from opie.tests.functional import base

_HOUR_SECONDS = 3600


class UnyieldingTest(base.CloudTestCase):
    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.server = self.boot_preemptible()
        self.boot()

    def lines(self, text):
        manager = self.scheduler_service.manager
        manager.host_manager.index.refresh(manager.host_manager.enabled_cells)
        manager._name_unyielding(None)
        return self.logged(text)

    def be_busy(self, task):
        instance = self.instance(self.server)
        instance.task_state = task
        instance.save()

    def test_one_that_nova_is_busy_with_for_long(self):
        self.flags(busy_warning_seconds=1, group='opie')
        self.be_busy('powering-off')
        self._wait_for_assert(
            lambda: self.assertTrue(self.lines('busy_warning_seconds (1)'))
        )
        line = self.lines('busy_warning_seconds (1)')[-1]
        self.assertIn('%s on host1 (powering-off' % self.server['id'], line)

    def test_none_that_is_busy_for_a_moment(self):
        self.flags(busy_warning_seconds=_HOUR_SECONDS, group='opie')
        self.be_busy('powering-off')
        self.assertEqual([], self.lines('busy_warning_seconds'))

    def test_one_whose_guest_may_take_long(self):
        self.assertEqual([], self.lines('os_shutdown_timeout'))
        instance = self.instance(self.server)
        instance.system_metadata['image_os_shutdown_timeout'] = '604800'
        instance.save()
        (line,) = self.lines('os_shutdown_timeout')
        self.assertIn('%s on host1 (604800 s)' % self.server['id'], line)
