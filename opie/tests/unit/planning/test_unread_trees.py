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
import time

import fixtures
import testtools

from opie.preemption import model
from opie.preemption.trees import asked as asked_of_trees
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


class _Placement:
    """Knows which GPUs are free, and nothing else.

    :ivar free: their uuids.
    """

    def __init__(self):
        self.free = []

    def providers(self, query):
        assert query == [('resources', 'GPU:1')]
        return [
            {'uuid': one, 'root_provider_uuid': 'host'} for one in self.free
        ]


def _asked(*amounts):
    return asked_of_trees.Request(
        {
            '': asked_of_trees.Group({'VCPU': 1}),
            **{
                '_%d' % number: asked_of_trees.Group({'GPU': amount})
                for number, amount in enumerate(amounts)
            },
        }
    )


def _server(number, launched_at=1.0, **held):
    return model.Server('server%d' % number, {'VCPU': 2, **held}, launched_at)


class TestLeastVictims(testtools.TestCase):
    """A host of GPUs, of which each server has one."""

    def setUp(self):
        super().setUp()
        self.client = _Placement()
        self.trees = unread_trees.UnreadTrees()
        self.servers = [_server(number) for number in range(2)]

    def note(self, *servers):
        servers = servers or (
            _server(0, **{'GPU@gpu0': 1}),
            _server(1, **{'GPU@gpu1': 1}),
        )
        inventories = {
            name: model.Inventory(8)
            for server in servers
            for name in server.held
        }
        self.trees.note(model.Host('host', inventories, servers))

    def least(self, *amounts):
        """Return what is known of the host before its tree is read again."""
        inventories = {'VCPU': model.Inventory(8)}
        host = model.Host('host', inventories, tuple(self.servers))
        return self.trees.least_victims(self.client, [host], _asked(*amounts))

    def test_one_for_each_device_where_none_is_free(self):
        self.note()
        self.assertEqual({'host': 2}, self.least(1, 1))
        self.assertEqual({'host': 3}, self.least(1, 1, 1))

    def test_one_is_enough_for_one_device(self):
        self.note()
        self.assertEqual({}, self.least(1))

    def test_a_server_may_have_several(self):
        self.note(
            _server(0, **{'GPU@gpu0': 1, 'GPU@gpu1': 1}),
            _server(1, **{'GPU@gpu2': 1}),
        )
        self.assertEqual({}, self.least(1, 1))
        self.assertEqual({'host': 2}, self.least(1, 1, 1))

    def test_a_server_may_have_none(self):
        self.note(_server(0, **{'GPU@gpu0': 1}), _server(1))
        self.assertEqual({'host': 2}, self.least(1, 1))

    def test_a_device_may_be_free_by_now(self):
        self.note()
        self.client.free.append('gpu3')
        self.assertEqual({}, self.least(1, 1))

    def test_what_a_group_asks_for_may_be_free_in_part(self):
        self.note()
        self.assertEqual({}, self.least(2, 2))
        self.assertEqual({}, self.least(1, 2))

    def test_a_server_that_was_resized_may_have_more(self):
        self.note()
        self.servers[1] = _server(1, launched_at=2.0)
        self.assertEqual({}, self.least(1, 1))

    def test_nothing_is_known_of_a_server_that_was_never_launched(self):
        self.note(_server(0, None, **{'GPU@gpu0': 1}))
        self.servers = [_server(0, None)]
        self.assertEqual({}, self.least(1, 1))

    def test_nor_of_one_that_came_later(self):
        self.note()
        self.servers.append(_server(2))
        self.assertEqual({}, self.least(1, 1))

    def test_nor_of_one_that_was_no_potential_victim_then(self):
        self.note()
        self.note(_server(0, **{'GPU@gpu0': 1}))
        self.assertEqual({}, self.least(1, 1))

    def test_nor_of_a_tree_that_was_not_read(self):
        self.assertEqual({}, self.least(1, 1))

    def test_nor_of_one_that_was_read_long_ago(self):
        self.note()
        later = time.monotonic() + 3601
        self.useFixture(fixtures.MockPatch('time.monotonic', lambda: later))
        self.assertEqual({}, self.least(1, 1))

    def test_nor_of_hosts_that_are_gone(self):
        self.note()
        self.trees.forget_all_but(set())
        self.assertEqual({}, self.least(1, 1))
