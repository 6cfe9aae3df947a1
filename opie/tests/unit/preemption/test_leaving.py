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

"""Servers that go in any case: their room costs nothing but a wait."""

import dataclasses

import testtools

from opie.preemption import cost
from opie.preemption import model
from opie.preemption import planner
from opie.tests.unit.preemption import builders
from opie.tests.unit.preemption import test_reads

host = builders.host
leaving = builders.leaving
soft_deleted = builders.soft_deleted
request = builders.request
server = builders.server


def must_be_gone(*uuids):
    """Return filters that refuse a host while any of some servers is there."""
    return lambda provider, gone, nominations: (
        None if gone.issuperset(uuids) else 'anti-affinity'
    )


@builders.scenarios(
    {
        'a server that leaves is waited for, and none is evicted': (
            [
                host('a', leaving('l', VCPU=4), VCPU=4),
                host('b', server('v', VCPU=4), VCPU=4),
            ],
            [('a', ['l'])],
        ),
        'a host with room wins over one where a server leaves': (
            [host('a', leaving('l', VCPU=4), VCPU=4), host('b', VCPU=4)],
            [('b', [])],
        ),
        'a host with room for one wins even where more leave': (
            [
                host('a', leaving('l', VCPU=9), VCPU=9),
                host('b', VCPU=4, preference=1),
            ],
            [('b', [])],
        ),
        'fewer are waited for where fewer will do': (
            [
                host('a', leaving('l', VCPU=2), leaving('m', VCPU=2), VCPU=4),
                host('b', leaving('n', VCPU=4), VCPU=4, preference=1),
            ],
            [('b', ['n'])],
        ),
        'one of which nothing is needed is not waited for': (
            [host('a', leaving('l', VCPU=4), leaving('m', VCPU=5), VCPU=9)],
            [('a', ['m'])],
        ),
        'a large one is waited for rather than two small ones': (
            [
                host(
                    'a',
                    leaving('l', VCPU=2),
                    leaving('m', VCPU=2),
                    leaving('n', VCPU=5),
                    VCPU=9,
                )
            ],
            [('a', ['n'])],
        ),
        'a soft-deleted server goes, and none that runs': (
            [
                host('a', server('v', VCPU=4), VCPU=4),
                host('b', soft_deleted('s', VCPU=4), VCPU=4),
            ],
            [('b', ['s'])],
        ),
        'a soft-deleted server goes, and none that runs beside it': (
            [
                host(
                    'a', soft_deleted('s', VCPU=5), server('v', VCPU=4), VCPU=9
                )
            ],
            [('a', ['s'])],
        ),
        'a soft-deleted server stays where one that leaves is enough': (
            [
                host(
                    'a',
                    leaving('l', VCPU=4),
                    soft_deleted('s', VCPU=9),
                    VCPU=13,
                )
            ],
            [('a', ['l'])],
        ),
        'a soft-deleted server adds what a leaving one lacks': (
            [
                host(
                    'a',
                    leaving('l', VCPU=3),
                    soft_deleted('s', VCPU=3),
                    VCPU=6,
                )
            ],
            [('a', ['l', 's'])],
        ),
        'a victim adds what leaving ones lack': (
            [
                host('a', leaving('l', VCPU=3), server('v', VCPU=1), VCPU=4),
                host('b', server('w', VCPU=2), server('x', VCPU=2), VCPU=4),
            ],
            [('a', ['l', 'v'])],
        ),
        'the victim is the one that is the cheapest beside leaving ones': (
            [
                host(
                    'a',
                    leaving('l', VCPU=2),
                    server('dear', minutes=50, VCPU=4),
                    server('cheap', VCPU=2),
                    VCPU=8,
                )
            ],
            [('a', ['cheap', 'l'])],
        ),
        'a victim that makes all the room lets none be waited for': (
            [
                host(
                    'a',
                    leaving('l', VCPU=2),
                    server('v', VCPU=4),
                    VCPU=6,
                )
            ],
            [('a', ['v'])],
        ),
        'an over-full host waits even for those it takes nothing of': (
            [
                host(
                    'a',
                    leaving('l', VCPU=4),
                    leaving('m', VCPU=4),
                    VCPU=4,
                )
            ],
            [('a', ['l', 'm'])],
        ),
    }
)
class LeavingTest(testtools.TestCase):
    def check(self, hosts, expected, accepts=builders.accept_all):
        plan = builders.make_plan(hosts, request(VCPU=4), accepts=accepts)
        self.assertEqual(expected, builders.placed(plan))


class CostTest(testtools.TestCase):
    def test_leaving_ones_cost_nothing_and_are_not_counted(self):
        its = dataclasses.replace(request(VCPU=4), most_victims=0)
        plan = builders.make_plan(
            [host('a', leaving('l', VCPU=4), VCPU=4)], its
        )
        self.assertEqual(0, plan.cost)
        self.assertEqual([], plan.evicted)
        self.assertEqual({'l': {'preemptor': {'VCPU': 4}}}, plan.shares)

    def test_so_do_soft_deleted_ones(self):
        its = dataclasses.replace(request(VCPU=4), most_victims=0)
        plan = builders.make_plan(
            [host('a', soft_deleted('s', VCPU=4), VCPU=4)], its
        )
        self.assertEqual(0, plan.cost)
        self.assertEqual([('a', ['s'])], builders.placed(plan))

    def test_a_young_soft_deleted_one_is_not_protected(self):
        plan = builders.make_plan(
            [host('a', soft_deleted('s', VCPU=4), VCPU=4)],
            request(VCPU=4),
            cost.Cost(min_runtime_seconds=60, is_min_runtime_strict=True),
        )
        self.assertEqual([('a', ['s'])], builders.placed(plan))

    def test_the_rest_of_one_stays_with_it(self):
        plan = builders.make_plan(
            [host('a', leaving('l', VCPU=9), VCPU=9)], request(VCPU=2)
        )
        self.assertEqual({'l': {'preemptor': {'VCPU': 2}}}, plan.shares)


class FiltersTest(testtools.TestCase):
    def test_one_in_the_way_of_a_filter_is_waited_for_as_well(self):
        hosts = [
            host(
                'a',
                leaving('l', VCPU=1),
                leaving('m', VCPU=1),
                leaving('n', VCPU=1),
                VCPU=4,
            )
        ]
        plan = builders.make_plan(
            hosts, request(VCPU=1), accepts=must_be_gone('m')
        )
        self.assertEqual([('a', ['m'])], builders.placed(plan))

    def test_so_is_one_that_holds_nothing_any_more(self):
        hosts = [host('a', leaving('l'), VCPU=4)]
        plan = builders.make_plan(
            hosts, request(VCPU=1), accepts=must_be_gone('l')
        )
        self.assertEqual([('a', ['l'])], builders.placed(plan))
        self.assertEqual({'l': {'preemptor': {}}}, plan.shares)

    def test_a_victim_goes_where_the_filters_want_one_gone(self):
        hosts = [host('a', leaving('l', VCPU=1), server('v', VCPU=1), VCPU=2)]
        plan = builders.make_plan(
            hosts, request(VCPU=1), accepts=must_be_gone('v')
        )
        self.assertEqual([('a', ['v'])], builders.placed(plan))


class SeveralTest(testtools.TestCase):
    def test_more_than_are_placed_together_share_leaving_ones(self):
        names = ['p%02d' % number for number in range(20)]
        hosts = [
            host('a', leaving('l', VCPU=18), leaving('m', VCPU=2), VCPU=20)
        ]
        plan = builders.make_plan(hosts, request(*names, VCPU=1))
        self.assertEqual(['l', 'm'], [one.uuid for _, one in plan.victims])
        self.assertEqual(
            20,
            sum(
                taken['VCPU']
                for takers in plan.shares.values()
                for taken in takers.values()
            ),
        )

    def test_a_server_cannot_be_both(self):
        self.assertRaises(
            model.errors.InvalidHost,
            host,
            'a',
            leaving('s', VCPU=1),
            server('s', VCPU=1),
            VCPU=2,
        )

    def test_the_bound_of_a_host_knows_of_them(self):
        """So the host is read although it seems too small."""
        true = host('a', leaving('l', VCPU=4), VCPU=4)
        cloud = builders.FakeCloud({'a': true}, builders.accept_all)
        given = test_reads.estimate(true, VCPU=9)
        plan = planner.make_plan(
            request(VCPU=4), [given], builders.USUAL, cloud
        )
        self.assertEqual([('a', ['l'])], builders.placed(plan))
