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


"""Properties of every plan of one preemptor, on any cloud."""

import dataclasses

import hypothesis
from hypothesis import strategies as st
import testtools

from opie.preemption import amounts
from opie.preemption import cost
from opie.preemption import shortfall
from opie.tests.unit.preemption import builders
from opie.tests.unit.preemption import oracle
from opie.tests.unit.preemption import strategies


def nominated(hosts, plan):
    """Return the nominated host and the victims on it."""
    (nomination,) = plan.nominations
    (host,) = (one for one in hosts if one.provider == nomination.provider)
    return host, nomination.victims


def over_capacity(host, names):
    return any(
        host.inventories[name].used > oracle.capacity(host.inventories[name])
        for name in names
        if name in host.inventories
    )


def shuffled_mapping(random, mapping):
    return dict(random.sample(list(mapping.items()), len(mapping)))


def shuffled(random, hosts):
    """Return the same hosts with everything in another order."""
    return [
        dataclasses.replace(
            host,
            inventories=shuffled_mapping(random, host.inventories),
            potential_victims=tuple(
                dataclasses.replace(
                    server, held=shuffled_mapping(random, server.held)
                )
                for server in random.sample(
                    host.potential_victims, len(host.potential_victims)
                )
            ),
            leaving=tuple(random.sample(host.leaving, len(host.leaving))),
        )
        for host in random.sample(hosts, len(hosts))
    ]


class OnePreemptorTest(testtools.TestCase):
    @strategies.SETTINGS
    @hypothesis.given(strategies.filtered_problems())
    def test_feasible_exactly_when_exhaustive_search_says_so(self, problem):
        hosts, request, its_cost, filters = problem
        plan = builders.make_plan(hosts, request, its_cost, filters)
        self.assertEqual(
            any(
                oracle.can_serve(host, request.resources, filters)
                for host in hosts
            ),
            plan.is_feasible,
        )

    @strategies.SETTINGS
    @hypothesis.given(strategies.filtered_problems())
    def test_the_plan_fits_and_passes_the_filters(self, problem):
        hosts, request, its_cost, filters = problem
        plan = builders.make_plan(hosts, request, its_cost, filters)
        hypothesis.assume(plan.is_feasible)
        host, gone = nominated(hosts, plan)
        self.assertTrue(oracle.fits(host, request.resources, gone))
        self.assertIsNone(filters(host.provider, oracle.uuids(gone), ()))
        there = host.potential_victims + host.leaving
        self.assertTrue(all(one in there for one in gone))

    @strategies.SETTINGS
    @hypothesis.given(strategies.filtered_problems())
    def test_no_victim_is_superfluous(self, problem):
        hosts, request, its_cost, filters = problem
        plan = builders.make_plan(hosts, request, its_cost, filters)
        hypothesis.assume(plan.victims)
        host, gone = nominated(hosts, plan)
        for one in gone:
            fewer = [server for server in gone if server is not one]
            self.assertFalse(
                oracle.fits(host, request.resources, fewer)
                and filters(host.provider, oracle.uuids(fewer), ()) is None,
                '%s need not go' % one.uuid,
            )

    @strategies.SETTINGS
    @hypothesis.given(strategies.filtered_problems(), st.randoms())
    def test_the_order_of_the_input_is_irrelevant(self, problem, random):
        hosts, request, its_cost, filters = problem
        self.assertEqual(
            builders.make_plan(hosts, request, its_cost, filters),
            builders.make_plan(
                shuffled(random, hosts),
                dataclasses.replace(
                    request,
                    resources=shuffled_mapping(random, request.resources),
                ),
                its_cost,
                filters,
            ),
        )

    @strategies.SETTINGS
    @hypothesis.given(strategies.filtered_problems())
    def test_a_host_with_room_always_wins(self, problem):
        hosts, request, its_cost, filters = problem
        hypothesis.assume(
            any(
                oracle.fits(host, request.resources, ())
                and filters(host.provider, frozenset(), ()) is None
                for host in hosts
            )
        )
        plan = builders.make_plan(hosts, request, its_cost, filters)
        host, gone = nominated(hosts, plan)
        self.assertEqual((), gone)
        self.assertTrue(oracle.fits(host, request.resources, ()))

    @strategies.SETTINGS
    @hypothesis.given(strategies.filtered_problems())
    def test_a_request_is_refused_with_a_reason_per_host(self, problem):
        hosts, request, its_cost, filters = problem
        plan = builders.make_plan(hosts, request, its_cost, filters)
        hypothesis.assume(not plan.is_feasible)
        self.assertEqual({host.provider for host in hosts}, set(plan.reasons))
        self.assertTrue(all(plan.reasons.values()))

    @strategies.SETTINGS
    @hypothesis.given(strategies.filtered_problems())
    def test_no_host_that_can_serve_has_a_reason_not_to(self, problem):
        hosts, request, its_cost, filters = problem
        plan = builders.make_plan(hosts, request, its_cost, filters)
        for host in hosts:
            if oracle.can_serve(host, request.resources, filters):
                self.assertNotIn(host.provider, plan.reasons)


class LeastCostTest(testtools.TestCase):
    @strategies.SETTINGS
    @hypothesis.given(strategies.problems(most_hosts=1))
    def test_no_plan_costs_more_than_one_victim_that_holds_it_all(
        self, problem
    ):
        (host,), request, _ = problem
        hypothesis.assume(not over_capacity(host, request.resources))
        alone = [
            cost.Cost().cost_of(server)
            for server in host.potential_victims
            if all(
                server.held.get(name, 0) >= amount
                for name, amount in request.resources.items()
            )
            and oracle.fits(host, request.resources, [server])
        ]
        hypothesis.assume(alone)
        plan = builders.make_plan([host], request)
        self.assertTrue(plan.cost <= min(alone), (plan, alone))

    @strategies.SETTINGS
    @hypothesis.given(strategies.problems())
    def test_the_cost_is_that_of_the_victims(self, problem):
        hosts, request, its_cost = problem
        plan = builders.make_plan(hosts, request, its_cost)
        self.assertEqual(its_cost.cost_of_all(oracle.evicted(plan)), plan.cost)


class ShortfallTest(testtools.TestCase):
    @strategies.SETTINGS
    @hypothesis.given(strategies.problems(most_hosts=1))
    def test_nothing_is_missing_exactly_when_the_request_fits(self, problem):
        hosts, request, _ = problem
        for host in hosts:
            resources = {
                name: host.inventories[name].step_size
                for name in request.resources
                if name in host.inventories
            }
            lacking = shortfall.Shortfall(
                host, amounts.Demand(resources, 1, cost.Cost())
            )
            for gone in oracle.subsets(host.potential_victims):
                self.assertEqual(
                    oracle.fits(oracle.later(host), resources, gone),
                    not lacking.missing(gone),
                )
