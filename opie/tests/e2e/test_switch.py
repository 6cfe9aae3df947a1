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

"""The switch, thrown on a running scheduler by SIGHUP."""

import os
import signal

from opie.tests.e2e import base

_SCHEDULER = 'nova-scheduler-1'


class SwitchTest(base.CloudTestCase):
    settings = base.SMALL

    def setUp(self):
        super().setUp()
        self.conf = self.cloud.home.etc / _SCHEDULER / ('%s.conf' % _SCHEDULER)
        self.before = self.conf.read_text()
        self.addCleanup(self.switch, True)

    def switch(self, is_on):
        """Set the option and tell the scheduler to read it."""
        line = 'Preemption is %s:' % ('on' if is_on else 'off')
        number = len(self.logged(line))
        self.conf.write_text(
            '%s\n[opie]\nenabled = %s\n' % (self.before, is_on)
        )
        os.kill(self.cloud.pids(_SCHEDULER)[0], signal.SIGHUP)
        self.wait_for(lambda: self.assertLess(number, len(self.logged(line))))

    def test_a_signal_stops_preemption_and_starts_it_again(self):
        (main, *_) = self.cloud.pids(_SCHEDULER)
        victims = self.create_preemptible('large', 2)
        self.switch(False)
        refused = self.create('large', 'refused')
        self.assertEqual(
            ['ERROR'], list(self.final_statuses([refused]).values())
        )
        self.assertEqual({'active'}, self.watcher.states(victims))
        self.assertTrue(self.logged('[opie] enabled is off'))
        self.switch(True)
        served = self.create('large', 'served')
        self.assertEqual(
            ['ACTIVE'], list(self.final_statuses([served]).values())
        )
        self.assertEqual(1, len(victims & self.watcher.placed()))
        self.assertEqual(main, self.cloud.pids(_SCHEDULER)[0])
