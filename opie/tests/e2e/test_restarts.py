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

"""Services that are started again in the middle of preemptions."""

import functools
import threading

from opie.tests.e2e import base

_VCPUS = 4
_RAM_MB = 4096
_HOSTS = 6
_TIMEOUT_SECONDS = 30
_DESTROY_SECONDS = 2


class RestartTest(base.CloudTestCase):
    settings = {
        'hosts': _HOSTS,
        'vcpus': _VCPUS,
        'ram_mb': _RAM_MB,
        'schedulers': 2,
        'preemption_timeout_seconds': _TIMEOUT_SECONDS,
        'destroy_seconds': _DESTROY_SECONDS,
        'service_down_seconds': 60,
        # A scheduler that is told to stop ends what it has begun; nova takes
        # 20 seconds of it for other things.
        'nova_options': {
            'DEFAULT': {
                'manager_shutdown_timeout': 20 + _TIMEOUT_SECONDS,
                'graceful_shutdown_timeout': 30 + _TIMEOUT_SECONDS,
            },
            # What is lost with the broker is soon repeated.
            'opie': {
                'reaper_interval_seconds': 5,
                'stuck_deletion_seconds': 10,
            },
        },
    }

    def setUp(self):
        super().setUp()
        self.victims = self.create_preemptible('medium', 2 * _HOSTS)
        self.deletions = self.watcher.deletions()

    def preempt_during(self, disturb):
        """Boot normal servers, and do something once evictions have begun.

        :returns: id to status of the normal servers.
        """
        with self.watcher.watching(
            self.watcher.over_capacity,
            functools.partial(
                self.watcher.overbooked, _VCPUS, _RAM_MB, 'normal'
            ),
        ) as wrong:
            thread = threading.Thread(target=disturb)
            servers = [
                self.create('medium', 'normal-%d' % number)
                for number in range(_HOSTS)
            ]
            self.wait_for(
                lambda: self.assertLess(
                    len(self.deletions), len(self.watcher.deletions())
                )
            )
            thread.start()
            statuses = self.final_statuses(servers)
            thread.join()
        self.assertEqual([], wrong)
        return statuses

    def assert_each_place_was_paid_once(self, statuses):
        """Check that each victim gave way to a server that got its place."""
        number = list(statuses.values()).count('ACTIVE')
        self.wait_for(
            lambda: self.assertEqual(
                number, len(self.victims - self.watcher.placed())
            )
        )
        gone = self.victims - self.watcher.placed()
        self.assertEqual(dict.fromkeys(gone, 1), self.asked())

    def asked(self):
        """Return uuid to how often its deletion was asked for in this test."""
        return {
            uuid: count
            for uuid, count in self.watcher.deletions().items()
            if uuid not in self.deletions
        }

    def test_a_scheduler_is_told_to_stop(self):
        statuses = self.preempt_during(
            functools.partial(self.cloud.restart, 'nova-scheduler-1')
        )
        self.assertEqual({'ACTIVE'}, set(statuses.values()))
        self.assert_each_place_was_paid_once(statuses)
        self.assert_nothing_is_left()

    def test_the_broker_is_started_again(self):
        (before, *_) = self.cloud.pids('rabbitmq')
        statuses = self.preempt_during(
            functools.partial(self.cloud.restart, 'rabbitmq')
        )
        self.assertNotEqual(before, self.cloud.pids('rabbitmq')[0])
        gone = self.victims - self.watcher.placed()
        # Deletions under way may have been lost; none was asked for twice.
        self.assertLessEqual(
            list(statuses.values()).count('ACTIVE'), len(gone)
        )
        self.assertEqual({1}, set(self.asked().values()))
        self.assertLessEqual(gone, self.asked().keys())
        # Deletions that were lost with the broker are repeated.
        self.wait_for(
            lambda: self.assertEqual({}, self.watcher.tasks(self.victims))
        )
        # The cloud is as good as new.
        again = self.create('medium', 'normal-again')
        self.assertEqual(
            ['ACTIVE'], list(self.final_statuses([again]).values())
        )
        self.assert_nothing_is_left()
