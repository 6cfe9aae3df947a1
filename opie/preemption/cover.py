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

"""Which items cover all needs at the least sum of keys.

Of all sets that cover every need, and of which no item can be left out, this
is the one whose keys have the least sum.  A key may be negative: to take an
item can be a gain, and still no set has more items than it needs.
"""

import dataclasses
import math

from opie.preemption import branching
from opie.preemption import covering

DEFAULT_MAX_NODES = 50_000


@dataclasses.dataclass(frozen=True)
class Cover:
    """A set of items that covers all needs, each of them indispensable.

    :ivar chosen: indexes of the items, ascending; None if all sets that cover
        have more items than allowed, or if none with fewer is known.
    :ivar is_least: whether no other such set has a lesser sum of keys; if
        not, the search was given up and this is the best one it has met.
    """

    chosen: tuple
    is_least: bool


def least_cover(
    keys, holds, needs, max_nodes=DEFAULT_MAX_NODES, most_items=None
):
    """Return the least cover, None if all items together do not cover.

    It is exact unless ``max_nodes`` is used up.  With the default that was
    not seen for up to 120 servers of realistic flavors with 6 rows, nor for
    as many items whose holds and keys are random; where most of those are
    needed, one search took 38,000.

    It is seen where items hold anything and keys grow with that: in most
    cases of 60 items and 6 rows, and in one of five of 40 items and 3 rows
    when all cost the same and what they hold breaks the tie.  It is also seen
    when all keys are negative: not for 25 items, mostly for 40.

    :param keys: what each item costs, an integer of any sign and length.
    :param holds: for each item a tuple of what it holds of each row, integers
        from zero.
    :param needs: a tuple of what is needed of each row; a row without need
        has zero or less.
    :param max_nodes: how many relaxations may be solved before the search is
        given up, and a few hundred more; one takes about 0.05 ms for a dozen
        items, and 0.4 ms for 120 of them and 6 rows.
    :param most_items: how many items may be taken, None for any number.  It
        costs a search of its own when the least of all covers takes more.
    :returns: a :class:`Cover`.
    """
    if any(need <= 0 for need in needs):
        holds = [_of_rows_in_need(hold, needs) for hold in holds]
        needs = _of_rows_in_need(needs, needs)
    if not needs:
        return Cover((), True)
    holds = [tuple(map(min, hold, needs)) for hold in holds]
    if not covering.suffices(holds, needs):
        return None
    if most_items == 0:
        return Cover(None, True)
    useful = sorted(
        (index for index, hold in enumerate(holds) if any(hold)),
        key=lambda index: (keys[index], index),
    )
    keys = [keys[index] for index in useful]
    holds = [holds[index] for index in useful]
    if keys[0] < 0:
        chosen, is_least = _search(keys, holds, needs, max_nodes, most_items)
    else:
        chosen, is_least = _cover_without_gain(
            keys, holds, needs, max_nodes, most_items
        )
    if chosen is None:
        return Cover(None, is_least)
    return Cover(tuple(sorted(useful[item] for item in chosen)), is_least)


def _of_rows_in_need(amounts, needs):
    return tuple(
        amount for amount, need in zip(amounts, needs, strict=True) if need > 0
    )


def _cover_without_gain(keys, holds, needs, max_nodes, most_items):
    """Look first for one item that is enough: mostly that is the answer.

    Whoever costs as much as the cheapest of those is in no better cover.
    """
    if needs in holds:
        single = holds.index(needs)
        if (
            single < 2
            or keys[0] + keys[1] >= keys[single]
            or not covering.suffices(holds[:single], needs)
        ):
            return (single,), True
        keys, holds = keys[: single + 1], holds[: single + 1]
    return _search(keys, holds, needs, max_nodes, most_items)


def _search(keys, holds, needs, max_nodes, most_items):
    holds, needs = _in_steps(holds, needs)
    everyone = covering.make_problem(keys, holds, needs)
    wanted = everyone.not_superfluous()
    problem = covering.make_problem(
        [keys[item] for item in wanted],
        [holds[item] for item in wanted],
        needs,
    )
    least, is_least = branching.least(problem, max_nodes, most_items)
    if least is None:
        return None, is_least
    return [wanted[item] for item in covering.members(least)], is_least


def _in_steps(holds, needs):
    """Measure each row by its items' greatest common divisor.

    Small numbers are faster, and a need between two steps is the next one.
    """
    steps = [math.gcd(*row) for row in zip(*holds, strict=True)]
    needs = tuple(
        -(-need // step) for need, step in zip(needs, steps, strict=True)
    )
    holds = [
        tuple(amount // step for amount, step in zip(hold, steps, strict=True))
        for hold in holds
    ]
    return holds, needs
