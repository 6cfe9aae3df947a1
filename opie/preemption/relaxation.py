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


"""The least that a cover would cost if items could be taken in part.

Then it is a linear program, and its optimum is a lower bound for covers of
whole items.  Its dual says what each row is worth: from prices of zero, each
pivot raises the bound, so that a node is left once it reaches the limit.

Numbers are whole, because keys are longer than a float and no bit may be lost:
prices, values and reduced costs are ``scale`` times what they stand for.

Sources: the dual simplex method for bounded variables with the long-step rule
(bound flipping), I. Maros, "Computational Techniques of the Simplex Method"
(2003); pivots on integers after E. H. Bareiss, "Sylvester's identity and
multistep integer-preserving Gaussian elimination", Mathematics of Computation
22 (1968); the choice of the next item after N. J. Driebeek, "An algorithm for
the solution of mixed integer programming problems", Management Science 12
(1966).
"""

import math

from opie.preemption import vectors

_Vector = vectors.Vector
# A column, the row that the prices follow, and how much a step along the row
# changes each reduced cost.
_Entering = tuple[int, list[int], dict[int, int]]

# More than any relaxation was seen to need.  One that needs more may be
# cycling, and what it has come to is a bound as well.
_MOST_PIVOTS = 300


class Relaxation:
    """The linear relaxation of a node: some items are decided.

    Items are columns from zero up, whose upper bound is one.  The surplus of
    row r is column -1 - r, which costs nothing and has no upper bound.
    """

    def __init__(
        self,
        keys: list[int],
        holds: list[_Vector],
        needs: _Vector,
    ) -> None:
        rows = range(len(needs))
        unit = [[-int(row == other) for other in rows] for row in rows]
        self._keys = keys
        self._columns = [*holds, *reversed(unit)]
        # Taken items are taken off the needs.
        self._needs = needs
        self._taken: tuple[int, ...] = ()
        self._cost = 0
        # Of the items that are undecided and not in the basis.
        self._reduced_costs = dict(enumerate(keys))
        # Those of them that are at their upper bound.
        self._upper: set[int] = set()
        # Decided items that are still in the basis.  Nothing more may be taken
        # of them: their upper bound is zero.
        self._fixed: frozenset[int] = frozenset()
        self._scale = 1
        self._prices = [0 for _ in rows]
        self._inverse = unit
        self._basis = [-1 - row for row in rows]

    def copy(self) -> 'Relaxation':
        """Return another one, to decide an item otherwise."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin._reduced_costs = self._reduced_costs.copy()
        twin._upper = self._upper.copy()
        twin._inverse = self._inverse[:]
        twin._basis = self._basis[:]
        return twin

    def solve(self, limit: int) -> bool:
        """Raise the bound to the optimum, or until it reaches the limit.

        :returns: whether there may be a cover that costs less.
        """
        for _ in range(_MOST_PIVOTS):
            self._evaluate()
            if self._gap(limit) < 0:
                return False
            leaving = self._leaving()
            if leaving is None:
                return True
            line, sign, slope = leaving
            entering = self._entering(line, sign, slope)
            if entering is None:
                return False
            self._pivot(line, sign, entering)
        self._evaluate()
        return True

    def support(self) -> list[int]:
        """Return the items that are taken, be it only in part."""
        return [
            *self._taken,
            *self._upper,
            *(
                column
                for column, value in zip(
                    self._basis, self._values, strict=True
                )
                if column >= 0 and value > 0
            ),
        ]

    def undecided(self) -> list[int]:
        """Return the items that are neither taken nor left for good."""
        return [
            *self._reduced_costs,
            *(
                column
                for column in self._basis
                if column >= 0 and column not in self._fixed
            ),
        ]

    def branching_item(self) -> tuple[int | None, bool]:
        """Choose the next item to decide: one that raises the bound the most.

        Of its two decisions the one that raises the bound less counts.

        :returns: the item and whether it is cheaper to take it; None if the
            optimum divides no item.
        """
        greatest: tuple[float, ...] = (-1,)
        choice: tuple[int | None, bool] = None, False
        for line, value in enumerate(self._values):
            if self._basis[line] >= 0 and 0 < value < self._scale:
                down, up = self._rises(self._inverse[line], value)
                rises = min(down, up), max(down, up)
                if rises > greatest:
                    greatest = rises
                    choice = self._basis[line], up <= down
        if choice[0] is None and self._leaving():
            return next(iter(self.undecided()), None), True
        return choice

    def _rises(self, row: _Vector, value: int) -> tuple[float, float]:
        """Return what the bound gains when an item is left, and taken."""
        slants = [
            (vectors.product(row, self._columns[item]), cost)
            for item, cost in self._reduced_costs.items()
        ]
        slants += [
            (-row[number], price)
            for number, price in enumerate(self._prices)
            if -1 - number not in self._basis
        ]
        down = up = math.inf
        for slant, cost in slants:
            if slant and (slant > 0) == (cost >= 0):
                down = min(down, cost // slant)
            elif slant:
                up = min(up, cost // -slant)
        return down * value, up * (self._scale - value)

    def decide(self, items: list[int], is_taken: bool) -> None:
        """Take undecided items, or leave them, for good."""
        if is_taken:
            self._taken = (*self._taken, *items)
            self._cost += sum(self._keys[item] for item in items)
            for item in items:
                self._needs = vectors.less(self._needs, self._columns[item])
        gone = set(items).difference(self._basis)
        self._fixed = self._fixed.union(items).difference(gone)
        self._upper -= gone
        for item in gone:
            del self._reduced_costs[item]

    def fix_by_reduced_cost(self, limit: int) -> bool:
        """Decide the items that would reach the limit if decided otherwise.

        :returns: whether there may be a cover that costs less.
        """
        gap = self._gap(limit)
        if gap < 0:
            return False
        costs = self._reduced_costs.items()
        self.decide([item for item, cost in costs if cost > gap], False)
        self.decide([item for item, cost in costs if cost < -gap], True)
        return True

    def _evaluate(self) -> None:
        """Compute the bound and the values of the basis."""
        self._bound = (
            self._scale * self._cost
            + vectors.product(self._prices, self._needs)
            + sum([cost for cost in self._reduced_costs.values() if cost < 0])
        )
        beyond = vectors.surplus(
            [self._columns[item] for item in self._upper], self._needs
        )
        self._values = [
            -vectors.product(line, beyond) for line in self._inverse
        ]

    def _gap(self, limit: int) -> int:
        # Sums of keys are whole numbers: less is less by one at least.
        return (limit - 1) * self._scale - self._bound

    def _leaving(self) -> tuple[int, int, int] | None:
        """Choose the line whose value is furthest out of its bounds.

        :returns: the line, whether its value is too low (-1) or too high (1),
            and by how much; None at the optimum.
        """
        furthest, leaving = 0, None
        for line, value in enumerate(self._values):
            column = self._basis[line]
            if -value > furthest:
                furthest, leaving = -value, (line, -1, -value)
            elif column >= 0:
                above = value - (0 if column in self._fixed else self._scale)
                if above > furthest:
                    furthest, leaving = above, (line, 1, above)
        return leaving

    def _entering(self, line: int, sign: int, slope: int) -> _Entering | None:
        """Change the prices along a line, for as long as the bound rises.

        The slope is how fast the bound rises.  It falls with each column whose
        reduced cost comes to zero.  Such an item flips to its other bound, and
        the one with which the slope ends enters the basis.

        :returns: None if the bound rises for ever, because there is no cover.
        """
        row = [sign * amount for amount in self._inverse[line]]
        slants = {
            item: vectors.product(row, self._columns[item])
            for item in self._reduced_costs
        }
        ratios = [
            (cost // slants[item], item)
            for item, cost in self._reduced_costs.items()
            if (slants[item] < 0 if item in self._upper else slants[item] > 0)
        ]
        for number, amount in enumerate(row):
            if amount < 0 and -1 - number not in self._basis:
                slants[-1 - number] = -amount
                ratios.append((self._prices[number] // -amount, -1 - number))
        for _, column in sorted(ratios):
            slope -= abs(slants[column])
            if column < 0 or slope <= 0:
                return column, row, slants
            self._upper ^= {column}
        return None

    def _pivot(self, line: int, sign: int, entering: _Entering) -> None:
        """Exchange a column of the basis for another one."""
        column, row, slants = entering
        leaving, self._basis[line] = self._basis[line], column
        if column < 0:
            cost = self._prices[-1 - column]
        else:
            cost = self._reduced_costs.pop(column)
            self._upper.discard(column)
        pivot = slants[column]
        size, scale, held = abs(pivot), self._scale, self._columns[column]
        step = cost if pivot > 0 else -cost
        self._prices = vectors.eliminated(
            self._prices, -step, row, size, scale
        )
        self._reduced_costs = {
            item: (size * cost - step * slants[item]) // scale
            for item, cost in self._reduced_costs.items()
        }
        if leaving in self._fixed:
            self._fixed -= {leaving}
        elif leaving >= 0:
            self._reduced_costs[leaving] = -sign * step
            if sign > 0:
                self._upper.add(leaving)
        if pivot < 0:
            row = [-amount for amount in row]
        self._inverse = [
            vectors.eliminated(
                amounts, vectors.product(amounts, held), row, size, scale
            )
            for amounts in self._inverse
        ]
        self._inverse[line] = row
        self._scale = size
