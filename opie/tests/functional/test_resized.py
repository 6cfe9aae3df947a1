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

"""What the unconfirmed move of a preemptible server holds goes with it."""

from nova import context as nova_context
from nova import objects
from oslo_utils import uuidutils

from opie.scheduler.nova_db import ended_migrations
from opie.scheduler.preempting import attempt as attempts
from opie.tests.functional import base


class SameHostTest(base.CloudTestCase):
    """A server that was resized from 2 to 4, and one of 4, on a host of 10."""

    hosts = ('host1',)

    def setUp(self):
        self.flags(allow_resize_to_same_host=True)
        super().setUp()
        self.resized = self.boot_preemptible(2)
        self.other = self.boot_preemptible(4)
        self.api.post_server_action(
            self.resized['id'], {'resize': {'flavorRef': self.flavor(4)}}
        )
        self._wait_for_state_change(self.resized, 'VERIFY_RESIZE')

    def test_its_eviction_frees_both_places(self):
        self.assertEqual(10, self.used_vcpus('host1'))
        preemptor = self.boot(6)
        self.assertGone(self.resized)
        self.assertUntouched(self.other, preemptor)
        self.assertEqual(10, self.used_vcpus('host1'))
        self.assertNoJournal()

    def test_both_get_back_what_was_taken(self):
        def evict(real, attempt):
            self.flags(enabled=False, group='opie')
            real(attempt)

        self.wrap(attempts.Attempt, 'evict', evict)
        self.assertNoValidHost(self.boot(6, state='ERROR'))
        self.assertEqual(10, self.used_vcpus('host1'))
        self.assertHolds(4, self.resized, self.other)
        self.api.post_server_action(self.resized['id'], {'revertResize': None})
        self._wait_for_state_change(self.resized, 'ACTIVE')
        self.assertHolds(2, self.resized)
        self.assertNoJournal()


class OtherHostTest(base.CloudTestCase):
    """A server of 10 that was migrated from host1 to host2."""

    def setUp(self):
        super().setUp()
        self.moved = self.boot_preemptible(10, 'host1')
        self.api.post_server_action(self.moved['id'], {'migrate': None})
        self._wait_for_state_change(self.moved, 'VERIFY_RESIZE')
        self.assertEqual('host2', self.host_of(self.moved))

    def aggregate(self, host, **metadata):
        self.add_aggregate('of ' + host, host, **metadata)

    def test_its_eviction_frees_the_old_place(self):
        preemptor = self.boot(4, 'host1')
        self.assertGone(self.moved)
        self.assertUntouched(preemptor)
        self.assertEqual('host1', self.host_of(preemptor))
        self.assertEqual(4, self.used_vcpus('host1'))
        self.assertEqual(0, self.used_vcpus('host2'))
        self.assertNoJournal()

    def test_it_is_not_evicted_where_it_is_protected(self):
        self.aggregate('host2', **{'opie:evict': 'false'})
        self.assertNoValidHost(self.boot(4, 'host1', state='ERROR'))
        self.assertHolds(10, self.moved)

    def test_it_is_not_evicted_while_its_compute_is_down(self):
        self.computes['host2'].stop()
        (service,) = self.api.get_services('nova-compute', 'host2')
        self.api.put_service_force_down(service['id'], True)
        self.assertNoValidHost(self.boot(4, 'host1', state='ERROR'))
        self.assertHolds(10, self.moved)
        self.assertEqual(10, self.used_vcpus('host1'))

    def end_the_move(self, action):
        """Have its user end the move once the old place is taken of."""

        def evict(real, attempt):
            self.api.post_server_action(self.moved['id'], {action: None})
            self._wait_for_state_change(self.moved, 'ACTIVE')
            real(attempt)

        self.wrap_once(attempts.Attempt, 'evict', evict)

    def test_a_move_that_is_confirmed_meanwhile(self):
        self.end_the_move('confirmResize')
        preemptor = self.boot(4, 'host1')
        self.assertUntouched(self.moved, preemptor)
        self.assertNoJournal()

    def test_a_move_that_is_reverted_meanwhile(self):
        self.end_the_move('revertResize')
        # The next plan is without it, as without any victim that was moved.
        self.assertNoValidHost(self.boot(4, 'host1', state='ERROR'))
        self.assertUntouched(self.moved)
        self.assertEqual(10, self.used_vcpus('host1'))
        self.assertEqual(0, self.used_vcpus('host2'))
        self.assertNoJournal()

    def test_what_the_reaper_knows_of_migrations_that_have_ended(self):
        context = nova_context.get_admin_context()
        with nova_context.target_cell(
            context, self.cell_mappings['cell1']
        ) as cell_context:
            (migration,) = objects.MigrationList.get_by_filters(
                cell_context, {'instance_uuid': self.moved['id']}
            )
        uuids = {migration.uuid, self.moved['id'], uuidutils.generate_uuid()}
        self.assertEqual(set(), ended_migrations.among(context, uuids))
        self.api.post_server_action(self.moved['id'], {'confirmResize': None})
        self._wait_for_state_change(self.moved, 'ACTIVE')
        self.assertEqual(
            {migration.uuid}, ended_migrations.among(context, uuids)
        )

    def test_several_preemptors_take_no_old_place(self):
        self.boot(8, 'host1', state='ERROR', min_count=2, max_count=2)
        self.assertHolds(10, self.moved)
