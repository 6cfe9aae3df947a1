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

"""Deletions whose message the broker has lost, while a request waits."""

import threading
import time

from nova.compute import rpcapi
from nova.virt import fake

from opie.tests.functional import base

_SECONDS = 1


class LostDeletionTest(base.CloudTestCase):
    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.flags(stuck_deletion_seconds=_SECONDS, group='opie')
        self.victim = self.boot_preemptible(8)
        self.told, self.messages = threading.Event(), []

    def preempt(self, is_lost):
        """Boot a server; return when the message was sent, or lost."""

        def terminate(real, *args, **kwargs):
            self.messages.append(args)
            if not (is_lost and len(self.messages) == 1):
                real(*args, **kwargs)
            self.told.set()

        self.wrap(rpcapi.ComputeAPI, 'terminate_instance', terminate)
        preemptor = self.boot(8, state=None)
        self.assertTrue(self.told.wait(base.WAIT_SECONDS))
        return preemptor

    def test_what_the_compute_has_not_begun_is_repeated_in_time(self):
        preemptor = self.preempt(is_lost=True)
        self.reap()
        self.assertEqual(1, len(self.messages))
        # nova notes the time in whole seconds.
        time.sleep(_SECONDS + 1)
        self.reap()
        self.reap()
        self.assertEqual(2, len(self.messages))
        self._wait_for_state_change(preemptor, 'ACTIVE')
        self.assertGone(self.victim)
        self.assertFalse(self.logged('Wasted'))

    def test_what_it_has_begun_is_not(self):
        begun, returns = threading.Event(), threading.Event()
        self.addCleanup(returns.set)

        def destroy(real, *args, **kwargs):
            begun.set()
            returns.wait(base.WAIT_SECONDS)
            return real(*args, **kwargs)

        self.wrap(fake.FakeDriver, 'destroy', destroy)
        preemptor = self.preempt(is_lost=False)
        self.assertTrue(begun.wait(base.WAIT_SECONDS))
        time.sleep(_SECONDS + 1)
        self.reap()
        self.assertEqual(1, len(self.messages))
        returns.set()
        self._wait_for_state_change(preemptor, 'ACTIVE')
