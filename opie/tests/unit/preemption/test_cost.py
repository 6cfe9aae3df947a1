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


"""The cost of evicting a server."""

import math

import hypothesis
from hypothesis import strategies as st
import testtools

from opie.preemption import cost
from opie.preemption import errors
from opie.tests.unit.preemption import builders
from opie.tests.unit.preemption import strategies


@builders.scenarios(
    {
        'a server just launched has begun no period': (0, 3600, 0),
        'within the first period all of the time counts': (59, 3600, 59),
        'one second before the end of a period': (3599, 3600, 3599),
        'at the end of a period nothing is lost': (3600, 3600, 0),
        'one second into the second period': (3601, 3600, 1),
        'after 1 h 59 min there are 59 min': (7140, 3600, 3540),
        'after 1 h 01 min there is 1 min': (3660, 3600, 60),
        'fractions of a second count': (60.5, 60, 0.5),
        'a period may be a day': (90000, 86400, 3600),
        'a launch in the future is a launch now': (-5, 3600, 0),
    }
)
class SecondsBeyondLastFullPeriodTest(testtools.TestCase):
    def check(self, runtime_seconds, period_seconds, expected):
        self.assertEqual(
            expected,
            cost.seconds_beyond_last_full_period(
                runtime_seconds, period_seconds
            ),
        )


@builders.scenarios(
    {
        'a period of no length': (0,),
        'a period of negative length': (-3600,),
    }
)
class InvalidPeriodTest(testtools.TestCase):
    def check(self, period_seconds):
        error = self.assertRaises(
            errors.InvalidCost,
            cost.Cost,
            billing_period_seconds=period_seconds,
        )
        self.assertIn('longer than zero seconds', str(error))


@builders.scenarios(
    {
        'an endless count multiplier': ('count_multiplier', float('inf')),
        'a duration multiplier that is no number': (
            'duration_multiplier',
            float('nan'),
        ),
        'an endless age multiplier': ('age_multiplier', float('-inf')),
    }
)
class InvalidMultiplierTest(testtools.TestCase):
    def check(self, name, value):
        error = self.assertRaises(
            errors.InvalidCost, cost.Cost, **{name: value}
        )
        self.assertIn(name.replace('_', ' '), str(error))


@builders.scenarios(
    {
        'each victim costs the count multiplier': ((7, 0, 60), [0, 30], 14),
        'a victim costs the part of its period': ((0, 8, 60), [15], 2),
        'a full period costs no more than its count': ((1, 8, 60), [60], 1),
        'both parts are added over all victims': ((1, 8, 60), [15, 90], 8),
        'a count multiplier below zero is zero': ((-1, 8, 60), [30], 4),
        'a duration multiplier below zero is zero': ((1, -8, 60), [30], 1),
        'no victims cost nothing': ((1, 8, 60), [], 0),
    }
)
class CostOfAllTest(testtools.TestCase):
    def check(self, its_cost, minutes, expected):
        count, duration, period_minutes = its_cost
        victims = [
            builders.server('v%d' % number, minutes=runtime, VCPU=1)
            for number, runtime in enumerate(minutes)
        ]
        its_cost = cost.Cost(count, duration, period_minutes * 60)
        self.assertEqual(expected, its_cost.cost_of_all(victims))


class CostTest(testtools.TestCase):
    def test_multipliers_below_zero_are_zero(self):
        its_cost = cost.Cost(-1.0, -1e9, age_multiplier=-0.5)
        self.assertEqual(cost.Cost(0.0, 0.0), its_cost)

    def test_1_h_59_min_costs_more_than_1_h_01_min(self):
        longer = builders.server('longer', minutes=119, VCPU=1)
        shorter = builders.server('shorter', minutes=61, VCPU=1)
        self.assertGreater(
            cost.Cost().cost_of(longer), cost.Cost().cost_of(shorter)
        )

    def test_the_defaults_are_those_of_the_documentation(self):
        half_a_period = builders.server('v', minutes=30, VCPU=1)
        self.assertEqual(1500.0, cost.Cost().cost_of(half_a_period))

    def test_what_a_server_holds_does_not_count(self):
        self.assertEqual(
            cost.Cost().cost_of(builders.server('small', VCPU=1)),
            cost.Cost().cost_of(builders.server('large', VCPU=64)),
        )

    @strategies.SETTINGS
    @hypothesis.given(
        st.lists(st.integers(0, 100000), max_size=8), st.randoms()
    )
    def test_the_order_of_victims_is_irrelevant(self, runtimes, random):
        its_cost = cost.Cost(1000.1, 0.3, 7)
        victims = [
            builders.server('v%d' % number, minutes=runtime, VCPU=1)
            for number, runtime in enumerate(runtimes)
        ]
        shuffled = random.sample(victims, len(victims))
        self.assertEqual(
            its_cost.cost_of_all(victims), its_cost.cost_of_all(shuffled)
        )

    @strategies.SETTINGS
    @hypothesis.given(
        st.floats(-1e9, 1e9), st.floats(1e-3, 1e7, exclude_min=True)
    )
    def test_less_than_a_period_is_ever_lost(self, runtime, period):
        lost = cost.seconds_beyond_last_full_period(runtime, period)
        self.assertTrue(0 <= lost < period, lost)

    @strategies.SETTINGS
    @hypothesis.given(st.integers(0, 10**6), st.integers(1, 10**5))
    def test_a_full_period_more_changes_nothing(self, runtime, period):
        def lost(seconds):
            return cost.seconds_beyond_last_full_period(seconds, period)

        self.assertTrue(math.isclose(lost(runtime), lost(runtime + period)))
