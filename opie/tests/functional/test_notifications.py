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


"""Each selection is notified as nova does: one start, one end."""

from testtools import testcase

from opie.tests.functional import base

_START = 'scheduler.select_destinations.start'
_END = 'scheduler.select_destinations.end'


class NotificationTest(base.CloudTestCase):
    hosts = ('host1',)

    @testcase.attr('smoke')
    def test_a_preempting_boot_starts_once_and_ends_once(self):
        victim = self.boot_preemptible(10)
        self.notifier.reset()
        preemptor = self.boot(10)
        self.assertGone(victim)
        self.assertNotified(preemptor, [_START, _END])

    def test_no_start_is_doubled_where_only_filters_refused(self):
        group = {'name': 'a', 'policy': 'anti-affinity'}
        hints = {'group': self.api.post_server_groups(group)['id']}
        victim = self.boot_preemptible(1, hints=hints)
        self.notifier.reset()
        preemptor = self.boot(1, hints=hints)
        self.assertGone(victim)
        self.assertNotified(preemptor, [_START, _END])

    def test_a_boot_with_room_starts_once_and_ends_once(self):
        self.assertNotified(self.boot(1), [_START, _END])

    def test_a_refused_preemptor_is_notified_as_nova_does(self):
        self.boot(10)
        self.notifier.reset()
        by_nova = self.boot_preemptible(1, state='ERROR')
        self.assertNotified(by_nova, [])
        self.assertNotified(self.boot(1, state='ERROR'), [])

    def assertNotified(self, server, events):
        legacy = [
            item.event_type
            for item in self.notifier.notifications
            if item.event_type in (_START, _END)
        ]
        versioned = [
            item
            for item in self.notifier.versioned_notifications
            if item['event_type'] in (_START, _END)
        ]
        self.assertEqual(events, legacy)
        self.assertEqual(events, [item['event_type'] for item in versioned])
        for item in versioned:
            self.assertEqual(
                server['id'],
                item['payload']['nova_object.data']['instance_uuid'],
            )
