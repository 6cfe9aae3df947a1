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

"""The equations of a linear program, in integers over one common scale.

Rounding cannot falsify them, however long the numbers are.

Source: pivots on integers after E. H. Bareiss, "Sylvester's identity and
multistep integer-preserving Gaussian elimination", Mathematics of Computation
22 (1968).
"""


class Tableau:
    """Variables of the basis, written in terms of the others.

    The others are zero.  A variable at its upper bound is counted down from
    there, so it is zero too.  A line reads::

        scale * variable = row[0] - sum(row[place] * others[place])

    and the first one is about the sum of keys, where ``row[0]`` has its sign
    changed and the slopes are what each of the others would add.

    :ivar rows: the lines, each as long as ``others``.
    :ivar basis: the variable of each line; the first line has none.
    :ivar others: the variable of each place; the first place has none.
    :ivar most: the upper bound of each variable, None if it has none, zero
        when its value has been decided.
    :ivar from_above: a bit for each variable that is counted down.
    """

    def __init__(self, keys, holds, needs, most_surplus):
        """Take no item; a row's surplus is what it has beyond its need."""
        size, width = len(keys), len(needs)
        self.scale = 1
        self.rows = [[0, *keys]]
        self.rows += [
            [-need, *(-hold[row] for hold in holds)]
            for row, need in enumerate(needs)
        ]
        self.others = [None, *range(size)]
        self.basis = [None, *range(size, size + width)]
        self.most = [1] * size + list(most_surplus)
        self.from_above = 0

    def copy(self):
        """Return another one, to go on differently."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.rows = [row[:] for row in self.rows]
        twin.others = self.others[:]
        twin.basis = self.basis[:]
        twin.most = self.most[:]
        return twin

    def turn(self, place):
        """Let a variable outside of the basis be at its other bound."""
        variable = self.others[place]
        most = self.most[variable]
        for row in self.rows:
            row[0] -= most * row[place]
            row[place] = -row[place]
        self.from_above ^= 1 << variable

    def turn_line(self, line):
        """Count a variable of the basis from its other bound."""
        variable = self.basis[line]
        row = self.rows[line] = [-amount for amount in self.rows[line]]
        most = self.most[variable]
        if most:
            row[0] += most * self.scale
            self.from_above ^= 1 << variable

    def pivot(self, line, place):
        """Exchange a variable of the basis for another one.

        The basis' one is below zero and becomes zero, and the slope of its
        line is less than zero at the place.
        """
        row = self.rows[line]
        scale, head = self.scale, -row[place]
        for number, other in enumerate(self.rows):
            slope = other[place]
            if number == line:
                other = [-amount for amount in row]
                other[place] = -scale
            elif slope:
                other = [
                    (head * amount + slope * by) // scale
                    for amount, by in zip(other, row, strict=True)
                ]
                other[place] = slope
            elif head != scale:
                other = [head * amount // scale for amount in other]
            self.rows[number] = other
        self.scale = head
        leaving, self.basis[line] = self.basis[line], self.others[place]
        self.others[place] = leaving
        if self.most[leaving] == 0:
            self.drop([place])

    def drop(self, places):
        """Forget variables that stay where they are."""
        for place in reversed(places):
            del self.others[place]
            for row in self.rows:
                del row[place]
