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

"""Services that fail in the middle, and many requests at once."""

import threading

from nova import exception
from nova.compute import manager as compute_manager
from oslo_utils import uuidutils

from opie.scheduler import filter_scheduler
from opie.scheduler.claims import claim as allocations
from opie.scheduler.nova_db import instances
from opie.scheduler.placement import client as placement
from opie.scheduler.placement import providers
from opie.scheduler.preempting import attempt
from opie.scheduler.preempting import confirmation
from opie.scheduler.preempting import eviction
from opie.tests.functional import base


class OutageTest(base.CloudTestCase):
    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.victim = self.boot_preemptible(10)

    def assertPreempted(self):
        preemptor = self.boot(4)
        self.assertGone(self.victim)
        self.assertUntouched(preemptor)
        self.assertEqual(4, self.used_vcpus('host1'))
        self.assertNoJournal()

    def test_a_host_that_changes_while_it_is_read_is_planned_anew(self):
        class Gone:
            """placement's answer for a provider that is not there."""

            status_code = 404

            def json(self):
                return {'errors': [{'detail': 'no such provider'}]}

        errors = [
            providers.Unstable('it changes all the time'),
            placement.ErrorResponse('/inventories', Gone()),
        ]

        def read(real, *args):
            if errors:
                raise errors.pop()
            return real(*args)

        self.wrap(providers.ProviderCache, 'read', read)
        self.assertPreempted()
        self.assertEqual([], errors)
        self.assertEqual(2, len(self.logged('a host changed')))

    def test_placement_fails_once_the_victims_are_gone(self):
        def fail(real, *args):
            raise placement.NoAnswer('503')

        self.wrap_once(allocations.Claim, 'holds_for', fail)
        self.assertPreempted()

    def test_the_database_fails_while_victims_go(self):
        def fail(real, *args):
            raise exception.NovaException('the database is away')

        self.wrap_once(instances, 'states_of', fail)
        self.assertPreempted()

    def test_an_answer_that_is_not_placements_is_checked(self):
        """The claim is made, its answer lost, and a proxy tells nonsense."""

        def lose_answer(real, client, bodies):
            real(client, bodies)
            raise placement.NoAnswer('connection reset')

        def nonsense(real, client, url, extract):
            return real(client, url, lambda answer: answer['nonsense'])

        def is_made(real, claim):
            self.wrap_once(placement.Client, '_read', nonsense)
            return real(claim)

        self.wrap_once(placement.Client, 'replace_allocations', lose_answer)
        self.wrap_once(allocations.Claim, 'is_made', is_made)
        self.assertNoValidHost(self.boot(4, state='ERROR'))
        self.assertUntouched(self.victim)
        self.assertNoJournal()

    def test_what_was_taken_is_given_back_when_placement_is_back(self):
        failures = []

        def call(real, *args):
            if failures:
                raise failures.pop()
            return real(*args)

        def verify(real, *args):
            failures.extend([placement.NoAnswer('restarting')] * 6)
            return real(*args)

        self.wrap(placement.Client, '_call', call)
        self.wrap_once(attempt.Attempt, 'verify', verify)
        self.assertNoValidHost(self.boot(4, state='ERROR'))
        self.assertUntouched(self.victim)
        self.assertNoJournal()

    def test_a_selection_that_cannot_be_notified_is_returned(self):
        def fail(real, *args):
            raise exception.NovaException('no such field')

        self.wrap(filter_scheduler.FilterScheduler, '_notify', fail)
        self.assertPreempted()

    def test_a_record_that_stays_when_all_is_free_is_no_failure(self):
        """As when a key manager refuses to delete the secret of a vTPM."""

        def fail(real, *args):
            real(*args)
            raise exception.NovaException('the secret is not yours')

        self.wrap_once(
            compute_manager.ComputeManager, '_complete_deletion', fail
        )

        def still_there(real, *args):
            # As if nova's records never showed the end of the deletion.
            there, _ = real(*args)
            return there, there

        self.wrap(confirmation.Confirmation, '_still_there', still_there)
        preemptor = self.boot(4)
        self.assertUntouched(preemptor)
        self.assertEqual({}, self.allocations(self.victim))
        self.assertTrue(self.logged('delete it again'))

    def test_a_record_is_not_waited_for_once_all_is_free(self):
        held = threading.Event()
        self.addCleanup(held.set)

        def hold(real, *args):
            real(*args)
            held.wait(base.WAIT_SECONDS)

        self.wrap_once(
            compute_manager.ComputeManager, '_complete_deletion', hold
        )
        preemptor = self.boot(4)
        self.assertFalse(held.is_set())
        self.assertEqual({}, self.allocations(self.victim))
        held.set()
        self._wait_until_deleted(self.victim)
        self.assertUntouched(preemptor)
        self.assertNoJournal()

    def test_a_victim_that_is_moved_after_the_claim_gets_all_back(self):
        """nova moves its allocations to the migration, journal and all."""
        migration = uuidutils.generate_uuid()
        client = placement.Client(
            self.scheduler_service.manager.placement_client
        )

        def move(real, *args):
            victim = client.consumer(self.victim['id'])
            body = victim.body(victim.allocations)
            client.replace_allocations(
                {
                    migration: dict(body, consumer_generation=None),
                    victim.uuid: victim.body({}),
                }
            )
            return real(*args)

        self.wrap_once(attempt.Attempt, 'verify', move)
        self.assertNoValidHost(self.boot(4, state='ERROR'))
        (held,) = self._get_allocations_by_server_uuid(migration).values()
        self.assertEqual(10, held['resources']['VCPU'])
        self.assertNoJournal()


class DeletedServerTest(base.CloudTestCase):
    hosts = ('host1',)

    def test_room_that_a_deletion_made_costs_no_victim(self):
        """Deleting a server does not change the provider's generation."""
        victims = [self.boot_preemptible(2) for _ in range(2)]
        normal, kept = self.boot(2), self.boot(4)
        self.assertNoValidHost(self.boot(9, state='ERROR'))
        self.api.delete_server(normal['id'])
        self._wait_until_deleted(normal)
        preemptor = self.boot(4)
        self.assertUntouched(preemptor, kept)
        alive = [server for server in victims if self.is_alive(server)]
        self.assertEqual(1, len(alive))
        self.assertUntouched(*alive)


class BurstTest(base.CloudTestCase):
    def test_requests_that_come_together_all_find_room(self):
        victims = [
            self.boot_preemptible(2, host)
            for host in self.hosts
            for _ in range(5)
        ]
        flavor = self.flavor(2)
        preemptors = [self.boot(flavor=flavor, state=None) for _ in range(8)]
        for preemptor in preemptors:
            self._wait_for_state_change(preemptor, 'ACTIVE')
        alive = [server for server in victims if self.is_alive(server)]
        self.assertEqual(2, len(alive))
        self.assertUntouched(*preemptors, *alive)
        self.assertNoJournal()


class OwnerBetweenTest(base.CloudTestCase):
    def test_a_preemptor_deleted_after_all_checks_is_not_waited_for(self):
        """Of two, one is deleted between the check and the eviction."""
        victims = [self.boot_preemptible(10, host) for host in self.hosts]
        deleted = []

        def evict(real, work, state, victim, *args):
            if not deleted:
                deleted.extend(work._attempt.plan.shares[victim])
                self.api.delete_server(deleted[0])
            return real(work, state, victim, *args)

        self.wrap(eviction.Eviction, '_evict', evict)
        body = self._build_server(
            flavor_id=self.flavor(10), networks='none', name='many'
        )
        body.update(min_count=2, max_count=2)
        self.api.post_server({'server': body})
        self._wait_for_assert(lambda: self.assertEqual(1, len(deleted)))
        (kept,) = [
            server
            for server in self.api.get_servers()
            if server['name'].startswith('many') and server['id'] != deleted[0]
        ]
        self._wait_for_state_change(kept, 'ACTIVE')
        (alive,) = [server for server in victims if self.is_alive(server)]
        self.assertUntouched(kept, alive)
        self.assertFalse(self.logged('Wasted'))
        self.assertNoJournal()
