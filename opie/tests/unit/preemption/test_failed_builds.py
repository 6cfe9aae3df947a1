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

"""Hosts whose builds have failed lately give way to others."""

import dataclasses

import testtools

from opie.preemption import model
from opie.tests.unit.preemption import builders

host = builders.host
request = builders.request
server = builders.server

_UNMINDFUL = dataclasses.replace(builders.USUAL, avoids_failed_builds=False)
_YOUNG_ARE_SPARED = dataclasses.replace(
    builders.USUAL, min_runtime_seconds=1800
)


def full_host(uuid, failed_builds=0, minutes=0, number=1):
    """Return a host full of servers of one core each."""
    servers = [
        server('%s-%d' % (uuid, index), minutes, VCPU=1)
        for index in range(number)
    ]
    return host(uuid, *servers, failed_builds=failed_builds, VCPU=number)


@builders.scenarios(
    {
        'a host whose builds fail is no bargain': (
            [full_host('a', 1), full_host('b', minutes=59)],
            request(VCPU=1),
            builders.USUAL,
            ['b'],
        ),
        'nor for fewer victims': (
            [
                host('a', server('v', VCPU=2), VCPU=2, failed_builds=1),
                full_host('b', minutes=59, number=2),
            ],
            request(VCPU=2),
            builders.USUAL,
            ['b'],
        ),
        'nor to spare the young': (
            [full_host('a', 1, minutes=59), full_host('b', minutes=1)],
            request(VCPU=1),
            _YOUNG_ARE_SPARED,
            ['b'],
        ),
        'of hosts whose builds fail the one with fewest failures is taken': (
            [full_host('a', 9), full_host('b', 2, 59), full_host('c', 3)],
            request(VCPU=1),
            builders.USUAL,
            ['b'],
        ),
        'it serves where no other can': (
            [full_host('a', 9, number=2), full_host('b')],
            request(VCPU=2),
            builders.USUAL,
            ['a'],
        ),
        'it serves those that others have no place for': (
            [full_host('a', 1), full_host('b', minutes=59)],
            request('p', 'q', VCPU=1),
            builders.USUAL,
            ['a', 'b'],
        ),
        'several avoid it where others have place for all': (
            [full_host('a', 1), full_host('b', minutes=59, number=2)],
            request('p', 'q', VCPU=1),
            builders.USUAL,
            ['b', 'b'],
        ),
        'where it has room no server is evicted elsewhere': (
            [host('a', VCPU=1, failed_builds=5), full_host('b')],
            request(VCPU=1),
            builders.USUAL,
            ['a'],
        ),
        'nor where it is about to have room': (
            [
                host(
                    'a',
                    builders.leaving('l', VCPU=1),
                    VCPU=1,
                    failed_builds=5,
                ),
                full_host('b'),
            ],
            request(VCPU=1),
            builders.USUAL,
            ['a'],
        ),
        'cost alone decides where the operator says so': (
            [full_host('a', 1), full_host('b', minutes=59)],
            request(VCPU=1),
            _UNMINDFUL,
            ['a'],
        ),
        'a limit of victims is kept by it if it must be': (
            [
                host('a', server('v', VCPU=4), VCPU=4, failed_builds=1),
                full_host('b', number=4),
            ],
            dataclasses.replace(request('p', 'q', VCPU=2), most_victims=1),
            builders.USUAL,
            ['a', 'a'],
        ),
        'and without it if it can be': (
            [
                host('a', server('v', VCPU=4), VCPU=4, failed_builds=1),
                host(
                    'b',
                    server('dear', 59, VCPU=4),
                    *full_host('cheap', number=4).potential_victims,
                    VCPU=8,
                ),
            ],
            dataclasses.replace(request('p', 'q', VCPU=2), most_victims=1),
            dataclasses.replace(builders.USUAL, count_multiplier=1.0),
            ['b', 'b'],
        ),
        'no preference of nearly equal cost leads there': (
            [
                full_host('a', 1, minutes=10),
                host('b', server('v', 10, VCPU=1), VCPU=1, preference=1),
            ],
            dataclasses.replace(request(VCPU=1), tolerance=0.1),
            builders.USUAL,
            ['b'],
        ),
    }
)
class FailedBuildsTest(testtools.TestCase):
    def check(self, hosts, wanted, its_cost, expected):
        plan = builders.make_plan(hosts, wanted, its_cost)
        self.assertEqual(
            expected, sorted(one.provider for one in plan.nominations)
        )


class ReadingTest(testtools.TestCase):
    def test_what_a_host_says_when_it_is_read_counts(self):
        """Its builds have begun to fail since it was read last."""
        now = {
            one.provider: one
            for one in (full_host('a', 1), full_host('b', minutes=59))
        }
        cloud = builders.FakeCloud(now, builders.accept_all)
        plan = builders.planner.make_plan(
            request(VCPU=1),
            [full_host('a'), now['b']],
            builders.USUAL,
            cloud,
        )
        self.assertEqual([('b', ['b-0'])], builders.placed(plan))

    def test_it_is_not_read_where_another_host_will_do(self):
        hosts = [full_host('a', 1), full_host('b', minutes=59)]
        cloud = builders.FakeCloud(
            {one.provider: one for one in hosts}, builders.accept_all
        )
        builders.planner.make_plan(
            request(VCPU=1), hosts, builders.USUAL, cloud
        )
        self.assertEqual(['b'], cloud.read_providers)

    def test_it_serves_where_all_others_turn_out_unfit(self):
        hosts = [full_host('a', 1), full_host('b')]
        cloud = builders.FakeCloud(
            {'a': hosts[0], 'b': model.Unfit('down')}, builders.accept_all
        )
        plan = builders.planner.make_plan(
            request(VCPU=1), hosts, builders.USUAL, cloud
        )
        self.assertEqual([('a', ['a-0'])], builders.placed(plan))
