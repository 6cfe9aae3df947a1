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

"""Soft-deleted preemptible servers are the first victims."""

from opie.scheduler.preempting import attempt as attempts
from opie.tests.functional import base


class SoftDeletedTest(base.CloudTestCase):
    """Two preemptible servers, of which a user has deleted the dearer one."""

    def setUp(self):
        self.flags(reclaim_instance_interval=3600)
        super().setUp()
        self.deleted = self.boot_preemptible(10, 'host1')
        self.cheap = self.boot_preemptible(10, 'host2')
        self.has_run(self.deleted, 1800)
        self.api.delete_server(self.deleted['id'])
        self._wait_for_assert(
            lambda: self.assertEqual(
                'soft-delete', self.instance(self.deleted).vm_state
            )
        )

    def test_it_goes_instead_of_one_that_runs(self):
        self.flags(max_victims_per_request=1, group='opie')
        preemptor = self.boot(4)
        self.assertGone(self.deleted)
        self.assertUntouched(self.cheap, preemptor)
        self.assertNoJournal()

    def test_one_that_is_restored_meanwhile_costs_what_it_costs(self):
        def evict(real, attempt):
            self.api.post_server_action(self.deleted['id'], {'restore': {}})
            self._wait_for_state_change(self.deleted, 'ACTIVE')
            real(attempt)

        self.wrap_once(attempts.Attempt, 'evict', evict)
        preemptor = self.boot(4)
        self.assertGone(self.cheap)
        self.assertUntouched(self.deleted, preemptor)
        self.assertTrue(self.logged('was restored'))

    def test_a_normal_one_stays(self):
        normal = self.boot(10)
        self.assertGone(self.deleted)
        self.api.delete_server(normal['id'])
        self._wait_for_assert(
            lambda: self.assertEqual(
                'soft-delete', self.instance(normal).vm_state
            )
        )
        self.boot(10)
        self.assertGone(self.cheap)
        self.assertEqual('soft-delete', self.instance(normal).vm_state)
