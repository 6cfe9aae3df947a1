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

"""A search whose time is over ends with the best that it has found."""

import itertools
from unittest import mock

import testtools

from opie.preemption import cover
from opie.preemption import host_search
from opie.preemption import model
from opie.preemption import planner
from opie.tests.unit.preemption import builders

host = builders.host
request = builders.request
server = builders.server


def full_hosts(number):
    """Return hosts of one victim each, the first one being the cheapest."""
    return [
        host('h%02d' % n, server('v%02d' % n, minutes=n, VCPU=1), VCPU=1)
        for n in range(number)
    ]


def after(number):
    """Return what says that the time is over after a number of questions."""
    numbers = itertools.count()
    return lambda: next(numbers) >= number


class CutShortTest(testtools.TestCase):
    def plan(self, hosts, request, accepts, is_time_over):
        self.cloud = builders.FakeCloud(
            {one.provider: one for one in hosts},
            accepts,
            is_time_over=is_time_over,
        )
        return planner.make_plan(request, hosts, builders.USUAL, self.cloud)

    def test_hosts_that_were_not_examined_are_no_hosts_that_cannot_serve(self):
        plan = self.plan(
            full_hosts(20), request(VCPU=1), lambda *args: 'no', after(12)
        )
        self.assertFalse(plan.is_feasible)
        self.assertTrue(plan.is_cut_short)
        self.assertEqual(
            {'no', model.CUT_SHORT.reason}, set(plan.reasons.values())
        )
        self.assertEqual(20, len(plan.reasons))
        self.assertLess(len(self.cloud.read_providers), 20)

    def test_no_host_is_read_once_the_time_is_over(self):
        plan = self.plan(
            full_hosts(3), request(VCPU=1), builders.accept_all, lambda: True
        )
        self.assertFalse(plan.is_feasible)
        self.assertEqual([], self.cloud.read_providers)

    def test_a_dearer_host_that_was_accepted_is_taken(self):
        first = host(
            'first',
            *(server(name, minutes=1, VCPU=1) for name in 'abc'),
            VCPU=3,
        )
        second = host('second', server('v', minutes=30, VCPU=1), VCPU=1)

        def two_of_the_first(provider, gone, nominations):
            is_enough = provider == 'second' or len(gone) > 1
            return None if is_enough else 'NumInstancesFilter'

        plan = self.plan(
            [first, second],
            request(VCPU=1),
            two_of_the_first,
            lambda: 'second' in self.cloud.read_providers,
        )
        self.assertEqual([('first', ['a', 'b'])], builders.placed(plan))
        self.assertTrue(plan.is_cut_short)
        self.assertFalse(plan.is_least)

    def test_the_choice_on_a_host_ends_as_well(self):
        many = host(
            'h', *(server('v%03d' % n, VCPU=1) for n in range(100)), VCPU=100
        )
        asked = []

        def refuse(provider, gone, nominations):
            asked.append(gone)
            return None if len(gone) == 100 else 'a filter of its own'

        plan = self.plan(
            [many], request(VCPU=1), refuse, lambda: len(asked) > 10
        )
        self.assertFalse(plan.is_feasible)
        self.assertTrue(plan.is_cut_short)
        self.assertLess(len(asked), 13)

    def test_hosts_that_were_chosen_when_the_search_ends_are_examined(self):
        given = [
            host('small', server('v', minutes=1, VCPU=1), VCPU=1),
            *(
                host(
                    'h%d' % n,
                    *(
                        server('%d-%d' % (n, m), minutes=30 + n, VCPU=1)
                        for m in range(3)
                    ),
                    VCPU=3,
                )
                for n in range(5)
            ),
        ]
        self.cloud = builders.FakeCloud(
            {one.provider: one for one in given},
            lambda provider, *args: 'no' if provider == 'small' else None,
        )
        chosen = []
        real = host_search.HostSearch.by_resources

        def by_resources(search, its_host, demand):
            chosen.append(its_host.provider)
            return real(search, its_host, demand)

        self.cloud.is_search_over = lambda: 'h0' in chosen
        with mock.patch.object(
            host_search.HostSearch, 'by_resources', by_resources
        ):
            plan = planner.make_plan(
                request(VCPU=1), given, builders.USUAL, self.cloud
            )
        self.assertEqual([('h0', ['0-0'])], builders.placed(plan))
        self.assertTrue(plan.is_cut_short)
        self.assertEqual({'small', 'h0'}, set(self.cloud.read_providers))

    def test_a_plan_in_time_is_not_cut_short(self):
        plan = self.plan(
            full_hosts(3),
            request(VCPU=1),
            builders.accept_all,
            lambda: False,
        )
        self.assertFalse(plan.is_cut_short)
        self.assertTrue(plan.is_least)

    def test_a_limit_that_may_be_kept_with_more_time_proves_nothing(self):
        """Of the sets that are found at once, none is small enough."""
        servers = [
            *(server('a%d' % n, minutes=1, VCPU=5) for n in range(4)),
            *(server('b%d' % n, minutes=50, VCPU=8) for n in range(2)),
        ]
        full = host('h', *servers, VCPU=36)
        for names in (('p',), ('p', 'q')):
            asked = model.Request(
                names, {'VCPU': 16 // len(names)}, most_victims=2
            )
            cloud = builders.FakeCloud({'h': full}, builders.accept_all)
            plan = planner.make_plan(asked, [full], builders.USUAL, cloud)
            self.assertEqual(2, len(plan.victims))
            cloud.is_search_over = lambda: True
            plan = planner.make_plan(asked, [full], builders.USUAL, cloud)
            self.assertTrue(plan.is_feasible or plan.is_cut_short)

    def test_of_the_servers_that_may_stay_not_all_are_tried(self):
        """A filter wants one of many to stay; any of them will do."""
        many = host(
            'h', *(server('v%03d' % n, VCPU=1) for n in range(200)), VCPU=200
        )
        first = {'v%03d' % n for n in range(50)}
        asked = []

        def one_must_stay(provider, gone, nominations):
            asked.append(gone)
            return 'affinity' if first <= gone else None

        self.cloud = builders.FakeCloud(
            {'h': many},
            one_must_stay,
            is_search_over=lambda: len(asked) > 5,
        )
        plan = planner.make_plan(
            request(VCPU=100), [many], builders.USUAL, self.cloud
        )
        self.assertEqual(100, len(plan.victims))
        self.assertFalse(plan.is_least)
        self.assertLess(len(asked), 20)

    def test_a_cover_that_is_cut_short_is_not_much_too_dear(self):
        """Those that hold most for their cost are taken."""
        keys = [1000 + n for n in range(400)]
        holds = [(1 + (n * 7) % 8,) for n in range(400)]
        need = sum(amount for (amount,) in holds) // 3
        known = cover.least_cover(keys, holds, (need,))
        found = cover.least_cover(
            keys, holds, (need,), is_search_over=lambda: True
        )
        self.assertFalse(found.is_least)
        of_known, of_found = (
            sum(keys[item] for item in one.chosen) for one in (known, found)
        )
        self.assertLess(of_found, 1.05 * of_known)

    def test_a_cover_is_the_best_found_until_then(self):
        found = cover.least_cover(
            [7, 11, 13, 17, 19],
            [(5, 3), (4, 7), (7, 5), (6, 8), (9, 4)],
            (14, 13),
            is_search_over=lambda: True,
        )
        self.assertFalse(found.is_least)
        self.assertIsNotNone(found.chosen)
