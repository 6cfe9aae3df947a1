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

"""Of the plans with few enough victims, the one that costs least."""

import dataclasses
import random

import hypothesis
from hypothesis import strategies as st
import testtools

from opie.preemption import amounts
from opie.preemption import bounds
from opie.preemption import cover
from opie.preemption import model
from opie.tests.unit.preemption import builders
from opie.tests.unit.preemption import cover_cases
from opie.tests.unit.preemption import cpsat
from opie.tests.unit.preemption import oracle
from opie.tests.unit.preemption import strategies
from opie.tests.unit.preemption import test_least_cost

limits = st.sampled_from((0, 1, 2, 3))


def too_many(most):
    return model.Unfit.by_limit(most).reason


def limited(request, most_victims):
    return dataclasses.replace(request, most_victims=most_victims)


class OnePreemptorTest(testtools.TestCase):
    def check(self, options, hosts, plan, its_cost):
        options = [option for option in options if option is not None]
        self.assertEqual(bool(options), plan.is_feasible)
        self.assertTrue(plan.is_least)
        if options:
            self.assertEqual(
                min(options), test_least_cost.criteria(hosts, plan, its_cost)
            )

    @strategies.SETTINGS
    @hypothesis.given(strategies.problems(), limits)
    def test_no_other_plan_within_the_limit_costs_less(self, problem, most):
        hosts, request, its_cost = problem
        options = [
            oracle.least(host, request.resources, its_cost, most=most)
            for host in hosts
        ]
        plan = builders.make_plan(hosts, limited(request, most), its_cost)
        self.check(options, hosts, plan, its_cost)

    @strategies.SETTINGS
    @hypothesis.given(
        strategies.problems(most_hosts=1, most_servers=8), limits
    )
    def test_nor_on_one_host_with_more_servers(self, problem, most):
        (host,), request, its_cost = problem
        option = oracle.least(host, request.resources, its_cost, most=most)
        plan = builders.make_plan([host], limited(request, most), its_cost)
        self.check([option], [host], plan, its_cost)

    @strategies.SETTINGS
    @hypothesis.given(strategies.filtered_problems(), limits)
    def test_nor_one_that_the_filters_accept(self, problem, most):
        hosts, request, its_cost, filters = problem
        options = [
            oracle.least_accepted(
                host, request.resources, its_cost, filters, most
            )
            for host in hosts
        ]
        plan = builders.make_plan(
            hosts, limited(request, most), its_cost, filters
        )
        self.check(options, hosts, plan, its_cost)

    def test_the_first_and_the_last_server_must_go(self):
        """All but the first are refused, and all but the last."""
        host = builders.host(
            'a', *[builders.server(uuid, VCPU=1) for uuid in 'vwxy'], VCPU=4
        )

        def both(provider, gone, nominations):
            return None if gone >= {'v', 'y'} else 'they must go'

        plan = builders.make_plan(
            [host],
            limited(builders.request(VCPU=1), 2),
            builders.NO_COST,
            both,
        )
        self.assertEqual([('a', ['v', 'y'])], builders.placed(plan))

    def test_a_server_must_go_where_some_that_go_would_not_suffice(self):
        """Nor is that they would not suffice a word of the filters."""
        host = builders.host(
            'a',
            builders.server('v', VCPU=1),
            builders.server('w', VCPU=1),
            builders.server('x', MEMORY_MB=1),
            builders.server('y', VCPU=1, CUSTOM_GOLD=1),
            VCPU=3,
            MEMORY_MB=1,
            CUSTOM_GOLD=1,
        )
        request = builders.request(VCPU=1, MEMORY_MB=1, CUSTOM_GOLD=1)
        plan = builders.make_plan(
            [host],
            limited(request, 3),
            accepts=lambda host, gone, nominations: (
                None if 'v' in gone else 'anti-affinity'
            ),
        )
        self.assertEqual([('a', ['v', 'x', 'y'])], builders.placed(plan))

    @strategies.SETTINGS
    @hypothesis.given(strategies.problems(most_hosts=1), limits)
    def test_a_bound_refuses_only_what_is_refused(self, problem, most):
        (host,), request, its_cost = problem
        bound = bounds.make_least_rank(
            amounts.Demand(request.resources, 1, its_cost, most)
        )
        if isinstance(bound(host), model.Unfit):
            self.assertIsNone(
                oracle.least(host, request.resources, its_cost, most=most)
            )


class SeveralPreemptorsTest(testtools.TestCase):
    @strategies.SETTINGS
    @hypothesis.given(
        strategies.problems(most_preemptors=4, most_servers=4),
        limits,
    )
    def test_there_is_a_plan_if_one_keeps_to_the_limit(self, problem, most):
        hosts, request, its_cost = problem
        number = len(request.preemptors)
        fewest = oracle.least_together(
            hosts,
            request.resources,
            dataclasses.replace(its_cost.fewest(), avoids_failed_builds=False),
            number,
        )
        plan = builders.make_plan(hosts, limited(request, most), its_cost)
        self.assertEqual(
            fewest is not None and fewest[-1] <= most, plan.is_feasible
        )
        self.assertLessEqual(len(oracle.evicted(plan)), most)
        usual = builders.make_plan(hosts, request, its_cost)
        if usual.is_feasible and len(oracle.evicted(usual)) <= most:
            self.assertEqual(
                dataclasses.replace(usual, reasons={}),
                dataclasses.replace(plan, reasons={}),
            )
        elif plan.is_feasible:
            self.assertEqual(number == 1, plan.is_least)
            self.assertEqual(
                its_cost.cost_of_all(oracle.evicted(plan)),
                plan.cost,
            )

    def test_cheap_victims_are_left_for_fewer_ones(self):
        """Two hosts, on each of which two cheap ones or a dear one go."""
        hosts = [
            builders.host(
                name,
                builders.server(name + '-dear', 55, VCPU=4),
                builders.server(name + '-cheap', 0, VCPU=2),
                builders.server(name + '-too', 0, VCPU=2),
                VCPU=8,
            )
            for name in 'ab'
        ]
        request = builders.request('p', 'q', VCPU=4)
        its_cost = dataclasses.replace(builders.USUAL, count_multiplier=1.0)
        for most, victims in (
            (None, ['a-cheap', 'a-too', 'b-cheap', 'b-too']),
            (4, ['a-cheap', 'a-too', 'b-cheap', 'b-too']),
            (2, ['a-dear', 'b-dear']),
            (1, []),
        ):
            plan = builders.make_plan(hosts, limited(request, most), its_cost)
            self.assertEqual(victims, [one.uuid for _, one in plan.victims])
        self.assertEqual(dict.fromkeys('ab', too_many(1)), plan.reasons)


class ReasonTest(testtools.TestCase):
    def check(self, most, *servers):
        host = builders.host('h', *servers, VCPU=4)
        plan = builders.make_plan(
            [host], limited(builders.request(VCPU=4), most)
        )
        self.assertFalse(plan.is_feasible)
        self.assertEqual({'h': too_many(most)}, plan.reasons)

    def test_a_host_that_needs_more_says_so(self):
        ones = [builders.server('s%d' % one, VCPU=1) for one in range(4)]
        self.check(3, *ones)

    def test_so_does_one_whose_bound_is_too_low(self):
        """Two would do if what they free did not overlap."""
        servers = [
            builders.server('a', VCPU=3, MEMORY_MB=1),
            builders.server('b', VCPU=1, MEMORY_MB=2),
            builders.server('c', VCPU=2, MEMORY_MB=3),
        ]
        host = builders.host('h', *servers, VCPU=6, MEMORY_MB=6)
        request = limited(builders.request(VCPU=5, MEMORY_MB=5), 2)
        bound = bounds.make_least_rank(
            amounts.Demand(request.resources, 1, builders.USUAL, 2)
        )
        self.assertNotIsInstance(bound(host), model.Unfit)
        plan = builders.make_plan([host], request)
        self.assertEqual({'h': too_many(2)}, plan.reasons)


class CoverTest(testtools.TestCase):
    def check(self, number, generator, *arguments):
        """Compare with CP-SAT, where fewer items than usual may be taken."""
        for index in range(number):
            seed = '%s %d' % (self.id().rpartition('.')[2], index)
            source = random.Random(seed)
            problem = generator(source, *arguments)
            usual = cover.least_cover(*problem)
            most = max(1, len(usual.chosen) - source.choice((0, 1, 1, 2)))
            found = cover.least_cover(*problem, most_items=most)
            keys = problem[0]
            cost = found.chosen and sum(keys[item] for item in found.chosen)
            self.assertEqual(
                (cpsat.least_cost(*problem, most), True),
                (cost, found.is_least),
                'seed %r' % seed,
            )

    def test_servers_of_a_small_host(self):
        self.check(150, cover_cases.servers, 30)

    def test_servers_of_a_large_host(self):
        self.check(40, cover_cases.servers, 120)

    def test_items_of_any_size(self):
        self.check(100, cover_cases.uniform, 30)

    def test_where_most_are_needed(self):
        self.check(80, cover_cases.tight, 30)

    def test_servers_that_filters_want_gone(self):
        self.check(80, cover_cases.ruled, 30)
