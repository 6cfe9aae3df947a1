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

"""Giving back while nova deletes the same victims."""

import threading

from placement.objects import allocation as placement_allocation

from opie.scheduler import eviction
from opie.scheduler import executor
from opie.scheduler import placement
from opie.scheduler import swap_back
from opie.tests.functional import base


class DeletionBetweenTest(base.CloudTestCase):
    """The eviction stops after its victim has been sent."""

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.victim = self.boot_preemptible(10)

    def stop_at_once(self):
        def fail(real, *args):
            raise eviction.Stopped('the compute service is down')

        self.wrap(eviction.Eviction, '_confirm', fail)

    def hold_the_end_of_its_deletion(self):
        """Let nova's deletion of its allocations wait in placement.

        :returns: (event that is set when it waits, event to set).
        """
        begun, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)

        def wait(real, *args):
            begun.set()
            release.wait(20)
            return real(*args)

        self.wrap(placement_allocation, 'delete_all', wait)
        return begun, release

    def assertNothingIsLeft(self):
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self._wait_until_deleted(self.victim)
        self._wait_for_assert(lambda: self.assertGone(self.victim))
        self.assertNoJournal()
        self.assertUntouched(self.boot(10))

    def test_a_victim_deleted_before_each_write_is_not_resurrected(self):
        _, release = self.hold_deletions()
        writes = []

        def write(real, client, bodies):
            writes.append(bodies)
            if len(writes) == 2:
                # What was read is what nova deletes before it is written.
                release.set()
                self._wait_for_assert(
                    lambda: self.assertEqual({}, self.allocations(self.victim))
                )
            return real(client, bodies)

        self.stop_at_once()
        self.wrap(placement.Placement, 'replace_allocations', write)
        self.assertNothingIsLeft()
        self.assertIn(self.victim['id'], writes[1])
        self.assertNotIn(self.victim['id'], writes[2])

    def test_a_victim_deleted_between_two_reads_is_not_resurrected(self):
        _, release = self.hold_deletions()
        written = []

        def read(real, client, hosts, providers):
            real_consumer = client.consumer

            def consumer(uuid):
                release.set()
                self._wait_for_assert(
                    lambda: self.assertEqual({}, self.allocations(self.victim))
                )
                return real_consumer(uuid)

            client.consumer = consumer
            try:
                written.extend(real(client, hosts, providers))
            finally:
                del client.consumer
            return real(client, hosts, providers)

        self.stop_at_once()
        self.wrap_once(swap_back, '_bodies', read)
        self.assertNothingIsLeft()
        self.assertEqual(1, len(written))
        self.assertNotIn(self.victim['id'], written)

    def test_allocations_that_nova_is_just_deleting_do_not_come_back(self):
        begun, release = self.hold_the_end_of_its_deletion()

        def read(real, *args):
            self.assertTrue(begun.wait(20))
            return real(*args)

        def given_back(real, *args):
            self.assertHolds(10, self.victim)
            release.set()
            return real(*args)

        self.stop_at_once()
        self.wrap(swap_back, '_bodies', read)
        self.wrap(executor.Execution, '_empty_deleted', given_back)
        self.assertNothingIsLeft()
