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

"""Only hosts that can win are read, and all of those are."""

import dataclasses
from unittest import mock

import hypothesis
from hypothesis import strategies as st
import testtools

from opie.preemption import estimates
from opie.preemption import model
from opie.preemption import planner
from opie.tests.unit.preemption import builders
from opie.tests.unit.preemption import strategies
from opie.tests.unit.preemption import test_least_cost

host = builders.host
request = builders.request
server = builders.server


def estimate(true_host, **used):
    """Return a host with other amounts in use, as an estimate."""
    return dataclasses.replace(
        true_host,
        inventories={
            name: dataclasses.replace(item, used=used.get(name, item.used))
            for name, item in true_host.inventories.items()
        },
        is_worth_reading=True,
    )


def full_hosts(number):
    """Return hosts of one victim each, the first one being the cheapest."""
    return [
        host('h%03d' % n, server('v%03d' % n, minutes=n / 10, VCPU=1), VCPU=1)
        for n in range(number)
    ]


class ReadTest(testtools.TestCase):
    def plan(self, given, request, true=(), accepts=builders.accept_all):
        """Plan; hosts are as they were given, but for some true ones."""
        hosts = {one.provider: one for one in (*given, *true)}
        self.cloud = builders.FakeCloud(hosts, accepts)
        return planner.make_plan(request, given, builders.USUAL, self.cloud)

    def test_the_best_host_is_the_only_one_read(self):
        self.plan(full_hosts(500), request(VCPU=1))
        self.assertEqual(['h000'], self.cloud.read_providers)

    def sizes(self, given, true, a_request):
        """Return how many hosts are read at once until all are refused."""
        sizes = []
        real = builders.FakeCloud.read

        class Counting(builders.FakeCloud):
            def read(self, uuids):
                sizes.append(len(uuids))
                return real(self, uuids)

        cloud = Counting(
            {one.provider: one for one in true}, lambda *args: 'not for you'
        )
        plan = planner.make_plan(a_request, given, builders.USUAL, cloud)
        self.assertFalse(plan.is_feasible)
        self.assertEqual(len(given), len(set(cloud.read_providers)))
        return sizes

    def test_hosts_are_read_in_growing_numbers(self):
        given = full_hosts(100)
        self.assertEqual(
            [1, 1, 2, 4, 8, 16, 32, 36],
            self.sizes(given, given, request(VCPU=1)),
        )

    def test_trees_are_read_a_few_at_once(self):
        given = full_hosts(30)
        takings = (model.Taking({'VCPU': 1}, ()),)
        self.assertEqual(
            [1, 1, 2, 4, 8, 8, 6],
            self.sizes(
                given,
                [dataclasses.replace(one, takings=takings) for one in given],
                dataclasses.replace(request(VCPU=1), is_spread=True),
            ),
        )

    def test_trees_of_which_too_much_must_go_are_not_read(self):
        taking = model.Taking({'VCPU': 2}, ())
        given = [
            host(
                'h%03d' % n,
                *(
                    server('v%03d%d' % (n, one), minutes=1 + n / 200, VCPU=1)
                    for one in range(2)
                ),
                VCPU=2,
            )
            for n in range(100)
        ]
        self.plan(
            [dataclasses.replace(one, least_victims=2) for one in given],
            dataclasses.replace(request(VCPU=1), is_spread=True),
            [dataclasses.replace(one, takings=(taking,)) for one in given],
        )
        self.assertEqual(['h000'], self.cloud.read_providers)

    def test_hosts_that_filters_refuse_are_ruled_out_together(self):
        given = full_hosts(1000)
        self.cloud = builders.FakeCloud(
            {
                one.provider: one if n == 500 else model.Unfit('TheFilter')
                for n, one in enumerate(given)
            },
            builders.accept_all,
        )
        plan = planner.make_plan(
            request(VCPU=1), given, builders.USUAL, self.cloud
        )
        self.assertEqual([('h500', ['v500'])], builders.placed(plan))
        self.assertLess(len(self.cloud.read_providers), 10)
        self.assertIn('h500', self.cloud.read_providers)
        self.assertEqual(1, len(self.cloud.asked_about))

    def test_what_was_ruled_out_has_its_reason(self):
        given = full_hosts(100)
        self.cloud = builders.FakeCloud(
            dict.fromkeys(
                (one.provider for one in given), model.Unfit('TheFilter')
            ),
            builders.accept_all,
        )
        plan = planner.make_plan(
            request(VCPU=1), given, builders.USUAL, self.cloud
        )
        self.assertEqual(
            dict.fromkeys(self.cloud.hosts, 'TheFilter'), plan.reasons
        )

    def test_a_host_that_passes_without_one_victim_only_is_still_found(self):
        """Filters refuse all hosts but the last, each when asked about it."""
        given = full_hosts(100)
        plan = self.plan(
            given,
            request(VCPU=1),
            accepts=lambda provider, gone, nominations: (
                None if provider == 'h099' and gone else 'TheFilter'
            ),
        )
        self.assertEqual([('h099', ['v099'])], builders.placed(plan))

    def test_one_host_that_is_refused_has_no_question_asked(self):
        given = full_hosts(10)
        self.plan(
            given,
            request(VCPU=1),
            accepts=lambda provider, *args: (
                'TheFilter' if provider == 'h000' else None
            ),
        )
        self.assertEqual([], self.cloud.asked_about)

    def test_a_host_that_became_dear_loses_to_the_next_one(self):
        given = full_hosts(3)
        dear = host('h000', server('v000', minutes=59, VCPU=1), VCPU=1)
        plan = self.plan(given, request(VCPU=1), [dear])
        self.assertEqual([('h001', ['v001'])], builders.placed(plan))
        self.assertEqual({'h000', 'h001'}, set(self.cloud.read_providers))

    def test_a_host_that_goes_while_it_is_read_is_no_host(self):
        given = full_hosts(2)
        self.cloud = builders.FakeCloud(
            {'h000': model.Unfit('gone'), 'h001': given[1]},
            builders.accept_all,
        )
        plan = planner.make_plan(
            request(VCPU=1), given, builders.USUAL, self.cloud
        )
        self.assertEqual([('h001', ['v001'])], builders.placed(plan))
        self.assertEqual({'h000': 'gone'}, plan.reasons)

    def test_a_host_too_small_by_an_estimate_is_read_last(self):
        true = host('a', server('v', VCPU=1), busy={'VCPU': 1}, VCPU=2)
        plan = self.plan([estimate(true, VCPU=9)], request(VCPU=1), [true])
        self.assertEqual([('a', ['v'])], builders.placed(plan))

    def test_a_host_too_small_by_an_estimate_is_left_while_others_serve(self):
        true = host('a', VCPU=2)
        plan = self.plan(
            [estimate(true, VCPU=9), *full_hosts(1)], request(VCPU=1), [true]
        )
        self.assertEqual([('h000', ['v000'])], builders.placed(plan))
        self.assertEqual(['h000'], self.cloud.read_providers)

    def test_a_host_too_small_by_placements_word_is_not_read(self):
        plan = self.plan(
            [host('a', busy={'VCPU': 2}, VCPU=2)], request(VCPU=1)
        )
        self.assertFalse(plan.is_feasible)
        self.assertEqual([], self.cloud.read_providers)

    def test_hosts_without_room_are_ruled_out_together(self):
        given = [estimate(one) for one in full_hosts(1000)]
        plan = self.plan(given, request(VCPU=3))
        self.assertFalse(plan.is_feasible)
        self.assertEqual([], self.cloud.read_providers)
        self.assertEqual([{'VCPU': 2}], self.cloud.questions)
        self.assertEqual(
            {'not enough VCPU even without preemptible servers'},
            set(plan.reasons.values()),
        )
        self.assertEqual(1000, len(plan.reasons))

    def test_a_capacity_that_is_known_to_be_too_small_needs_no_question(self):
        given = [
            dataclasses.replace(estimate(one), is_capacity_known=True)
            for one in full_hosts(1000)
        ]
        plan = self.plan(given, request(VCPU=3))
        self.assertEqual(1000, len(plan.reasons))
        self.assertEqual([], self.cloud.read_providers)
        self.assertEqual([], self.cloud.questions)

    def test_the_one_host_with_room_is_found_among_those_without(self):
        true = host('h500', server('v500', VCPU=1), VCPU=3)
        given = [
            estimate(one, VCPU=9)
            for one in (*full_hosts(500), true, *full_hosts(1000)[501:])
        ]
        plan = self.plan(given, request(VCPU=3), [true])
        self.assertEqual([('h500', ['v500'])], builders.placed(plan))
        self.assertEqual(['h500'], self.cloud.read_providers)

    def test_those_that_need_more_than_the_least_are_asked_about_again(self):
        """The others need three, and two are free."""
        given = [
            estimate(host('h', server('v', VCPU=3), VCPU=3)),
            *(estimate(host('i%d' % n, VCPU=2), VCPU=9) for n in range(100)),
        ]
        plan = self.plan(given, request(VCPU=4), [host('h', VCPU=3)])
        self.assertFalse(plan.is_feasible)
        self.assertLess(len(self.cloud.read_providers), 2)

    def test_a_limit_of_victims_rules_out_as_well(self):
        given = [
            estimate(
                host(
                    'h%03d' % n,
                    *(server('%03d-%d' % (n, m), VCPU=1) for m in range(4)),
                    VCPU=4,
                )
            )
            for n in range(100)
        ]
        wanted = model.Request(('p',), {'VCPU': 3}, most_victims=2)
        plan = self.plan(given, wanted)
        self.assertEqual(
            {'more than 2 victims would have to go'},
            set(plan.reasons.values()),
        )
        self.assertEqual([], self.cloud.read_providers)

    def test_units_of_its_own_keep_a_host_from_being_ruled_out(self):
        """It gives out pairs, and the question is about three."""
        pairs = model.Inventory(4, step_size=2)
        true = host('h', server('v', VCPU=1), VCPU=pairs)
        given = dataclasses.replace(
            estimate(true, VCPU=9), potential_victims=true.potential_victims
        )
        plan = self.plan([given], request(VCPU=4), [host('h', VCPU=pairs)])
        self.assertEqual([('h', [])], builders.placed(plan))

    def test_victims_that_may_hold_more_keep_it_as_well(self):
        true = host('h', server('v', VCPU=2), VCPU=2)
        given = dataclasses.replace(
            estimate(true),
            potential_victims=(server('v', VCPU=1),),
            uncertain=frozenset({'VCPU'}),
        )
        plan = self.plan([given], request(VCPU=2), [true])
        self.assertEqual([('h', ['v'])], builders.placed(plan))

    def test_hosts_too_small_by_estimates_are_read_in_part(self):
        true = [
            host('h%03d' % n, server('v%03d' % n, VCPU=1), VCPU=1)
            for n in range(1000)
        ]
        plan = self.plan(
            [
                dataclasses.replace(
                    estimate(one, VCPU=9), uncertain=frozenset({'VCPU'})
                )
                for one in true
            ],
            request(VCPU=2),
            true,
        )
        self.assertFalse(plan.is_feasible)
        self.assertEqual(
            estimates.MOST_TOO_SMALL, len(self.cloud.read_providers)
        )
        self.assertEqual(
            {'not enough VCPU even without preemptible servers'},
            set(plan.reasons.values()),
        )
        self.assertEqual(1000, len(plan.reasons))

    @mock.patch.object(estimates, 'MOST_TOO_SMALL', 4)
    def test_the_last_hosts_that_may_be_read_count_when_read_together(self):
        true = [host('h%d' % n, VCPU=int(n > 1)) for n in range(4)]
        plan = self.plan(
            [estimate(one, VCPU=9) for one in true],
            model.Request(('p', 'q'), {'VCPU': 1}, most_per_host=1),
            true,
        )
        self.assertEqual([('h2', []), ('h3', [])], builders.placed(plan))

    def test_preemptors_that_keep_apart_read_few_hosts(self):
        wanted = model.Request(('p', 'q'), {'VCPU': 1}, most_per_host=1)
        plan = self.plan(
            [host('h%03d' % n, VCPU=2) for n in range(500)],
            wanted,
            accepts=builders.apart,
        )
        self.assertEqual(2, len({one.provider for one in plan.nominations}))
        self.assertLess(len(self.cloud.read_providers), 10)

    def test_preemptors_that_stay_together_read_few_hosts(self):
        wanted = model.Request(('p', 'q'), {'VCPU': 1}, is_together=True)
        plan = self.plan(
            [*full_hosts(500), host('large', VCPU=2)],
            wanted,
            accepts=builders.together,
        )
        self.assertEqual({'large'}, {one.provider for one in plan.nominations})
        self.assertEqual(['large'], self.cloud.read_providers)

    def test_of_unknown_hosts_the_cheapest_is_found(self):
        true = [
            host(
                'h%d' % n,
                server('v%d' % n, minutes=50 - n, CUSTOM_X=1),
                VCPU=1,
                CUSTOM_X=1,
            )
            for n in range(5)
        ]
        given = [
            model.Host(
                one.provider,
                {'VCPU': one.inventories['VCPU']},
                (server(one.potential_victims[0].uuid, VCPU=1),),
                is_worth_reading=True,
                is_unknown=True,
            )
            for one in true
        ]
        plan = self.plan(given, request(CUSTOM_X=1), true)
        self.assertEqual([('h4', ['v4'])], builders.placed(plan))
        self.assertEqual(5, len(self.cloud.read_providers))

    def test_one_alone_is_together(self):
        wanted = model.Request(('p',), {'VCPU': 1}, is_together=True)
        plan = self.plan(full_hosts(2), wanted)
        self.assertEqual([('h000', ['v000'])], builders.placed(plan))

    def test_those_that_must_stay_together_are_not_spread(self):
        wanted = model.Request(('p', 'q'), {'VCPU': 1}, is_together=True)
        plan = self.plan(full_hosts(2), wanted)
        self.assertFalse(plan.is_feasible)

    @strategies.SETTINGS
    @hypothesis.given(strategies.problems(most_preemptors=3), st.data())
    def test_hopeful_estimates_make_no_plan_dearer(self, problem, data):
        """Every host that could win by its estimate is read."""
        hosts, wanted, its_cost = problem
        given = [
            estimate(
                one,
                **{
                    name: item.used - data.draw(st.integers(0, 3))
                    for name, item in one.inventories.items()
                },
            )
            for one in hosts
        ]
        cloud = builders.FakeCloud(
            {one.provider: one for one in hosts}, builders.accept_all
        )
        by_estimates = planner.make_plan(wanted, given, its_cost, cloud)
        true = builders.make_plan(hosts, wanted, its_cost)
        self.assertEqual(true.is_feasible, by_estimates.is_feasible)
        self.assertEqual(
            test_least_cost.criteria(hosts, true, its_cost),
            test_least_cost.criteria(hosts, by_estimates, its_cost),
        )

    @strategies.SETTINGS
    @hypothesis.given(strategies.problems(most_preemptors=3), st.data())
    def test_no_host_that_can_serve_is_ruled_out(self, problem, data):
        """However small the hosts seem to be."""
        hosts, wanted, its_cost = problem
        given = [
            estimate(
                one,
                **{
                    name: item.used + data.draw(st.integers(0, 9))
                    for name, item in one.inventories.items()
                },
            )
            for one in hosts
        ]
        cloud = builders.FakeCloud(
            {one.provider: one for one in hosts}, builders.accept_all
        )
        by_estimates = planner.make_plan(wanted, given, its_cost, cloud)
        true = builders.make_plan(hosts, wanted, its_cost)
        self.assertEqual(true.is_feasible, by_estimates.is_feasible)
