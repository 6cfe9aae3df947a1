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

"""Requests that come together are served together."""

import threading

from opie.preemption import planner
from opie.scheduler.claims import together
from opie.scheduler.placement import client as placement
from opie.scheduler.planning import cloud_snapshot
from opie.scheduler.preempting import verification
from opie.tests.functional import base
from opie.tests.functional import meanwhile
from opie.tests.interruptions import gathering


class BurstTest(meanwhile.MeanwhileMixin, base.CloudTestCase):
    """Five preemptible servers of 2 VCPU on each of two hosts."""

    def setUp(self):
        super().setUp()
        self.victims = [
            self.boot_preemptible(2, host)
            for host in self.hosts
            for _ in range(5)
        ]
        self.two = self.flavor(2)

    def gather(self, number):
        self.useFixture(gathering.gathered(number))

    def active(self, servers):
        for server in servers:
            self._wait_for_state_change(server, 'ACTIVE')

    def burst(self, number, flavor=None):
        return [
            self.boot(flavor=flavor or self.two, state=None)
            for _ in range(number)
        ]

    def count(self, owner, name):
        calls = []

        def call(real, *args, **kwargs):
            calls.append(args)
            return real(*args, **kwargs)

        self.wrap(owner, name, call)
        return calls

    def test_they_share_a_snapshot_and_a_transaction(self):
        snapshots = self.count(cloud_snapshot, 'take')
        writes = self.count(placement.Client, 'replace_allocations')
        self.gather(4)
        preemptors = self.burst(4)
        self.active(preemptors)
        self.assertEqual(1, len(snapshots))
        self.assertEqual(1, len(writes))
        self.assertEqual(4, len(self.logged('Evicting')))
        self.assertFalse(self.logged('is void'))
        self.assertUntouched(*preemptors)
        self.assertSound()

    def test_what_is_planned_first_counts_for_what_is_planned_next(self):
        """The last host has room for one of them only."""
        self.gather(3)
        preemptors = self.burst(3, self.flavor(6))
        states = sorted(self.end_of(server) for server in preemptors)
        self.assertEqual(['ACTIVE', 'ACTIVE', 'ERROR'], states)
        self.assertEqual(6, len(self.logged('Evicting')))
        self.assertSound()

    def test_all_are_served_although_few_may_evict_at_a_time(self):
        self.scheduler_service.manager._pass_two._turns._free_slots = 2
        self.active(self.burst(10))
        self.assertGone(*self.victims)
        self.assertSound()

    def test_one_that_loses_its_victim_is_planned_again_at_once(self):
        """The others keep their plans, and no snapshot is taken anew."""
        snapshots = self.count(cloud_snapshot, 'take')
        self.wrap_once(together, 'write', self.change_a_victim)
        self.gather(3)
        preemptors = self.burst(3)
        self.active(preemptors)
        self.assertEqual(1, len(snapshots))
        self.assertEqual(1, len(self.logged('is void')))
        self.assertEqual(3, len(self.logged('Evicting')))
        self.assertSound()

    def change_a_victim(self, real, claims):
        """Let a victim be written to by others, as it is."""
        client = claims[0].client
        uuid = min(claims[1]._victims)
        consumer = client.consumer(uuid)
        client.replace_allocations({uuid: consumer.body(consumer.allocations)})
        return real(claims)

    def test_one_without_room_is_no_burden_to_the_others(self):
        self.gather(3)
        hopeless = self.boot(11, state=None)
        preemptors = self.burst(2)
        self.active(preemptors)
        self.assertEqual('ERROR', self.end_of(hopeless))
        self.assertNoValidHost(hopeless)
        self.assertEqual(2, len(self.logged('Evicting')))

    def test_equal_requests_without_room_cost_one_plan(self):
        self.flags(refusal_cache_seconds=5, group='opie')
        made = self.count(planner, 'make_plan')
        flavor = self.flavor(11)
        self.gather(8)
        for server in self.burst(8, flavor):
            self.assertEqual('ERROR', self.end_of(server))
        self.assertEqual(1, len(made))

    def test_a_refusal_beside_a_claim_that_is_undone_is_not_remembered(self):
        """Each needs a host for itself, and one of the two claims is void."""
        self.flags(refusal_cache_seconds=5, group='opie')
        self.wrap_once(
            verification, 'problems', lambda real, *args: ['not as planned']
        )
        self.gather(3)
        preemptors = self.burst(3, self.flavor(10))
        states = sorted(self.end_of(server) for server in preemptors)
        self.assertEqual(['ACTIVE', 'ACTIVE', 'ERROR'], states)
        self.assertSound()

    def test_a_project_without_room_takes_no_slot_of_another(self):
        """Its plans are being made while another request comes."""
        self.scheduler_service.manager._pass_two._turns._free_slots = 1
        begun, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)

        def hold(real, *args):
            begun.set()
            release.wait(base.WAIT_SECONDS)
            return real(*args)

        self.wrap_once(planner, 'make_plan', hold)
        hopeless = self.burst(3, self.flavor(11))
        self.assertTrue(begun.wait(base.WAIT_SECONDS))
        (preemptor,) = self.burst(1)
        release.set()
        self.active([preemptor])
        for server in hopeless:
            self.assertEqual('ERROR', self.end_of(server))
