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

"""What is to be covered, by which items, and which of them come first.

An item that costs no more than another one and holds no less is preferred to
it: some least cover takes the other one only together with all preferred
ones.  When to take an item is a gain, this is so of items that hold the same
only: a larger one could make others dispensable.

Sets of items are integers, with a bit for each item.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Problem:
    """Needs and the items to cover them.

    :ivar keys: what each item costs, ascending.
    :ivar holds: for each item what it holds of each row, of no row more than
        is needed.
    :ivar needs: what is needed of each row, more than zero.
    :ivar before: for each item the ones that are preferred to it.
    :ivar after: for each item the ones that it is preferred to.
    """

    keys: list
    holds: list
    needs: tuple
    before: list
    after: list

    @property
    def has_gain(self):
        """Tell whether to take an item can be a gain."""
        return self.keys[0] < 0

    def cost(self, items):
        """Return the sum of a set's keys."""
        return sum(self.keys[item] for item in members(items))

    def spare(self, items):
        """Leave out whom the others do not need, the dearest first.

        :returns: the items that remain, None if a set does not cover.
        """
        surplus = [-need for need in self.needs]
        chosen = members(items)
        for item in chosen:
            surplus = _sum(surplus, self.holds[item])
        if min(surplus) < 0:
            return None
        for item in reversed(chosen):
            left = _difference(surplus, self.holds[item])
            if min(left) >= 0:
                surplus = left
                items ^= 1 << item
        return items

    def not_superfluous(self):
        """Return the items whose preferred ones do not cover by themselves."""
        return [
            item
            for item, preferred in enumerate(self.before)
            if not self._covers(preferred)
        ]

    def _covers(self, items):
        left = self.needs
        for item in members(items):
            left = _difference(left, self.holds[item])
            if max(left) <= 0:
                return True
        return False


def make_problem(keys, holds, needs):
    """Return the problem of items in ascending order of their keys."""
    if keys[0] < 0:
        no_less = no_more = _that_hold_the_same(holds)
    else:
        no_less, no_more = _that_hold_no_less_and_no_more(holds)
    return Problem(
        keys,
        holds,
        needs,
        before=[
            others & ((1 << item) - 1) for item, others in enumerate(no_less)
        ],
        after=[
            others >> item + 1 << item + 1
            for item, others in enumerate(no_more)
        ],
    )


def suffices(holds, needs):
    """Tell whether all items together cover the needs."""
    totals = map(sum, zip(*holds, strict=True))
    return bool(holds) and all(map(int.__ge__, totals, needs))


def members(items):
    """Return the indexes of a set's items, ascending."""
    found = []
    while items:
        rest = items & (items - 1)
        found.append((items ^ rest).bit_length() - 1)
        items = rest
    return found


def _that_hold_the_same(holds):
    same = {}
    for item, hold in enumerate(holds):
        same[hold] = same.get(hold, 0) | 1 << item
    return [same[hold] for hold in holds]


def _that_hold_no_less_and_no_more(holds):
    everyone = (1 << len(holds)) - 1
    no_less = [everyone] * len(holds)
    no_more = [everyone] * len(holds)
    for row in zip(*holds, strict=True):
        same = _that_hold_the_same(row)
        so_far = 0
        up_to = {}
        for amount, items in sorted(set(zip(row, same, strict=True))):
            so_far |= items
            up_to[amount] = so_far
        for item, amount in enumerate(row):
            no_more[item] &= up_to[amount]
            no_less[item] &= everyone ^ up_to[amount] | same[item]
    return no_less, no_more


def _sum(amounts, others):
    return [a + b for a, b in zip(amounts, others, strict=True)]


def _difference(amounts, others):
    return [a - b for a, b in zip(amounts, others, strict=True)]
