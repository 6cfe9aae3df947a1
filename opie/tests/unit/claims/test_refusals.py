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


"""A claim that placement would refuse again is not made again.

What it names tells which victims, or which host, the next plan leaves out.
"""

from oslo_utils.fixture import uuidsentinel as uuids

from opie.scheduler import errors
from opie.scheduler.claims import together
from opie.tests.stand_ins.placement import client as stand_in
from opie.tests.stand_ins.placement import server
from opie.tests.unit.claims import cloud
from opie.tests.unit.claims import test_claim as claims


class RefusedTestCase(claims.ClaimTestCase):
    """As there, and the victim and two others hold disk of a shared pool."""

    def setUp(self):
        super().setUp()
        self.host('pool', DISK_GB=100)
        for name, disk_gb in (('victim', 20), ('equal', 20), ('small', 5)):
            self.hold_disk(name, disk_gb)
        self.one = self.claim_of_victim()

    def hold_disk(self, name, disk_gb):
        consumer = self.client.consumer(getattr(uuids, name))
        body = consumer.body(
            {**consumer.allocations, uuids.pool: {'DISK_GB': disk_gb}}
        )
        body['project_id'] = body['user_id'] = 'owner of ' + name
        self.client.replace_allocations({consumer.uuid: body})

    def claim_of_victim(self, vcpu=3):
        shares = {'victim': {'new': {'VCPU': vcpu}}}
        plan = self.plan({'new': 'host'}, shares)
        return self.claim(plan, VCPU=vcpu)

    def change(self, provider, name, **fields):
        """Change an inventory, as operators and computes may."""
        record = self.placement.records.providers[getattr(uuids, provider)]
        record.inventories[name].update(fields)
        record.generation += 1

    def refused(self):
        """Return why the claim is refused."""
        (failed,) = together.write([self.one]).values()
        self.assertEqual({}, self.held('new'))
        self.assertNoJournal()
        return failed

    def prepare(self):
        self.one.prepare(1, cloud.DEADLINE, 'a scheduler', cloud.WORKER)

    def assertRefused(self, victims=(), hosts=()):
        self.prepare()
        failed = self.refused()
        self.assertIsInstance(failed, errors.ClaimRefused)
        self.assertFalse(failed.is_race)
        self.assertEqual(
            ({getattr(uuids, one) for one in victims}, set(hosts)),
            (failed.victims, failed.providers),
        )


class ElsewhereTest(RefusedTestCase):
    """What a victim keeps on another provider is not allowed any more."""

    def test_less_may_be_held(self):
        self.change('pool', 'DISK_GB', max_unit=10)
        self.assertRefused(victims=['victim', 'equal'])

    def test_more_must_be_held(self):
        self.change('pool', 'DISK_GB', min_unit=30)
        self.assertRefused(victims=['victim', 'equal', 'small'])

    def test_other_steps_must_be_held(self):
        self.change('pool', 'DISK_GB', step_size=8)
        self.assertRefused(victims=['victim', 'equal', 'small'])

    def test_the_class_is_gone(self):
        self.placement.records.providers[uuids.pool].inventories = {}
        self.assertRefused(victims=['victim', 'equal', 'small'])

    def test_the_class_is_gone_and_another_one_there(self):
        self.placement.records.providers[uuids.pool].inventories = {}
        self.shrink('pool', VCPU=1)
        self.assertRefused(victims=['victim', 'equal', 'small'])

    def test_one_write_finds_that_out(self):
        self.change('pool', 'DISK_GB', max_unit=10)
        before = len(self.writes())
        self.assertRefused(victims=['victim', 'equal'])
        self.assertEqual(1, len(self.writes()) - before)

    def test_an_inventory_that_is_mended_meanwhile_makes_it_a_race(self):
        self.change('pool', 'DISK_GB', max_unit=10)
        self.prepare()
        self.placement.interrupt(
            'post',
            '/allocations',
            stand_in.then(lambda: self.change('pool', 'DISK_GB', max_unit=20)),
        )
        self.assertTrue(self.refused().is_race)

    def test_a_placement_that_does_not_say_more_makes_it_a_race(self):
        self.change('pool', 'DISK_GB', max_unit=10)
        self.prepare()
        self.placement.interrupt(
            'get',
            '/resource_providers/%s/inventories' % uuids.pool,
            stand_in.unreachable,
        )
        self.assertTrue(self.refused().is_race)

    def test_words_that_are_not_understood_exclude_the_victims(self):
        self.placement.interrupt('post', '/allocations', stand_in.answer(409))
        self.assertRefused(victims=['victim'])


class TogetherTest(RefusedTestCase):
    def test_only_the_request_that_is_refused_pays(self):
        self.host('other host', VCPU=10)
        self.server('other victim', 'other host', VCPU=10)
        shares = {'other victim': {'other': {'VCPU': 4}}}
        plan = self.plan({'other': 'other host'}, shares)
        other = self.claim(plan, VCPU=4)
        self.change('pool', 'DISK_GB', max_unit=10)
        for one in (self.one, other):
            one.prepare(1, cloud.DEADLINE, 'a scheduler', cloud.WORKER)
        failed = together.write([self.one, other])
        self.assertEqual([self.one], list(failed))
        self.assertEqual({uuids.victim, uuids.equal}, failed[self.one].victims)
        self.assertEqual({'other host': {'VCPU': 4}}, self.held('other'))


class NominatedHostTest(RefusedTestCase):
    def test_the_preemptor_may_not_hold_so_much_any_more(self):
        self.change('host', 'VCPU', max_unit=2)
        self.one = self.claim_of_victim(4)
        self.assertRefused(hosts=[uuids.host])

    def test_the_victim_may_not_keep_so_little_any_more(self):
        self.change('host', 'VCPU', min_unit=3)
        self.assertRefused(victims=['victim'])

    def test_a_host_that_is_full_by_now_is_a_race(self):
        self.one = self.claim(
            self.plan({'new': 'host'}, {'victim': {'new': {'VCPU': 3}}}),
            VCPU=6,
        )
        self.prepare()
        self.server('other', 'host', VCPU=1)
        failed = self.refused()
        self.assertTrue(failed.is_race)
        self.assertNotIsInstance(failed, errors.ClaimRefused)

    def test_a_victim_that_another_takes_of_at_once_is_a_race(self):
        """Placement has compared generations before it counts the room."""
        self.prepare()

        def overtake(call):
            self.server('victim', 'host', VCPU=1)
            return server.conflict(
                "Unable to create allocation for 'VCPU' on resource provider "
                "'%s'. The requested amount would exceed the capacity."
                % uuids.host,
                None,
            )

        self.placement.interrupt('post', '/allocations', overtake)
        failed = self.refused()
        self.assertTrue(failed.is_race)
        self.assertNotIsInstance(failed, errors.ClaimRefused)

    def test_a_journal_that_a_reaper_closes_is_a_race(self):
        self.prepare()
        (preemption,) = self.in_flight()
        provider = preemption.journal_provider
        self.placement.records.providers[provider].inventories = {}
        self.assertTrue(self.refused().is_race)


class StrictTest(RefusedTestCase):
    """Placement 13, which lets nothing change where too much is held."""

    is_lenient = False

    def test_a_host_over_its_capacity_is_left_out(self):
        self.server('other', 'host', VCPU=3)
        self.change('host', 'VCPU', total=9)
        self.assertRefused(hosts=[uuids.host])

    def test_that_is_told_apart_from_other_refusals(self):
        self.change('host', 'VCPU', total=6)
        self.prepare()
        self.assertIsInstance(self.refused(), errors.OverCapacity)

    def test_a_pool_over_its_capacity_excludes_all_that_hold_of_it(self):
        self.change('pool', 'DISK_GB', total=44)
        self.assertRefused(victims=['victim', 'equal', 'small'])


class LenientTest(RefusedTestCase):
    """Placement 14 and later."""

    def test_a_victim_may_go_from_a_host_over_its_capacity(self):
        self.server('other', 'host', VCPU=3)
        self.change('host', 'VCPU', total=9)
        self.make(self.one)
        self.assertEqual({'host': {'VCPU': 3}}, self.held('new'))
