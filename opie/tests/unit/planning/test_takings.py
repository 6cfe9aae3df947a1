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

"""What a preemptor could take of a host that has very many devices."""

import dataclasses
import unittest.mock as mock

import nova.conf
import testtools

import opie.conf
from opie.preemption import cost
from opie.preemption import model
from opie.preemption import planner
from opie.preemption import victims
from opie.preemption.trees import asked
from opie.scheduler.placement import provider_trees
from opie.scheduler.planning import takings
from opie.tests.unit.preemption import builders

opie.conf.register_opts(nova.conf.CONF)


class ManyDevicesTest(testtools.TestCase):
    """A host has 16 devices, and each of 16 preemptible servers has one."""

    devices = 16

    def setUp(self):
        super().setUp()
        # Of 16 devices there are 120 pairs, and 560 sets of three.
        self.enterContext(mock.patch.object(takings, '_MOST', 200))

    def host(self, number, seconds=lambda device: 0, free=()):
        """Return the host, for a request for so many devices.

        :param seconds: how long a server has run since its last full hour.
        :param free: devices that no server has.
        """
        names = ['%02d' % device for device in range(self.devices)]
        parts = {
            name: provider_trees.Part(name, 'root', 'root', 1, {})
            for name in names
        }
        parts['root'] = provider_trees.Part('root', 'root', None, 1, {})
        servers = [
            model.Server(
                'server' + name, {'GPU@' + name: 1}, -seconds(device) * 1.0
            )
            for device, name in enumerate(names)
            if device not in free
        ]
        host = builders.host(
            'root', *servers, VCPU=8, **{'GPU@' + name: 1 for name in names}
        )
        groups = {'_%d' % at: asked.Group({'GPU': 1}) for at in range(number)}
        groups[''] = asked.Group({'VCPU': 1})
        tree = provider_trees.TreeFacts('root', parts, None, None)
        return takings.with_takings(host, tree, asked.Request(groups))

    def plan(
        self,
        host,
        number,
        refuses=lambda devices: False,
        is_over_once_read=False,
    ):
        """Return the plan for a request of so many devices on the host.

        :param refuses: tells whether filters refuse some devices.
        :param is_over_once_read: whether there is no time to search more.
        """

        class Cloud(builders.FakeCloud):
            def why_refused(self, provider, gone, nominations, taking=None):
                devices = {
                    int(row[-2:]) for row in taking.amounts if '@' in row
                }
                return 'TheFilter' if refuses(devices) else None

        request = model.Request(
            ('preemptor',), {'VCPU': 1, 'GPU': number}, is_spread=True
        )
        unread = dataclasses.replace(
            host,
            inventories={'VCPU': host.inventories['VCPU']},
            potential_victims=tuple(
                dataclasses.replace(server, held={})
                for server in host.potential_victims
            ),
            takings=None,
            is_worth_reading=True,
        )
        cloud = Cloud({'root': host}, None)
        if is_over_once_read:
            cloud.is_search_over = lambda: bool(cloud.read_providers)
        return planner.make_plan(request, [unread], cost.Cost(), cloud)

    def evicted(self, plan):
        return {int(server.uuid[-2:]) for server in plan.evicted}

    def test_the_cheapest_servers_go_wherever_their_devices_are(self):
        for cheap in ({0, 1, 2, 3}, {12, 13, 14, 15}, {1, 6, 9, 14}):
            host = self.host(4, lambda one, cheap=cheap: one not in cheap)
            plan = self.plan(host, 4)
            self.assertEqual(cheap, self.evicted(plan))

    def test_devices_are_found_that_are_beside_each_other(self):
        """Filters may want all of them on one NUMA cell, and on this one."""
        for number, cell in ((4, {*range(8)}), (8, {*range(8, 16)})):
            host = self.host(number, cell.__contains__)
            plan = self.plan(host, number, lambda some, cell=cell: some - cell)
            self.assertTrue(plan.is_feasible, (number, cell))
            self.assertFalse(self.evicted(plan) - cell)

    def test_free_devices_are_found(self):
        plan = self.plan(self.host(4, free={3, 7, 11, 15}), 4)
        self.assertTrue(plan.is_feasible)
        self.assertEqual(set(), self.evicted(plan))

    def test_the_plan_says_that_another_one_may_cost_less(self):
        self.assertFalse(self.plan(self.host(4), 4).is_least)
        self.assertTrue(self.plan(self.host(2), 2).is_least)

    def test_a_refusal_says_that_not_all_was_tried(self):
        for number, expected in (
            (2, 'TheFilter'),
            (
                4,
                'TheFilter, for the first 200 ways to serve all groups of '
                'the request',
            ),
        ):
            plan = self.plan(self.host(number), number, lambda some: True)
            self.assertEqual({'root': expected}, plan.reasons)

    def test_no_more_takings_are_tried_when_the_time_is_over(self):
        with mock.patch.object(
            victims, 'choose_victims', wraps=victims.choose_victims
        ) as choosing:
            plan = self.plan(self.host(2), 2, is_over_once_read=True)
        self.assertTrue(plan.is_feasible)
        self.assertFalse(plan.is_least)
        self.assertLess(choosing.call_count, 10)
