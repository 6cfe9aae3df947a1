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


"""Which hosts and victims a plan names, case by case."""

import testtools

from opie.preemption import errors
from opie.tests.unit.preemption import builders

host = builders.host
inventory = builders.inventory
request = builders.request
server = builders.server


def full_host(uuid, *servers, **fields):
    """Return a host of which the servers hold every core."""
    cores = sum(one.held['VCPU'] for one in servers)
    return host(uuid, *servers, VCPU=cores, **fields)


@builders.scenarios(
    {
        'a host with room is taken rather than any victim': (
            [full_host('a', server('v', VCPU=1)), host('b', VCPU=1)],
            request(VCPU=1),
            [('b', [])],
        ),
        'a host with room is taken even if victims cost nothing': (
            [full_host('a', server('v', VCPU=1)), host('b', VCPU=1)],
            request(VCPU=1),
            [('b', [])],
            builders.NO_COST,
        ),
        'a host with room is taken even if multipliers are below zero': (
            [full_host('a', server('v', VCPU=1)), host('b', VCPU=1)],
            request(VCPU=1),
            [('b', [])],
            builders.BELOW_ZERO,
        ),
        'a host with room is taken even if the cloud prefers the other': (
            [
                full_host('a', server('v', VCPU=1), preference=0),
                host('b', VCPU=1, preference=9),
            ],
            request(VCPU=1),
            [('b', [])],
        ),
        'of two hosts with room the cloud chooses': (
            [host('a', VCPU=1, preference=1), host('b', VCPU=1)],
            request(VCPU=1),
            [('b', [])],
        ),
        'of two hosts with room and no preference the first uuid wins': (
            [host('b', VCPU=1), host('a', VCPU=1)],
            request(VCPU=1),
            [('a', [])],
        ),
        'one victim is better than two': (
            [
                full_host('a', server('v', VCPU=1), server('w', VCPU=1)),
                full_host('b', server('x', VCPU=2)),
            ],
            request(VCPU=2),
            [('b', ['x'])],
        ),
        'where victims cost nothing, fewer of them are better': (
            [
                full_host('a', server('v', VCPU=1), server('w', VCPU=1)),
                full_host('b', server('x', VCPU=2), preference=1),
            ],
            request(VCPU=2),
            [('b', ['x'])],
            builders.NO_COST,
        ),
        'a victim of 1 h 01 min is better than one of 1 h 59 min': (
            [
                full_host('a', server('v', VCPU=1, minutes=119)),
                full_host('b', server('w', VCPU=1, minutes=61)),
            ],
            request(VCPU=1),
            [('b', ['w'])],
        ),
        'the cheaper victim wins over the preferred host': (
            [
                full_host('a', server('v', VCPU=1, minutes=59)),
                full_host('b', server('w', VCPU=1), preference=9),
            ],
            request(VCPU=1),
            [('b', ['w'])],
        ),
        'where victims cost the same the cloud chooses the host': (
            [
                full_host('a', server('v', VCPU=1), preference=1),
                full_host('b', server('w', VCPU=1)),
            ],
            request(VCPU=1),
            [('b', ['w'])],
        ),
        'where all is the same the first host uuid wins': (
            [
                full_host('b', server('v', VCPU=1)),
                full_host('a', server('w', VCPU=1)),
            ],
            request(VCPU=1),
            [('a', ['w'])],
        ),
        'a host too small is passed over': (
            [
                full_host('a', server('v', VCPU=1)),
                full_host('b', server('w', VCPU=2, minutes=59)),
            ],
            request(VCPU=2),
            [('b', ['w'])],
        ),
    }
)
class OnePreemptorTest(testtools.TestCase):
    def check(self, hosts, request, expected, *its_cost):
        plan = builders.make_plan(hosts, request, *its_cost)
        self.assertEqual(expected, builders.placed(plan))


@builders.scenarios(
    {
        'each goes where it costs least': (
            [
                full_host('a', server('v', VCPU=1, minutes=30)),
                full_host('b', server('w', VCPU=1)),
            ],
            request('p', 'q', VCPU=1),
            [('b', ['w']), ('a', ['v'])],
        ),
        'the second one uses what is left by the first': (
            [full_host('a', server('v', VCPU=4))],
            request('p', 'q', VCPU=2),
            [('a', ['v']), ('a', [])],
        ),
        'room is used up before any server goes': (
            [
                host('a', server('v', VCPU=1), VCPU=2),
                host('b', VCPU=1),
            ],
            request('p', 'q', 'r', VCPU=1),
            [('b', []), ('a', ['v']), ('a', [])],
        ),
        'no server is a victim twice': (
            [full_host('a', server('v', VCPU=1), server('w', VCPU=1))],
            request('p', 'q', VCPU=1),
            [('a', ['v', 'w']), ('a', [])],
        ),
        'all or nothing': (
            [full_host('a', server('v', VCPU=2)), host('b', VCPU=1)],
            request('p', 'q', 'r', 's', VCPU=1),
            [],
        ),
    }
)
class SeveralPreemptorsTest(testtools.TestCase):
    def check(self, hosts, request, expected):
        plan = builders.make_plan(hosts, request)
        self.assertEqual(expected, builders.placed(plan))


class PlanContentsTest(testtools.TestCase):
    def test_the_cost_is_that_of_all_victims(self):
        plan = builders.make_plan(
            [
                full_host('a', server('v', VCPU=1)),
                full_host('b', server('w', VCPU=1, minutes=30)),
            ],
            request('p', 'q', VCPU=1),
        )
        self.assertEqual(2500.0, plan.cost)

    def test_preemptors_are_nominated_in_the_order_of_the_request(self):
        plan = builders.make_plan(
            [host('a', VCPU=2)], request('q', 'p', VCPU=1)
        )
        self.assertEqual(
            ['q', 'p'], [one.preemptor for one in plan.nominations]
        )

    def test_a_request_that_cannot_be_served_costs_no_server(self):
        plan = builders.make_plan(
            [full_host('a', server('v', VCPU=1))], request('p', 'q', VCPU=1)
        )
        self.assertFalse(plan.is_feasible)
        self.assertEqual((0.0, (), {}), (plan.cost, plan.victims, plan.shares))

    def test_every_host_that_cannot_serve_has_its_reason(self):
        plan = builders.make_plan(
            [
                host('full', busy={'VCPU': 1}, VCPU=1),
                host('plain', DISK_GB=1),
                host('coarse', VCPU=inventory(8, step_size=2)),
                host('refused', VCPU=1),
            ],
            request(VCPU=1),
            accepts=lambda host, gone, nominations: 'not for you',
        )
        self.assertEqual(
            {
                'full': 'not enough VCPU even without preemptible servers',
                'plain': 'no inventory of VCPU',
                'coarse': 'its units of VCPU do not allow the amount',
                'refused': 'not for you',
            },
            plan.reasons,
        )

    def test_a_plan_tells_why_the_other_hosts_cannot_serve(self):
        plan = builders.make_plan(
            [host('a', VCPU=1), host('b', DISK_GB=1)], request(VCPU=1)
        )
        self.assertTrue(plan.is_feasible)
        self.assertEqual({'b': 'no inventory of VCPU'}, plan.reasons)

    def test_no_hosts_no_plan(self):
        plan = builders.make_plan([], request(VCPU=1))
        self.assertFalse(plan.is_feasible)
        self.assertEqual({}, plan.reasons)

    def test_a_host_listed_twice_is_refused(self):
        error = self.assertRaises(
            errors.InvalidRequest,
            builders.make_plan,
            [host('b', VCPU=1), host('a', VCPU=1), host('b', VCPU=2)],
            request(VCPU=1),
        )
        self.assertIn('b is listed twice', str(error))

    def test_a_host_whose_victims_cannot_be_split_is_passed_over(self):
        plan = builders.make_plan(
            [
                full_host('b', server('w', VCPU=4, minutes=59)),
                host(
                    'a',
                    server('v', VCPU=4),
                    VCPU=inventory(4, min_unit=3),
                ),
            ],
            request(VCPU=3),
        )
        self.assertEqual([('b', ['w'])], builders.placed(plan))
        self.assertEqual(
            {
                'a': 'placement would refuse what is left allocated to a '
                'victim: min_unit, max_unit or step_size'
            },
            plan.reasons,
        )

    def test_another_victim_is_chosen_where_one_cannot_be_split(self):
        plan = builders.make_plan(
            [
                host(
                    'a',
                    server('v', VCPU=2, minutes=30),
                    server('w', VCPU=3),
                    VCPU=inventory(5, min_unit=2),
                )
            ],
            request(VCPU=2),
        )
        self.assertEqual([('a', ['v'])], builders.placed(plan))

    def test_a_server_that_cannot_be_written_again_is_no_victim(self):
        plan = builders.make_plan(
            [
                host(
                    'a',
                    server('v', VCPU=2, DISK_GB=5),
                    server('w', VCPU=2, DISK_GB=4, minutes=30),
                    VCPU=4,
                    DISK_GB=inventory(9, step_size=2),
                )
            ],
            request(VCPU=2),
        )
        self.assertEqual([('a', ['w'])], builders.placed(plan))

    def test_a_server_is_no_victim_on_two_hosts(self):
        error = self.assertRaises(
            errors.InvalidRequest,
            builders.make_plan,
            [full_host(uuid, server('v', VCPU=1)) for uuid in 'ab'],
            request('p', 'q', VCPU=1),
        )
        self.assertIn('v is listed twice', str(error))
