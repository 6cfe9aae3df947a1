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

"""Vectors of whole numbers: one amount for each row of a covering problem."""

import collections.abc
import operator

Vector = collections.abc.Sequence[int]


def product(some: Vector, others: Vector) -> int:
    """Return the sum of the products, row by row."""
    return sum(map(operator.mul, some, others))


def less(some: Vector, others: Vector) -> list[int]:
    """Return a vector with another one taken away, row by row."""
    return list(map(operator.sub, some, others))


def surplus(
    holds: collections.abc.Sequence[Vector], needs: Vector
) -> list[int]:
    """Return what items hold of each row beyond its need."""
    totals = [sum(row) for row in zip(*holds, strict=True)]
    return less(totals, needs) if totals else [-need for need in needs]


def eliminated(
    some: list[int], part: int, row: list[int], pivot: int, scale: int
) -> list[int]:
    """Add a multiple of a row, so that a column has no part of it.

    :param scale: how many times what they stand for the numbers are.
    :returns: numbers that are ``pivot`` times what they stand for.
    """
    if not part:
        return (
            some
            if pivot == scale
            else [pivot * amount // scale for amount in some]
        )
    return [
        (pivot * amount - part * by) // scale
        for amount, by in zip(some, row, strict=True)
    ]
