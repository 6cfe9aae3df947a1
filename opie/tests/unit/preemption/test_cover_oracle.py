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


"""The least cover is what CP-SAT says it is, of thousands of random cases."""

import random

import testtools

from opie.preemption import cover
from opie.tests.unit.preemption import cover_cases
from opie.tests.unit.preemption import cpsat


class _AgainstCpSat(testtools.TestCase):
    def check(self, number, generator, *arguments, **options):
        """Compare a number of cases, each with its own seed."""
        for index in range(number):
            seed = '%s %d' % (self.id().rpartition('.')[2], index)
            problem = generator(random.Random(seed), *arguments, **options)
            found = cover.least_cover(*problem)
            keys = problem[0]
            self.assertEqual(
                (cpsat.least_cost(*problem), True),
                (sum(keys[item] for item in found.chosen), found.is_least),
                'seed %r' % seed,
            )


class ServersTest(_AgainstCpSat):
    def test_of_a_small_host(self):
        self.check(400, cover_cases.servers, 30)

    def test_of_a_large_host(self):
        self.check(200, cover_cases.servers, 120)


class EqualCostTest(_AgainstCpSat):
    def test_of_a_small_host(self):
        self.check(200, cover_cases.servers, 30, is_equal=True)

    def test_of_a_large_host(self):
        self.check(60, cover_cases.servers, 120, is_equal=True)


class UniformTest(_AgainstCpSat):
    def test_few_items(self):
        self.check(300, cover_cases.uniform, 40)

    def test_many_items(self):
        self.check(60, cover_cases.uniform, 120)


class TightTest(_AgainstCpSat):
    def test_few_items(self):
        self.check(250, cover_cases.tight, 40)

    def test_many_items(self):
        self.check(40, cover_cases.tight, 120)


class CorrelatedTest(_AgainstCpSat):
    def test_few_items(self):
        self.check(250, cover_cases.correlated, 30, 6)

    def test_more_items_of_few_rows(self):
        self.check(40, cover_cases.correlated, 60, 3)


class OneShortRowTest(_AgainstCpSat):
    def test_few_items(self):
        self.check(250, cover_cases.short_of_one, 40)

    def test_many_items(self):
        self.check(60, cover_cases.short_of_one, 120)


class RuledTest(_AgainstCpSat):
    def test_of_a_small_host(self):
        self.check(200, cover_cases.ruled, 30)

    def test_of_a_large_host(self):
        self.check(100, cover_cases.ruled, 120)
