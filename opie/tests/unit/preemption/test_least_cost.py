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

"""The plan costs the least that is possible, by trying everything."""

import hypothesis
import testtools

from opie.preemption import amounts
from opie.preemption import bounds
from opie.preemption import model
from opie.preemption import ranks
from opie.tests.unit.preemption import builders
from opie.tests.unit.preemption import oracle
from opie.tests.unit.preemption import strategies


def criteria(hosts, plan, its_cost):
    """Return what of a plan is to be the least, as the oracle does."""
    gone = oracle.evicted(plan)
    providers = {
        provider for provider, one in plan.victims if not one.is_leaving
    }
    return (
        sum(
            its_cost.failed_builds(host)
            for host in hosts
            if host.provider in providers
        ),
        sum(its_cost.is_young(server) for server in gone),
        sum(its_cost.millionths(server) for server in gone),
        len(gone),
    )


class OnePreemptorTest(testtools.TestCase):
    @strategies.SETTINGS
    @hypothesis.given(strategies.problems())
    def test_no_other_plan_costs_less(self, problem):
        hosts, request, its_cost = problem
        options = [
            oracle.least(host, request.resources, its_cost) for host in hosts
        ]
        options = [option for option in options if option is not None]
        plan = builders.make_plan(hosts, request, its_cost)
        self.assertEqual(bool(options), plan.is_feasible)
        if options:
            self.assertEqual(min(options), criteria(hosts, plan, its_cost))

    @strategies.SETTINGS
    @hypothesis.given(strategies.problems(most_hosts=1, most_servers=8))
    def test_nor_on_one_host_with_more_servers(self, problem):
        (host,), request, its_cost = problem
        option = oracle.least(host, request.resources, its_cost)
        hypothesis.assume(option is not None)
        plan = builders.make_plan([host], request, its_cost)
        self.assertEqual(option, criteria([host], plan, its_cost))

    @strategies.SETTINGS
    @hypothesis.given(strategies.filtered_problems())
    def test_nor_one_that_the_filters_accept(self, problem):
        hosts, request, its_cost, filters = problem
        options = [
            oracle.least_accepted(host, request.resources, its_cost, filters)
            for host in hosts
        ]
        options = [option for option in options if option is not None]
        plan = builders.make_plan(hosts, request, its_cost, filters)
        self.assertEqual(bool(options), plan.is_feasible)
        if options:
            self.assertEqual(min(options), criteria(hosts, plan, its_cost))


class SeveralPreemptorsTest(testtools.TestCase):
    @strategies.SETTINGS
    @hypothesis.given(strategies.problems(most_preemptors=4, most_servers=4))
    def test_no_other_plan_costs_less(self, problem):
        hosts, request, its_cost = problem
        option = oracle.least_together(
            hosts, request.resources, its_cost, len(request.preemptors)
        )
        plan = builders.make_plan(hosts, request, its_cost)
        self.assertEqual(option is not None, plan.is_feasible)
        if option is not None:
            self.assertEqual(option, criteria(hosts, plan, its_cost))


class BoundTest(testtools.TestCase):
    @strategies.SETTINGS
    @hypothesis.given(strategies.problems(most_hosts=1, most_preemptors=3))
    def test_a_bound_is_never_more_than_the_truth(self, problem):
        (host,), request, its_cost = problem
        number = len(request.preemptors)
        bound = bounds.make_least_rank(
            amounts.Demand(request.resources, number, its_cost)
        )(host)
        option = oracle.least(host, request.resources, its_cost, number)
        if isinstance(bound, model.Unfit):
            self.assertIsNone(option)
        elif option is not None:
            failed_builds, *others = option
            truth = ranks.fold(*others, failed_builds=failed_builds)
            self.assertLessEqual(bound, truth)
