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


"""Moves of servers that exist already never preempt."""

from testtools import testcase

from opie.tests.functional import base


class MovesTest(base.CloudTestCase):
    def fill(self, vcpu):
        """Fill the hosts around a normal server of so many VCPU."""
        self.server = self.boot(vcpu, 'host1')
        self.preemptibles = [
            self.boot_preemptible(10 - vcpu, 'host1'),
            self.boot_preemptible(10, 'host2'),
        ]

    def assertNoneEvicted(self):
        """Assert that none was, but for a boot of the same size one is."""
        self.assertUntouched(*self.preemptibles)
        self.assertNoJournal()
        self.assertEqual([], self.logged('Placing'))
        self.assertUntouched(self.boot(4, 'host2'))
        self.assertGone(self.preemptibles[1])

    def test_resize_and_migrations_evict_no_server(self):
        self.fill(4)
        bigger = {'flavorRef': self.flavor(5)}
        for action, body in (('resize', bigger), ('migrate', None)):
            self.api.post_server_action(self.server['id'], {action: body})
            self._assert_resize_migrate_action_fail(
                self.server, action, 'NoValidHost'
            )
        self._live_migrate(self.server, migration_expected_state='error')
        self.assertUntouched(self.server)
        self.assertNoneEvicted()

    def test_a_live_migration_to_a_host_evicts_no_server(self):
        self.fill(4)
        self.api.post_server_action(
            self.server['id'],
            {'os-migrateLive': {'host': 'host2', 'block_migration': 'auto'}},
        )
        self._wait_for_migration_status(self.server, ['error'])
        self._wait_for_server_parameter(
            self.server, {'OS-EXT-STS:task_state': None}
        )
        self.assertUntouched(self.server)
        self.assertNoneEvicted()

    def test_an_evacuation_evicts_no_server(self):
        self.fill(4)
        (service,) = self.api.get_services('nova-compute', 'host1')
        self.api.put_service_force_down(service['id'], True)
        self.api.post_server_action(self.server['id'], {'evacuate': {}})
        self._wait_for_migration_status(self.server, ['error'])
        self._wait_for_state_change(self.server, 'ERROR')
        self.assertNoneEvicted()

    @testcase.attr('smoke')
    def test_unshelving_evicts_no_server(self):
        self.fill(4)
        self._shelve_server(self.server)
        self.preemptibles.append(self.boot_preemptible(4, 'host1'))
        self.api.post_server_action(self.server['id'], {'unshelve': None})
        self._wait_for_server_parameter(
            self.server,
            {'status': 'SHELVED_OFFLOADED', 'OS-EXT-STS:task_state': None},
        )
        self._wait_for_assert(
            lambda: self.assertTrue(
                self.logged('No valid host found for unshelve')
            )
        )
        self.assertNoneEvicted()
