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

"""The least that a cover would cost if items could be divided.

Then it is a linear program, and what it costs is a lower bound for covers of
whole items.  The bound only rises on the way to the optimum, so one need not
go on once it has reached the best cover known.

Source: the dual simplex method for bounded variables; the choice of the next
item after N. J. Driebeek, "An algorithm for the solution of mixed integer
programming problems", Management Science 12 (1966).
"""

import math

from opie.preemption import tableau

# A program that has not settled by then may be going round in circles.
_MOST_PIVOTS = 200
# So many bits of a key are enough to choose the next item by.
_PRECISION_BITS = 60


class Relaxation(tableau.Tableau):
    """A linear program, some of its items decided.

    Sets of items are integers here, with a bit for each item.

    :ivar size: how many items there are.
    :ivar decided: the items that are taken or left for good.
    :ivar is_settled: whether the optimum has been reached.
    """

    def __init__(self, keys, holds, needs, most_surplus=None):
        """Begin with the items taken whose key is negative.

        :param most_surplus: for each row the most that may be taken beyond
            the need, None without limit.
        """
        super().__init__(
            keys, holds, needs, most_surplus or [None] * len(needs)
        )
        self.size = len(keys)
        self.decided = 0
        self.is_settled = False
        self._units = [1] * self.size
        self._units += [max(1, *row) for row in zip(*holds, strict=True)]
        for place, key in enumerate(keys, 1):
            if key < 0:
                self.turn(place)

    def settle(self, limit):
        """Raise the bound to the optimum, or until it reaches the limit.

        :returns: whether there may be anything below the limit.
        """
        self.is_settled = False
        for _ in range(_MOST_PIVOTS):
            if self._gap(limit) <= 0:
                return False
            line = self._worst_line()
            if line is None:
                self.is_settled = True
                return True
            place = self._entering(line)
            if place is None:
                return False
            self.pivot(line, place)
        return True

    def decide(self, items, is_taken):
        """Take the items, or leave them, for good.

        :returns: whether this agrees with what was decided before.
        """
        astray = items & (self.from_above ^ (-1 if is_taken else 0))
        if astray & self.decided:
            return False
        for line in range(1, len(self.basis)):
            variable = self.basis[line]
            if items >> variable & 1:
                if astray >> variable & 1:
                    self.turn_line(line)
                self.most[variable] = 0
        places = []
        for place in range(1, len(self.others)):
            variable = self.others[place]
            if items >> variable & 1:
                if astray >> variable & 1:
                    self.turn(place)
                places.append(place)
        self.decided |= items
        self.drop(places)
        return True

    def decide_by_cost(self, limit):
        """Decide what would reach the limit if it were decided otherwise."""
        gap = self._gap(limit)
        costs = self.rows[0]
        places = [p for p in range(1, len(costs)) if costs[p] >= gap]
        for place in places:
            self.decided |= 1 << self.others[place]
        self.drop(places)

    def taken(self):
        """Return the items that are taken, be it only in part."""
        items = self.from_above
        for line in range(1, len(self.basis)):
            bit = 1 << self.basis[line]
            value = self.rows[line][0]
            if not self.from_above & bit:
                items |= bit if value > 0 else 0
            elif value >= self.scale and not self.decided & bit:
                items ^= bit
        return items & ((1 << self.size) - 1)

    def undecided(self):
        """Return the items that are neither taken nor left for good."""
        return ~self.decided & ((1 << self.size) - 1)

    def bound(self):
        """Return what a cover costs at least."""
        return -(self.rows[0][0] // self.scale)

    def divided(self):
        """Choose the next item to decide among those taken in part.

        Either decision raises the bound.  The best item is the one for which
        the lesser of the two rises is the greatest.

        :returns: the item's index and whether it is cheaper to take it; None
            when no item is divided.
        """
        costs = self.rows[0][1:]
        shift = max(costs, default=0).bit_length() - _PRECISION_BITS
        if shift > 0:
            costs = [cost >> shift for cost in costs]
        greatest, choice = None, None
        for line in range(1, len(self.basis)):
            item = self.basis[line]
            if item < self.size and 0 < self.rows[line][0] < self.scale:
                down, up = self._rises(line, costs)
                rises = (min(down, up), max(down, up))
                if choice is None or rises > greatest:
                    is_above = bool(self.from_above >> item & 1)
                    greatest, choice = rises, (item, (up <= down) != is_above)
        return choice

    def _gap(self, limit):
        # Sums of keys are whole numbers: less is less by one at least.
        return (limit - 1) * self.scale + 1 + self.rows[0][0]

    def _worst_line(self):
        """Return a line out of bounds, turned so that it is below zero."""
        worst, furthest = None, -1
        for line in range(1, len(self.basis)):
            value = self.rows[line][0]
            variable = self.basis[line]
            most = self.most[variable]
            if value >= 0:
                value = 0 if most is None else most * self.scale - value
            if value < 0 and -value // self._units[variable] > furthest:
                worst, furthest = line, -value // self._units[variable]
        if worst is not None and self.rows[worst][0] > 0:
            self.turn_line(worst)
        return worst

    def _entering(self, line):
        """Return who enters the basis for a line: the cheapest to change.

        Those that reach their other bound before the line is at zero are
        turned instead.  None when nothing can bring the line to zero.
        """
        row, costs = self.rows[line], self.rows[0]
        places = [place for place in range(1, len(row)) if row[place] < 0]
        while places:
            best = places[0]
            cost, slope = costs[best], row[best]
            for place in places:
                if costs[place] * slope > cost * row[place]:
                    best, cost, slope = place, costs[place], row[place]
            most = self.most[self.others[best]]
            if most is None or row[0] - most * slope >= 0:
                return best
            self.turn(best)
            places.remove(best)
        return None

    def _rises(self, line, costs):
        """Return what the bound gains when an item is set to 0, and to 1."""
        row = self.rows[line]
        part = row[0] / self.scale
        down = up = math.inf
        for cost, slope in zip(costs, row[1:], strict=True):
            if slope > 0:
                down = min(down, cost / slope)
            elif slope < 0:
                up = min(up, -cost / slope)
        return part * down, (1 - part) * up
