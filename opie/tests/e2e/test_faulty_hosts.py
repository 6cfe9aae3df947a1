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

"""Hosts that hang and victims that cannot be deleted, with two schedulers."""

import concurrent.futures
import signal

from opie.sandbox.stand_ins import neutron
from opie.tests.e2e import base

_COMPUTE = 'nova-compute-2'
# Three on each host.
_FLAVOR = 'medium'
_SETTINGS = {
    **base.SMALL,
    'vcpus': 6,
    'ram_mb': 6144,
    'schedulers': 2,
    'preemption_timeout_seconds': 60,
    'nova_options': {
        'opie': {'stuck_deletion_seconds': 10, 'reaper_interval_seconds': 10}
    },
}


class FaultyHostsTest(base.CloudTestCase):
    settings = _SETTINGS

    def setUp(self):
        super().setUp()
        # With ports, which one test has neutron keep.
        self.victims = self.create_preemptible(_FLAVOR, 6, networks='auto')
        self.earlier = self.watcher.deletions().keys()
        self.wasted = len(self.logged('Wasted evictions'))

    def boot_at_once(self, number):
        """Boot normal servers, and wait until they run."""
        with concurrent.futures.ThreadPoolExecutor(number) as pool:
            servers = list(
                pool.map(
                    lambda index: self.create(_FLAVOR, 'normal-%d' % index),
                    range(number),
                )
            )
        statuses = self.final_statuses(servers)
        self.assertEqual({'ACTIVE'}, set(statuses.values()))

    def sent(self):
        """Return the victims that were sent away."""
        return self.watcher.deletions().keys() - self.earlier

    def assertWasted(self, number):
        """Assert how many victims were lost for nothing, of one request."""
        lines = self.logged('Wasted evictions')[self.wasted :]
        self.assertEqual(number, len(lines), lines)
        for line in lines:
            self.assertIn('Wasted evictions: 1 for', line)

    def test_a_compute_that_hangs_costs_one_victim(self):
        self.addCleanup(self.cloud.signal, _COMPUTE, signal.SIGCONT)
        self.cloud.signal(_COMPUTE, signal.SIGSTOP)
        self.boot_at_once(3)
        sent = self.sent()
        # Each has its room on the other host.
        stuck = sent & self.watcher.placed()
        self.assertEqual(3, len(sent) - len(stuck))
        self.assertLessEqual(len(stuck), 1, stuck)
        self.assertWasted(len(stuck))

        self.cloud.signal(_COMPUTE, signal.SIGCONT)
        self.wait_for(lambda: self.assertFalse(sent & self.watcher.placed()))
        self.assertEqual(sent, self.sent())
        survivors = self.victims - sent
        self.assertEqual({'active'}, self.watcher.states(survivors))
        self.assert_nothing_is_left()

    def test_a_victim_that_neutron_lets_nova_not_delete(self):
        file = self.cloud.home.etc / 'neutron' / neutron.REFUSED
        self.addCleanup(file.unlink)
        # Each that goes first fails.
        file.write_text('\n'.join(self.victims))
        first = self.create(_FLAVOR)
        self.wait_for(lambda: self.assertTrue(self.failed()))
        (failed,) = self.failed()
        file.write_text(failed)
        statuses = self.final_statuses([first])
        self.assertEqual(['ACTIVE'], list(statuses.values()))
        self.boot_at_once(2)
        self.assertEqual({failed}, self.failed())
        self.assertEqual(4, len(self.sent()))
        self.assertWasted(1)

    def failed(self):
        return {
            uuid
            for uuid, state in self.watcher.state_of().items()
            if state == 'error'
        }
