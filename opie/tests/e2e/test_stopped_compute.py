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

"""A compute that hangs: what was sent to it is not forgotten, nor repeated."""

import signal
import time

from opie.tests.e2e import base

_TIMEOUT_SECONDS = base.SMALL['preemption_timeout_seconds']
# For scheduling, claiming and giving back.
_MARGIN_SECONDS = 20
_COMPUTE = 'nova-compute-2'


class StoppedComputeTest(base.CloudTestCase):
    settings = base.SMALL

    def setUp(self):
        super().setUp()
        self.addCleanup(self.cloud.signal, _COMPUTE, signal.SIGCONT)

    def test_a_victim_that_cannot_be_confirmed(self):
        self.create('large', 'filler', user='admin', host='host1')
        self.wait_for(lambda: self.assertEqual(1, len(self.watcher.placed())))
        (filler,) = self.watcher.placed()
        victims = self.create_preemptible('medium', 2)
        before = self.watcher.allocations()
        deletions = self.watcher.deletions().keys()
        self.cloud.signal(_COMPUTE, signal.SIGSTOP)

        start = time.monotonic()
        normal = self.create('medium', 'normal')
        (status,) = self.final_statuses([normal]).values()
        self.assertEqual('ERROR', status)
        self.assertLess(
            time.monotonic() - start, _TIMEOUT_SECONDS + _MARGIN_SECONDS
        )
        sent = self.watcher.deletions().keys() - deletions
        self.assertEqual(1, len(sent), sent)
        self.assertLess(sent, victims)
        (survivor,) = victims - sent
        # Both victims hold what they held, because both guests still run.
        self.wait_for(
            lambda: self.assertEqual(before, self.watcher.allocations())
        )
        self.assertEqual({'active'}, self.watcher.states(victims))
        (line,) = self.logged('Wasted evictions')
        self.assertIn(min(sent), line)
        self.assertNotIn(survivor, line)

        self.cloud.signal(_COMPUTE, signal.SIGCONT)
        self.wait_for(
            lambda: self.assertEqual(
                {filler, survivor}, self.watcher.allocations().keys()
            )
        )
        self.assertEqual({'active'}, self.watcher.states([survivor, filler]))
        counts = self.watcher.deletions()
        self.assertEqual(sent, counts.keys() - deletions)
        self.assertEqual([1], [counts[victim] for victim in sent])
        # The room that it left is given away, and no other server goes.
        again = self.create('medium', 'again')
        self.assertEqual(
            ['ACTIVE'], list(self.final_statuses([again]).values())
        )
        self.assertEqual({'active'}, self.watcher.states([survivor]))
        self.assert_nothing_is_left()
