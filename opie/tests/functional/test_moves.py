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

"""Moves of normal servers preempt, where ``[opie] preempt_for`` says so.

At the end of each, placement has exactly what nova's records say, of the
server that was moved, of its migration and of the victims.
"""

import collections

from nova import context as nova_context
from nova import exception
from nova import objects
from nova.conductor.tasks import live_migrate
from testtools import testcase

from opie.conf import operations
from opie.scheduler.preempting import attempt as attempts
from opie.tests.functional import base


class MovesCase(base.CloudTestCase):
    """A normal server of 4 on host1; the rest is full of preemptible ones.

    :cvar allowed: the operations that preempt.
    """

    allowed = operations.ALL

    def setUp(self):
        super().setUp()
        self.flags(preempt_for=list(self.allowed), group='opie')
        self.server = self.boot(4, 'host1')
        self.beside = self.boot_preemptible(6, 'host1')
        self.others = [self.boot_preemptible(5, 'host2') for _ in range(2)]

    def do(self, action, body=None):
        self.api.post_server_action(self.server['id'], {action: body})

    def resize(self, vcpu):
        self.do('resize', {'flavorRef': self.flavor(vcpu)})

    def live_migrate(self, host=None):
        body = {'host': host, 'block_migration': 'auto'}
        self.do('os-migrateLive', body)

    def stop_host1(self):
        self.computes['host1'].stop()
        (service,) = self.api.get_services('nova-compute', 'host1')
        self.api.put_service_force_down(service['id'], True)

    def wait_for(self, status):
        """Wait until nova is through with the server."""
        self._wait_for_server_parameter(
            self.server, {'status': status, 'OS-EXT-STS:task_state': None}
        )

    def assertOneOfTwoGone(self):
        """Assert that one victim made room on host2, and return the other."""
        gone = [one for one in self.others if not self.is_alive(one)]
        self.assertEqual(1, len(gone))
        self.assertGone(*gone)
        (kept,) = set(map(_id, self.others)) - set(map(_id, gone))
        return {'id': kept}

    def assertNoneGone(self):
        self.assertUntouched(self.beside, *self.others)
        self.assertEqual([], self.logged('Placing'))
        self.assertEqual([], self.journal_providers())

    def assertHoldsOn(self, consumer, **vcpus):
        """Assert what a consumer holds, by host."""
        held = self._get_allocations_by_server_uuid(consumer)
        self.assertEqual(
            {
                self._get_provider_uuid_by_host(host): vcpu
                for host, vcpu in vcpus.items()
            },
            {
                provider: one['resources']['VCPU']
                for provider, one in held.items()
            },
        )

    def migration(self):
        """Return the uuid of the server's last migration."""
        cell = self._mapping(self.server).cell_mapping
        context = nova_context.get_admin_context()
        with nova_context.target_cell(context, cell) as cell_context:
            found = objects.MigrationList.get_by_filters(
                cell_context, {'instance_uuid': self.server['id']}
            )
        return max(found, key=lambda one: one.id).uuid

    def assertSound(self):
        """Assert that every provider has given what its consumers hold."""
        self.audit()
        self.assertNoJournal()
        used = collections.Counter()
        for server in self.api.get_servers():
            held = self._get_allocations_by_server_uuid(server['id'])
            for provider, one in held.items():
                used[provider] += one['resources']['VCPU']
        for host in ('host1', 'host2'):
            provider = self._get_provider_uuid_by_host(host)
            self.assertEqual(used[provider], self.used_vcpus(host), host)


def _id(server):
    return server['id']


class UnshelveTest(MovesCase):
    def setUp(self):
        super().setUp()
        self._shelve_server(self.server)
        self.filler = self.boot_preemptible(4, 'host1')

    @testcase.attr('smoke')
    def test_it_takes_the_place_of_the_cheapest(self):
        self.do('unshelve')
        self.wait_for('ACTIVE')
        self.assertGone(self.filler)
        self.assertUntouched(self.server, self.beside, *self.others)
        self.assertHoldsOn(self.server['id'], host1=4)
        self.assertSound()

    def test_of_one_that_is_deleted_meanwhile_all_is_given_back(self):
        def evict(real, attempt):
            self.api.delete_server(self.server['id'])
            self.wait_until_gone(self.server)
            real(attempt)

        self.wrap_once(attempts.Attempt, 'evict', evict)
        self.do('unshelve')
        self._wait_for_assert(
            lambda: self.assertTrue(self.logged('was deleted or given up'))
        )
        self._wait_for_assert(
            lambda: self.assertEqual([], self.journal_providers())
        )
        self.assertUntouched(self.filler, self.beside, *self.others)
        self.assertEqual({}, self.allocations(self.server))
        self.assertSound()


class EvacuateTest(MovesCase):
    def setUp(self):
        super().setUp()
        self.stop_host1()

    def test_it_holds_both_places_until_its_host_is_back(self):
        self.do('evacuate', {})
        self._wait_for_migration_status(self.server, ['done'])
        self.wait_for('SHUTOFF')
        kept = self.assertOneOfTwoGone()
        self.assertUntouched(kept)
        self.assertEqual('host2', self.host_of(self.server))
        self.assertHoldsOn(self.server['id'], host1=4, host2=4)
        self.assertNoJournal()
        self.assertHoldsOn(self.server['id'], host1=4, host2=4)
        self.computes['host1'].start()
        self.assertHoldsOn(self.server['id'], host2=4)

    def test_what_was_taken_is_given_back_and_the_old_place_stays(self):
        def evict(real, attempt):
            self.assertHoldsOn(self.server['id'], host1=4, host2=4)
            self.flags(enabled=False, group='opie')
            real(attempt)

        self.wrap(attempts.Attempt, 'evict', evict)
        self.do('evacuate', {})
        self._wait_for_migration_status(self.server, ['error'])
        self.assertUntouched(*self.others)
        self.assertHoldsOn(self.server['id'], host1=4)
        self.assertEqual([], self.journal_providers())


class ResizeTest(MovesCase):
    def assertFinished(self):
        self.wait_for('VERIFY_RESIZE')
        kept = self.assertOneOfTwoGone()
        self.assertUntouched(kept, self.beside)
        self.assertEqual('host2', self.host_of(self.server))
        return kept

    def test_that_is_confirmed(self):
        self.resize(5)
        self.assertFinished()
        self.assertHoldsOn(self.server['id'], host2=5)
        self.assertHoldsOn(self.migration(), host1=4)
        self.assertNoJournal()
        self.do('confirmResize')
        self.wait_for('ACTIVE')
        self.assertHoldsOn(self.server['id'], host2=5)
        self.assertHoldsOn(self.migration())
        self.assertSound()

    def test_that_is_reverted(self):
        self.resize(5)
        self.assertFinished()
        self.do('revertResize')
        self.wait_for('ACTIVE')
        self.assertHoldsOn(self.server['id'], host1=4)
        self.assertHoldsOn(self.migration())
        self.assertSound()

    def test_a_cold_migration(self):
        self.do('migrate')
        self.assertFinished()
        self.assertHoldsOn(self.server['id'], host2=4)
        self.assertHoldsOn(self.migration(), host1=4)
        self.do('confirmResize')
        self.wait_for('ACTIVE')
        self.assertHoldsOn(self.server['id'], host2=4)
        self.assertSound()

    def test_what_was_taken_is_given_back_and_the_old_place_too(self):
        def evict(real, attempt):
            self.assertHoldsOn(self.server['id'], host2=5)
            self.assertHoldsOn(self.migration(), host1=4)
            self.flags(enabled=False, group='opie')
            real(attempt)

        self.wrap(attempts.Attempt, 'evict', evict)
        self.resize(5)
        self._assert_resize_migrate_action_fail(
            self.server, 'resize', 'NoValidHost'
        )
        self.assertUntouched(self.server, self.beside, *self.others)
        self.assertHoldsOn(self.server['id'], host1=4)
        self.assertHoldsOn(self.migration())
        self.assertSound()

    def test_one_that_asks_for_no_more_evicts_no_server(self):
        smaller = self.flavor(4, memory_mb=300)
        self.do('resize', {'flavorRef': smaller})
        self._assert_resize_migrate_action_fail(
            self.server, 'resize', 'NoValidHost'
        )
        self.assertUntouched(self.server)
        self.assertNoneGone()
        self.assertTrue(self.logged('asks for no more of anything'))


class SameHostTest(MovesCase):
    def setUp(self):
        self.flags(allow_resize_to_same_host=True)
        super().setUp()

    def test_a_resize_frees_the_room_beside_the_server(self):
        for one in self.others:
            self.api.delete_server(one['id'])
            self.wait_until_gone(one)
        self.boot(6, 'host2')
        self.resize(6)
        self.wait_for('VERIFY_RESIZE')
        self.assertGone(self.beside)
        self.assertHoldsOn(self.server['id'], host1=6)
        self.assertHoldsOn(self.migration(), host1=4)
        self.do('revertResize')
        self.wait_for('ACTIVE')
        self.assertHoldsOn(self.server['id'], host1=4)
        self.assertSound()

    def test_a_cold_migration_takes_no_room_there(self):
        self.add_aggregate('host2 alone', 'host2', **{'opie:evict': 'false'})
        self.do('migrate')
        self._assert_resize_migrate_action_fail(
            self.server, 'migrate', 'NoValidHost'
        )
        self.assertUntouched(self.server)
        self.assertNoneGone()


class LiveMigrateTest(MovesCase):
    def test_its_new_place(self):
        self.live_migrate()
        self._wait_for_migration_status(self.server, ['completed'])
        self.wait_for('ACTIVE')
        kept = self.assertOneOfTwoGone()
        self.assertUntouched(self.server, kept, self.beside)
        self.assertHoldsOn(self.server['id'], host2=4)
        self.assertHoldsOn(self.migration())
        self.assertSound()

    def test_to_a_host(self):
        self.live_migrate('host2')
        self._wait_for_migration_status(self.server, ['completed'])
        self.wait_for('ACTIVE')
        self.assertUntouched(self.server, self.assertOneOfTwoGone())
        self.assertSound()


class RetriesTest(MovesCase):
    hosts = ('host1', 'host2', 'host3')

    def test_no_server_goes_for_a_hypervisor_that_is_too_old(self):
        third = self.boot_preemptible(10, 'host3')
        cell = self._mapping(self.server).cell_mapping
        context = nova_context.get_admin_context()
        with nova_context.target_cell(context, cell) as cell_context:
            node = objects.ComputeNode.get_by_host_and_nodename(
                cell_context, 'host2', 'host2'
            )
            node.hypervisor_version -= 1
            node.save()
        self.live_migrate()
        self._wait_for_migration_status(self.server, ['completed'])
        self.wait_for('ACTIVE')
        self.assertGone(third)
        self.assertUntouched(self.server, self.beside, *self.others)
        self.assertHoldsOn(self.server['id'], host3=4)

    def test_a_host_that_is_no_good_costs_no_servers_elsewhere(self):
        third = self.boot_preemptible(10, 'host3')

        def check(real, task, host, *args):
            raise exception.MigrationPreCheckError(reason='no')

        self.wrap(
            live_migrate.LiveMigrationTask, '_call_livem_checks_on_host', check
        )
        self.live_migrate()
        self._wait_for_migration_status(self.server, ['error'])
        self.wait_for('ACTIVE')
        alive = [self.is_alive(one) for one in (third, *self.others)]
        self.assertEqual(1, alive.count(False))
        self.assertTrue(self.logged('servers were evicted for the migration'))
        self.assertUntouched(self.server, self.beside)
        self.assertHoldsOn(self.server['id'], host1=4)
        self.assertHoldsOn(self.migration())


class GroupTest(base.CloudTestCase):
    """A member of an anti-affinity group is on host1, and one on host2."""

    hosts = ('host1', 'host2', 'host3')

    def test_a_server_that_moves_keeps_away_from_the_others(self):
        self.flags(preempt_for=[operations.COLD_MIGRATE], group='opie')
        body = {'name': 'apart', 'policy': 'anti-affinity'}
        group = {'group': self.api.post_server_groups(body)['id']}
        server = self.boot(6, 'host1', hints=group)
        other = self.boot(4, 'host2', hints=group)
        cheaper = self.boot_preemptible(6, 'host2')
        both = [self.boot_preemptible(5, 'host3') for _ in range(2)]
        self.api.post_server_action(server['id'], {'migrate': None})
        self._wait_for_state_change(server, 'VERIFY_RESIZE')
        self.assertEqual('host3', self.host_of(server))
        self.assertGone(*both)
        self.assertUntouched(other, cheaper)


class NotAllowedTest(MovesCase):
    allowed = (operations.BOOT,)

    def test_no_move_preempts(self):
        self.resize(5)
        self._assert_resize_migrate_action_fail(
            self.server, 'resize', 'NoValidHost'
        )
        self.do('migrate')
        self._assert_resize_migrate_action_fail(
            self.server, 'migrate', 'NoValidHost'
        )
        self._live_migrate(self.server, migration_expected_state='error')
        self.assertUntouched(self.server)
        self.assertNoneGone()
        for name in ('resize', 'cold_migrate', 'live_migrate'):
            text = '[opie] preempt_for does not list %s' % name
            self.assertTrue(self.logged(text), name)


class PreemptibleTest(base.CloudTestCase):
    """A preemptible server that is moved takes no place."""

    def test_it_evicts_no_server(self):
        self.flags(preempt_for=list(operations.ALL), group='opie')
        server = self.boot_preemptible(4, 'host1')
        others = [
            self.boot_preemptible(6, 'host1'),
            self.boot_preemptible(10, 'host2'),
        ]
        bigger = {'flavorRef': self.flavor(5)}
        for action, body in (('resize', bigger), ('migrate', None)):
            self.api.post_server_action(server['id'], {action: body})
            self._assert_resize_migrate_action_fail(
                server, action, 'NoValidHost'
            )
        self.assertUntouched(server, *others)
        self.assertEqual([], self.logged('Placing'))
