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
"""The oracle of the benchmark of bursts, against trying everything."""

import itertools
import math
import random

import testtools

from opie.tests.bench import least_cost


def _by_trying(hosts, vcpus, number):
    """Return the least cost by trying all sets of servers."""
    servers = [
        (index, size, cost)
        for index, host in enumerate(hosts)
        for size, cost in host
    ]
    least = math.inf
    for chosen in itertools.product((False, True), repeat=len(servers)):
        freed = [0] * len(hosts)
        total = 0
        for is_gone, (index, size, cost) in zip(chosen, servers, strict=True):
            freed[index] += size * is_gone
            total += cost * is_gone
        if sum(size // vcpus for size in freed) >= number:
            least = min(least, total)
    return least


class LeastCostTestCase(testtools.TestCase):
    def test_it_is_what_trying_everything_finds(self):
        numbers = random.Random(7)
        for _ in range(100):
            hosts = [
                [
                    (numbers.choice([2, 4, 8]), numbers.randint(1, 20))
                    for _ in range(numbers.randint(0, 4))
                ]
                for _ in range(3)
            ]
            vcpus = numbers.choice([2, 3, 4, 8])
            number = numbers.randint(0, 5)
            self.assertEqual(
                _by_trying(hosts, vcpus, number),
                least_cost.least(hosts, vcpus, number),
                (hosts, vcpus, number),
            )

    def test_room_on_two_hosts_is_no_room_for_one_preemptor(self):
        hosts = [[(4, 1)], [(4, 1)]]
        self.assertEqual(math.inf, least_cost.least(hosts, 8, 1))
