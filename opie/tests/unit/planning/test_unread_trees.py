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
from opie.scheduler.placement import provider_trees
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
    """A host with four GPUs, each of which a server has.

    :ivar free: the GPUs that have become free.
    """

    def __init__(self):
        self.free = []

    def providers(self, query):
        (kind, value), *_ = query
        gpus = ['gpu%d' % number for number in range(4)]
        listed = ['host', *gpus] if kind == 'in_tree' else self.free
        return [
            {
                'uuid': one,
                'generation': 1,
                'root_provider_uuid': 'host',
                'parent_provider_uuid': None if one == 'host' else 'host',
            }
            for one in listed
        ]

    def inventories(self, provider):
        name = 'VCPU' if provider == 'host' else 'GPU'
        inventory = {
            'total': 8,
            'reserved': 0,
            'min_unit': 1,
            'max_unit': 8,
            'step_size': 1,
            'allocation_ratio': 1.0,
        }
        return 1, {name: inventory}

    def provider_allocations(self, provider):
        if provider == 'host':
            return 1, {'server%d' % n: {'VCPU': 2} for n in range(4)}
        return 1, {'server' + provider[-1]: {'GPU': 1}}

    def traits(self, provider):
        return 1, frozenset()

    aggregates = traits


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


class TestLeastVictims(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.client = _Placement()
        self.trees = provider_trees.Trees()
        self.servers = [model.Server('server%d' % n, {}, 1.0) for n in (0, 1)]

    def least(self, *amounts):
        self.trees.read(self.client, ['host'], ['GPU'])
        return self.least_unread(*amounts)

    def least_unread(self, *amounts):
        host = model.Host('host', {}, tuple(self.servers))
        return unread_trees.least_victims(
            self.client, self.trees, [host], _asked(*amounts)
        )

    def test_one_for_each_device_where_none_is_free(self):
        self.assertEqual({'host': 2}, self.least(1, 1))
        self.assertEqual({'host': 3}, self.least(1, 1, 1))

    def test_one_is_enough_for_one_device(self):
        self.assertEqual({}, self.least(1))

    def test_a_device_may_be_free_by_now(self):
        self.client.free.append('gpu3')
        self.assertEqual({}, self.least(1, 1))

    def test_what_a_group_asks_for_may_be_free_in_part(self):
        self.assertEqual({}, self.least(2, 2))
        self.assertEqual({}, self.least(1, 2))

    def test_nothing_is_known_of_a_server_that_came_later(self):
        self.servers.append(model.Server('new', {}, 1.0))
        self.assertEqual({}, self.least(1, 1))

    def test_nor_of_a_tree_that_was_not_read(self):
        self.assertEqual({}, self.least_unread(1, 1))

    def test_nor_of_one_that_was_read_long_ago(self):
        self.least(1, 1)
        later = time.monotonic() + 3601
        self.useFixture(fixtures.MockPatch('time.monotonic', lambda: later))
        self.assertEqual({}, self.least_unread(1, 1))

    def test_nor_of_hosts_that_are_gone(self):
        self.least(1, 1)
        self.trees.forget_all_but(set())
        self.assertEqual({}, self.least_unread(1, 1))
