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

"""Hosts before their trees are read, from one plan to the next."""

import dataclasses

import testtools

from opie.preemption import model
from opie.scheduler.planning import unread_trees

_HOST = model.Host(
    'provider',
    {'VCPU': model.Inventory(8)},
    (model.Server('server', {'VCPU': 2}, 1.0),),
    uncertain=frozenset({'CUSTOM_X'}),
    is_capacity_known=True,
    is_unknown=True,
)


class TestUnreadTrees(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self._trees = unread_trees.UnreadTrees()

    def test_nothing_but_the_servers_is_known(self):
        for is_worth_reading in (True, False):
            unread = self._trees.host(_HOST, is_worth_reading)
            self.assertEqual(
                model.Host(
                    'provider',
                    _HOST.inventories,
                    _HOST.potential_victims,
                    is_worth_reading=is_worth_reading,
                ),
                unread,
            )

    def test_the_figures_are_kept_while_the_host_is_the_same(self):
        first = self._trees.host(_HOST, False).figures
        self.assertIs(first, self._trees.host(_HOST, False).figures)

    def test_a_host_that_has_changed_is_made_anew(self):
        self._trees.host(_HOST, False)
        changed = dataclasses.replace(_HOST, potential_victims=())
        unread = self._trees.host(changed, False)
        self.assertEqual((), unread.potential_victims)

    def test_hosts_that_are_gone_are_forgotten(self):
        first = self._trees.host(_HOST, False)
        self._trees.forget_all_but({'provider'})
        self.assertIs(first, self._trees.host(_HOST, False))
        self._trees.forget_all_but(set())
        self.assertIsNot(first, self._trees.host(_HOST, False))
