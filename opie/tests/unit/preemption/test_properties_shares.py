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


"""Properties of the claims of plans, and of plans for several preemptors.

A claim gives each preemptor what it asked for and shrinks each victim by what
was taken of it, at once.
"""

import itertools

import hypothesis
import testtools

from opie.tests.unit.preemption import builders
from opie.tests.unit.preemption import oracle
from opie.tests.unit.preemption import strategies


def taken_of(shares, server, name):
    """Return how much all preemptors take of a victim's resource class."""
    return sum(share.get(name, 0) for share in shares[server].values())


def by_host(hosts, plan):
    """Return (host, its nominations) for each nominated host."""
    return [
        (
            host,
            [one for one in plan.nominations if one.provider == host.provider],
        )
        for host in hosts
        if any(one.provider == host.provider for one in plan.nominations)
    ]


def victims_of(nominations):
    return [server for one in nominations for server in one.victims]


def capacities(hosts, request):
    """Return how many preemptors each host holds once all have left."""
    return [
        oracle.most_that_fit(
            host, request.resources, host.potential_victims + host.leaving
        )
        for host in hosts
    ]


def feasible_plan(problem):
    hosts, request, its_cost = problem
    plan = builders.make_plan(hosts, request, its_cost)
    hypothesis.assume(plan.is_feasible)
    return plan


any_problem = strategies.problems(
    units=strategies.any_units, most_preemptors=3
)


class SeveralPreemptorsTest(testtools.TestCase):
    @strategies.SETTINGS
    @hypothesis.given(strategies.problems(most_preemptors=5))
    def test_feasible_exactly_when_hosts_hold_as_many(self, problem):
        hosts, request, its_cost = problem
        plan = builders.make_plan(hosts, request, its_cost)
        most = sum(capacities(hosts, request))
        self.assertEqual(most >= len(request.preemptors), plan.is_feasible)

    @strategies.SETTINGS
    @hypothesis.given(strategies.problems(most_preemptors=5))
    def test_no_server_goes_where_there_is_room_for_all(self, problem):
        hosts, request, its_cost = problem
        room = sum(
            oracle.most_that_fit(host, request.resources, ()) for host in hosts
        )
        hypothesis.assume(room >= len(request.preemptors))
        plan = builders.make_plan(hosts, request, its_cost)
        self.assertEqual(
            (True, (), {}), (plan.is_feasible, plan.victims, plan.shares)
        )

    @strategies.SETTINGS
    @hypothesis.given(strategies.problems(most_preemptors=3))
    def test_together_feasible_exactly_when_one_host_holds_all(self, problem):
        hosts, request, its_cost = problem
        plan = builders.make_plan(hosts, request, its_cost, builders.together)
        most = max(capacities(hosts, request))
        self.assertEqual(most >= len(request.preemptors), plan.is_feasible)
        self.assertTrue(len({one.provider for one in plan.nominations}) <= 1)

    @strategies.SETTINGS
    @hypothesis.given(strategies.problems(most_preemptors=3))
    def test_apart_feasible_exactly_when_as_many_hosts_hold_one(self, problem):
        hosts, request, its_cost = problem
        plan = builders.make_plan(hosts, request, its_cost, builders.apart)
        able = [most for most in capacities(hosts, request) if most]
        self.assertEqual(
            len(able) >= len(request.preemptors), plan.is_feasible
        )
        nominated = [one.provider for one in plan.nominations]
        self.assertEqual(len(nominated), len(set(nominated)))

    @strategies.SETTINGS
    @hypothesis.given(any_problem)
    def test_all_of_them_fit_once_the_victims_are_gone(self, problem):
        plan = feasible_plan(problem)
        hosts, request, _ = problem
        self.assertEqual(
            list(request.preemptors),
            [one.preemptor for one in plan.nominations],
        )
        for host, nominations in by_host(hosts, plan):
            gone = victims_of(nominations)
            self.assertEqual(len(gone), len(oracle.uuids(gone)))
            self.assertTrue(
                oracle.fits(host, request.resources, gone, len(nominations))
            )


class SharesTest(testtools.TestCase):
    @strategies.SETTINGS
    @hypothesis.given(any_problem)
    def test_every_victim_has_a_preemptor_on_its_host(self, problem):
        plan = feasible_plan(problem)
        self.assertEqual(
            {server.uuid for _, server in plan.victims}, set(plan.shares)
        )
        for host, nominations in by_host(problem[0], plan):
            here = {one.preemptor for one in nominations}
            for server in victims_of(nominations):
                takers = set(plan.shares[server.uuid])
                self.assertTrue(takers and takers <= here, (host, takers))

    @strategies.SETTINGS
    @hypothesis.given(any_problem)
    def test_a_victim_gives_what_it_holds_and_keeps_a_unit(self, problem):
        plan = feasible_plan(problem)
        hosts = {host.provider: host for host in problem[0]}
        for uuid, server in plan.victims:
            for share in plan.shares[server.uuid].values():
                self.assertTrue(set(share) <= set(server.held))
                self.assertTrue(all(part > 0 for part in share.values()))
            for name, held in server.held.items():
                left = held - taken_of(plan.shares, server.uuid, name)
                inventory = hosts[uuid].inventories[name]
                self.assertTrue(
                    left == 0 or oracle.is_valid_unit(inventory, left), left
                )

    @strategies.SETTINGS
    @hypothesis.given(any_problem)
    def test_a_preemptor_takes_no_more_than_it_needs(self, problem):
        plan = feasible_plan(problem)
        _, request, _ = problem
        for preemptor, name in itertools.product(
            request.preemptors, strategies.CLASSES
        ):
            taken = sum(
                share.get(preemptor, {}).get(name, 0)
                for share in plan.shares.values()
            )
            self.assertTrue(taken <= request.resources.get(name, 0), taken)

    @strategies.SETTINGS
    @hypothesis.given(any_problem)
    def test_the_claim_fits_while_the_victims_still_run(self, problem):
        plan = feasible_plan(problem)
        hosts, request, _ = problem
        for host, nominations in by_host(hosts, plan):
            for name, amount in request.resources.items():
                inventory = host.inventories[name]
                taken = sum(
                    taken_of(plan.shares, server.uuid, name)
                    for server in victims_of(nominations)
                )
                claimed = inventory.used + amount * len(nominations) - taken
                limit = max(oracle.capacity(inventory), inventory.used)
                self.assertTrue(claimed <= limit, (name, claimed, limit))
                # Even if others take all that is free then, there is still
                # as much as the victims had when they get it back.
                self.assertTrue(claimed >= inventory.used, (name, claimed))
