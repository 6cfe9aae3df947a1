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


"""The least cover: the items that cover all needs at the least sum of keys."""

import hypothesis
from hypothesis import strategies as st
import testtools

from opie.preemption import cover
from opie.tests.unit.preemption import builders
from opie.tests.unit.preemption import oracle
from opie.tests.unit.preemption import strategies

# Two items of which none is much cheaper, so that there is something to do.
PAIRS = ([3, 4, 5, 6], [(2, 0), (1, 2), (0, 2), (2, 1)], (3, 3))


@builders.scenarios(
    {
        'without needs nothing is taken': ([1], [()], (), ()),
        'a row without need does not count': (
            [2, 1],
            [(1, 0), (0, 9)],
            (1, 0),
            (0,),
        ),
        'where no row has a need nothing is taken': ([0], [(1,)], (0,), ()),
        'without items there is no cover': ([], [], (1,), None),
        'all items together may be too few': (
            [1, 1],
            [(1, 9), (1, 9)],
            (3, 1),
            None,
        ),
        'a need that no item holds anything of has no cover': (
            [1],
            [(5, 0)],
            (1, 1),
            None,
        ),
        'all items together may be just enough': (
            [1, 1],
            [(1, 2), (2, 1)],
            (3, 3),
            (0, 1),
        ),
        'of identical items the first ones are taken': (
            [7, 7, 7],
            [(1,), (1,), (1,)],
            (2,),
            (0, 1),
        ),
        'of items that hold the same the cheaper ones are taken': (
            [9, 3, 7, 5],
            [(1,), (1,), (1,), (1,)],
            (2,),
            (1, 3),
        ),
        'one huge item is taken if it is cheaper than many': (
            [5, 2, 2, 2],
            [(9, 9), (3, 3), (3, 3), (3, 3)],
            (9, 9),
            (0,),
        ),
        'one huge item is not taken if many are cheaper': (
            [7, 2, 2, 2],
            [(9, 9), (3, 3), (3, 3), (3, 3)],
            (9, 9),
            (1, 2, 3),
        ),
        'a huge item is not taken where a small one is enough': (
            [5, 2],
            [(9, 9), (3, 3)],
            (3, 3),
            (1,),
        ),
        'many cheap items that do not cover do not help': (
            [9, 1, 1, 1],
            [(9, 9), (9, 0), (9, 0), (9, 0)],
            (9, 9),
            (0,),
        ),
        'items that hold nothing are left': (
            [0, 1],
            [(0, 0), (1, 1)],
            (1, 1),
            (1,),
        ),
        'a need in one row leaves what others hold alone': (
            [4, 3, 9],
            [(1, 0, 0), (0, 9, 9), (2, 0, 0)],
            (2, 0, 0),
            (2,),
        ),
        'each row has its own cheapest item': (
            [1, 2, 4, 8],
            [(1, 0), (0, 1), (1, 0), (0, 1)],
            (1, 1),
            (0, 1),
        ),
        'two items that go together beat the cheapest for each row': (
            PAIRS[0],
            PAIRS[1],
            PAIRS[2],
            (1, 3),
        ),
        'leaving out the dearest first would have missed it': (
            [10, 6, 6],
            [(4,), (2,), (2,)],
            (4,),
            (0,),
        ),
        'no item is taken in part': (
            [10, 11, 12],
            [(3,), (3,), (3,)],
            (4,),
            (0, 1),
        ),
        'amounts between two steps count as the next step': (
            [4, 5, 6],
            [(512,), (512,), (1024,)],
            (513,),
            (2,),
        ),
        'items that cost nothing are taken rather than others': (
            [0, 0, 1],
            [(1,), (1,), (2,)],
            (2,),
            (0, 1),
        ),
        'items that cost nothing are left if they are not needed': (
            [0, 0, 0],
            [(1,), (2,), (2,)],
            (2,),
            (1,),
        ),
        'keys may be longer than any number of the machine': (
            [2**600 + 1, 2**600, 2**599],
            [(2,), (2,), (1,)],
            (2,),
            (1,),
        ),
        'the last bit of a long key decides between two sets': (
            [2**600 + 1, 2**600 + 4, 2**600 + 2, 2**600 + 2],
            [(2, 1), (1, 2), (2, 1), (1, 2)],
            (3, 3),
            (0, 3),
        ),
    }
)
class LeastCoverTest(testtools.TestCase):
    def check(self, keys, holds, needs, expected):
        found = cover.least_cover(keys, holds, needs)
        self.assertEqual(
            None if expected is None else cover.Cover(expected, True), found
        )


@st.composite
def problems(draw):
    """Draw few items, of few amounts, with keys of any length."""
    rows = draw(st.integers(1, 4))
    most = draw(st.sampled_from((1, 3, 9)))
    holds = draw(
        st.lists(
            st.tuples(*[st.integers(0, most)] * rows), min_size=1, max_size=10
        )
    )
    unit = draw(st.sampled_from((1, 1000, 2**300)))
    keys = [
        unit * draw(st.integers(0, 12)) + (1 << index)
        if unit > 1
        else draw(st.integers(0, 12))
        for index in range(len(holds))
    ]
    needs = tuple(
        draw(st.integers(1, max(1, sum(hold[row] for hold in holds))))
        for row in range(rows)
    )
    return keys, holds, needs


def cost(keys, found):
    return sum(keys[item] for item in found.chosen)


class ExhaustiveSearchTest(testtools.TestCase):
    def assert_is_least(self, problem):
        keys = problem[0]
        expected = oracle.least_cover(*problem)
        found = cover.least_cover(*problem)
        if expected is None:
            self.assertIsNone(found)
            return
        self.assertTrue(found.is_least)
        self.assertEqual(expected[0], cost(keys, found))
        self.assert_is_cover(problem, found)

    def assert_is_cover(self, problem, found):
        _, holds, needs = problem
        self.assertEqual(tuple(sorted(set(found.chosen))), found.chosen)
        self.assertTrue(oracle.covers(holds, needs, found.chosen))
        self.assertTrue(oracle.is_indispensable(holds, needs, found.chosen))

    @strategies.SETTINGS
    @hypothesis.given(problems())
    def test_the_cover_is_the_least(self, problem):
        self.assert_is_least(problem)

    @strategies.SETTINGS
    @hypothesis.given(problems(), st.integers(0, 3))
    def test_a_search_given_up_still_has_a_cover(self, problem, max_nodes):
        found = cover.least_cover(*problem, max_nodes=max_nodes)
        expected = oracle.least_cover(*problem)
        hypothesis.assume(found)
        self.assert_is_cover(problem, found)
        self.assertGreaterEqual(cost(problem[0], found), expected[0])
        if found.is_least:
            self.assertEqual(expected[0], cost(problem[0], found))


class OrderTest(testtools.TestCase):
    @strategies.SETTINGS
    @hypothesis.given(problems(), st.randoms())
    def test_the_order_of_the_items_is_irrelevant(self, problem, random):
        keys, holds, needs = problem
        # Now no two sets have the same sum.
        keys = [
            (key << len(keys)) + (1 << index) for index, key in enumerate(keys)
        ]
        order = random.sample(range(len(keys)), len(keys))
        found = cover.least_cover(keys, holds, needs)
        again = cover.least_cover(
            [keys[item] for item in order],
            [holds[item] for item in order],
            needs,
        )
        hypothesis.assume(found)
        self.assertEqual(
            found.chosen, tuple(sorted(order[item] for item in again.chosen))
        )


class GivenUpTest(testtools.TestCase):
    def test_it_is_not_said_to_be_the_least(self):
        found = cover.least_cover(*PAIRS, max_nodes=0)
        self.assertFalse(found.is_least)
        self.assertTrue(oracle.covers(*PAIRS[1:], found.chosen))
        self.assertTrue(oracle.is_indispensable(*PAIRS[1:], found.chosen))

    def test_one_item_that_is_enough_needs_no_search(self):
        found = cover.least_cover([1, 5], [(2,), (3,)], (2,), max_nodes=0)
        self.assertEqual(cover.Cover((0,), True), found)
