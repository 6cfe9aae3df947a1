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

"""Giving back when a host has not room for all victims."""

from oslo_utils.fixture import uuidsentinel as uuids

from opie.tests.stand_ins.placement import client as stand_in
from opie.tests.unit.claims import cloud
from opie.tests.unit.claims import test_give_back as giving


class LateRoomTest(giving.GiveBackTestCase):
    """The preemptor runs, and victims are given back what there is room for.

    Of one host that is full there is none.
    """

    def test_without_room_the_victims_stay_booked(self):
        self.assertIsNone(self.give_back(dropped=()))
        self.assertEqual({'host': {'VCPU': 6}}, self.held('new'))
        self.assertEqual({'journal': cloud.booked(VCPU=2)}, self.held('all'))
        self.assertComplains('WARNING', 'there is no room for all')

    def test_with_room_for_one_that_one_is_restored(self):
        self.server('normal', 'host', VCPU=1)
        self.assertIsNone(self.give_back(dropped=()))
        self.assertRestored('new', 'some')
        self.assertComplains('WARNING', 'the victims %s held' % uuids.some)

    def test_with_room_for_all_all_are(self):
        self.delete_server('normal')
        self.shrink('host', VCPU=12)
        changed = self.give_back(dropped=())
        self.assertEqual({'some', 'all'}, changed)
        self.assertRestored('new')
        self.assertEqual({'host': {'VCPU': 6}}, self.held('new'))


class OverCapacityTest(giving.GiveBackTestCase):
    """The host shrinks just after the claim.

    From release 14 on placement takes what makes it no worse.
    """

    def test_all_is_restored(self):
        self.shrink('host', VCPU=5)
        self.assertEqual({'new', 'some', 'all'}, self.give_back())
        self.assertRestored()


class StrictOverCapacityTest(giving.GiveBackTestCase):
    """The host shrinks under a placement 13, which refuses the write."""

    is_lenient = False

    def setUp(self):
        super().setUp()
        self.shrink('host', VCPU=6)

    def test_the_claim_is_dropped_and_the_one_that_fits_is_restored(self):
        self.assertIsNone(self.give_back())
        self.assertRestored('some')
        self.assertEqual(
            {'host': {'VCPU': 1}, 'journal': cloud.booked(VCPU=3)},
            self.held('some'),
        )
        self.assertComplains('WARNING', 'the victims %s held' % uuids.some)

    def test_it_is_tried_for_a_moment_only(self):
        self.assertFalse(self.one.give_back_for({uuids.new}))
        self.assertLessEqual(
            giving.PATIENCE_WITHOUT_ROOM_SECONDS, self.clock.seconds
        )
        self.assertLess(
            self.clock.seconds,
            giving.PATIENCE_WITHOUT_ROOM_SECONDS + giving.MAX_PAUSE_SECONDS,
        )

    def test_room_that_comes_back_meanwhile_is_used(self):
        # The writes of the first try: all, the claim, each of two victims.
        self.placement.interrupt(
            'post',
            '/allocations',
            stand_in.then(lambda: self.shrink('host', VCPU=10)),
            number=4,
        )
        self.assertTrue(self.one.give_back_for({uuids.new}))
        self.assertRestored()

    def test_one_that_dies_in_between_leaves_it_to_the_next(self):
        class Killed(BaseException):
            pass

        def die(call):
            raise Killed

        # The claim is the second write, until it is dropped.
        for number, is_dropped in ((2, False), (3, True), (3, True)):
            self.placement.interrupt('post', '/allocations', die, number)
            self.assertRaises(Killed, self.give_back)
            self.placement.stop_interrupting()
            self.assertEqual(is_dropped, not self.held('new'))
        self.shrink('host', VCPU=10)
        self.give_back()
        self.assertRestored()


class ElsewhereTest(giving.GiveBackTestCase):
    """What a victim keeps on another provider is not allowed any more.

    Placement refuses any write for it, even where there is room.
    """

    def setUp(self):
        super().setUp()
        self.host('pool', DISK_GB=100)
        consumer = self.client.consumer(uuids.some)
        kept = {**consumer.allocations, uuids.pool: {'DISK_GB': 20}}
        self.client.replace_allocations({uuids.some: consumer.body(kept)})
        self.allow(10)

    def allow(self, disk_gb):
        pool = self.placement.records.providers[uuids.pool]
        pool.inventories['DISK_GB']['max_unit'] = disk_gb

    def test_the_others_are_restored_and_the_log_names_the_provider(self):
        self.assertIsNone(self.give_back())
        self.assertRestored('some')
        self.assertComplains('WARNING', "resource provider 'pool'")

    def test_it_is_restored_once_that_is_allowed_again(self):
        self.give_back()
        self.allow(20)
        self.assertEqual({'some'}, self.give_back())
        self.assertEqual(
            {'host': {'VCPU': 4}, 'pool': {'DISK_GB': 20}}, self.held('some')
        )

    def test_its_deletion_ends_the_matter(self):
        self.give_back()
        self.delete_server('some')
        self.assertEqual(set(), self.give_back())
