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

"""Changes that stop an eviction, and the state after one was stopped."""

import fixtures
from nova import exception
from nova import objects
from nova.compute import api as compute_api
from nova.virt import fake

from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import attempt
from opie.scheduler.preempting import eviction
from opie.scheduler.preempting import victim_checks
from opie.tests.functional import base


class EvictionTest(base.CloudTestCase):
    """Two victims of 5 on one host; a preemptor of 10 needs both."""

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.victims = [self.boot_preemptible(5) for _ in range(2)]

    def after_the_claim(self, action):
        def verify(real, *args):
            action()
            return real(*args)

        self.wrap_once(attempt.Attempt, 'verify', verify)

    def around_each_deletion(self, wrapper):
        return self.wrap(compute_api.API, 'delete', wrapper)

    def delete_preemptor(self):
        """Delete the only server that is being built, as its owner would."""
        (preemptor,) = [
            server
            for server in self.api.get_servers()
            if server['status'] == 'BUILD'
        ]
        self.api.delete_server(preemptor['id'])

    def assertOnlyGone(self, uuid):
        """Wait until one victim is gone; assert that the other one is not."""
        (gone,) = [item for item in self.victims if item['id'] == uuid]
        (survivor,) = [item for item in self.victims if item is not gone]
        # Its allocations go first and its record later, and what it held may
        # be given back and taken away again in between.
        self.wait_until_gone(gone)
        self._wait_for_assert(
            lambda: self.assertEqual(5, self.used_vcpus('host1'))
        )
        self.assertGone(gone)
        self.assertUntouched(survivor)

    def assertAllRefused(self, reason):
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.assertUntouched(*self.victims)
        self.assertEqual(10, self.used_vcpus('host1'))
        self.assertNoJournal()
        self.assertTrue(self.logged(reason))

    def test_a_preemptor_deleted_before_any_eviction_costs_no_server(self):
        self.after_the_claim(self.delete_preemptor)
        preemptor = self.boot(10, state=None)
        self.wait_until_gone(preemptor)
        self._wait_for_assert(self.assertNoJournal)
        self.assertUntouched(*self.victims)
        self.assertEqual({}, self.allocations(preemptor))
        self.assertEqual(10, self.used_vcpus('host1'))

    def test_a_preemptor_deleted_while_it_waits_stops_the_next_one(self):
        sent = []

        def send(real, work, state, victim, *args):
            real(work, state, victim, *args)
            if not sent:
                sent.append(victim)
                self.delete_preemptor()

        self.wrap(eviction.Eviction, '_evict', send)
        preemptor = self.boot(10, state=None)
        self.wait_until_gone(preemptor)
        self._wait_for_assert(
            lambda: self.assertEqual({}, self.allocations(preemptor))
        )
        self.assertOnlyGone(sent[0])
        self._wait_for_assert(
            lambda: self.assertTrue(self.logged('Wasted evictions'))
        )
        (line,) = self.logged('Wasted evictions')
        self.assertIn(sent[0], line)

    def test_a_deletion_that_cannot_be_asked_for_leaves_all_alive(self):
        def fail(real, *args):
            raise exception.NovaException('the message bus is down')

        self.around_each_deletion(fail)
        self.assertAllRefused('the message bus is down')

    def test_a_deletion_that_fails_later_keeps_its_victim(self):
        """The second of two is refused by nova after the first was sent."""
        sent = []

        def delete(real, api, context, instance):
            if sent:
                raise exception.NovaException('no')
            sent.append(instance.uuid)
            real(api, context, instance)

        self.around_each_deletion(delete)
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.assertOnlyGone(*sent)

    def test_a_hypervisor_that_cannot_destroy_a_victim_is_noticed(self):
        def fail(real, *args, **kwargs):
            raise exception.NovaException('the disk is busy')

        self.wrap(fake.FakeDriver, 'destroy', fail)
        self.assertNoValidHost(self.boot(5, state='ERROR'))
        self.assertHolds(5, *self.victims)
        self.assertEqual(10, self.used_vcpus('host1'))
        self.assertNoJournal()
        (line,) = self.logged('Wasted evictions')
        for victim in self.victims:
            status = self.api.get_server(victim['id'])['status']
            self.assertEqual('ERROR', status)
            self.assertIn(victim['id'], line)
        # Each was tried once, and no other request tries it again.
        self.assertNoValidHost(self.boot(5, state='ERROR'))
        self.assertEqual(2, len(self.logged('Evicting ')))

    def test_a_host_that_goes_down_after_the_claim_evicts_no_server(self):
        (service,) = self.api.get_services(binary='nova-compute', host='host1')
        self.after_the_claim(
            lambda: self.api.put_service_force_down(service['id'], True)
        )
        self.assertAllRefused('the compute service of host1 is down')

    def test_a_lock_of_an_administrator_after_the_claim_is_honoured(self):
        self.after_the_claim(lambda: self.lock(self.victims[1], 'admin'))
        self.assertAllRefused('is locked by an administrator')

    def test_a_victim_that_starts_to_migrate_after_the_claim_is_kept(self):
        self.after_the_claim(lambda: self.start_migration(self.victims[0]))
        self.assertAllRefused('is being migrated')

    def start_migration(self, server):
        """Leave a server as nova's reset-state in a live migration does."""
        instance = self.instance(server)
        objects.Migration(
            instance._context,
            instance_uuid=instance.uuid,
            migration_type='live-migration',
            source_compute='host1',
            source_node='host1',
            dest_compute='host2',
            status='running',
        ).create()

    def test_a_server_with_a_stale_migration_is_postponed(self):
        self.start_migration(self.victims[0])
        self.has_run(self.victims[1], 3000)
        self.assertUntouched(self.boot(5))
        self.assertGone(self.victims[1])
        self.assertUntouched(self.victims[0])
        self.assertFalse(self.logged('is void'))

    def test_a_check_of_all_that_took_long_is_repeated(self):
        """A migration begins when the check is over and too old."""
        self.useFixture(
            fixtures.MockPatchObject(eviction, '_FRESH_SECONDS', 0)
        )

        def check(real, *args):
            problems = real(*args)
            for victim in self.victims:
                self.start_migration(victim)
            return problems

        self.wrap_once(victim_checks.VictimChecks, 'problems', check)
        self.assertAllRefused('is being migrated')

    def test_all_problems_of_a_plans_victims_are_found_at_once(self):
        for victim in self.victims:
            self.api.delete_server(victim['id'])
            self._wait_until_deleted(victim)
        self.victims = [self.boot_preemptible(2) for _ in range(5)]
        dear = self.victims.pop()
        self.has_run(dear, 3000)

        def migrate():
            for victim in self.victims:
                self.start_migration(victim)

        self.after_the_claim(migrate)
        self.assertNoValidHost(self.boot(8, state='ERROR'))
        self.assertEqual(1, len(self.logged('is void')))
        self.assertUntouched(dear, *self.victims)

    def test_allocations_changed_after_the_claim_stop_it(self):
        client = placement.Client(
            self.scheduler_service.manager.placement_client
        )
        provider = self._get_provider_uuid_by_host('host1')

        def add():
            consumer = client.consumer(self.victims[0]['id'])
            allocations = dict(consumer.allocations)
            allocations[provider] = {'MEMORY_MB': 17}
            client.replace_allocations(
                {consumer.uuid: consumer.body(allocations)}
            )

        self.after_the_claim(add)
        self.assertAllRefused('allocations of the victim changed')
        held = self.allocations(self.victims[0])[provider]['resources']
        self.assertEqual(17, held['MEMORY_MB'] % 100)

    def test_a_victim_that_its_owner_deletes_first_is_no_obstacle(self):
        def delete():
            self.api.delete_server(self.victims[0]['id'])
            self._wait_until_deleted(self.victims[0])

        self.after_the_claim(delete)
        preemptor = self.boot(10)
        self.assertUntouched(preemptor)
        self.assertGone(*self.victims)
        self.assertEqual(10, self.used_vcpus('host1'))
        self.assertNoJournal()

    def lock(self, server, locked_by):
        instance = self.instance(server)
        instance.locked = True
        instance.locked_by = locked_by
        instance.save()

    def test_an_owners_lock_does_not_protect(self):
        for victim in self.victims:
            self.lock(victim, 'owner')
        self.assertUntouched(self.boot(10))
        self.assertGone(*self.victims)

    def test_an_administrators_lock_protects(self):
        self.lock(self.victims[0], 'admin')
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.assertUntouched(self.boot(5))
        self.assertTrue(self.is_alive(self.victims[0]))
        self.assertGone(self.victims[1])

    def test_a_server_that_may_not_be_terminated_is_kept(self):
        instance = self.instance(self.victims[0])
        instance.disable_terminate = True
        instance.save()
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.assertUntouched(self.boot(5))
        self.assertTrue(self.is_alive(self.victims[0]))
        self.assertGone(self.victims[1])

    def test_a_busy_server_is_postponed(self):
        instance = self.instance(self.victims[0])
        instance.task_state = 'image_snapshot'
        instance.save()
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        instance.task_state = None
        instance.save()
        self.assertUntouched(self.boot(10))
