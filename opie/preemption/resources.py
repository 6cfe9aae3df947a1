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

"""The one place that adds and subtracts amounts of resource classes."""

import collections.abc

# Resource class to amount, in placement's units.
Resources = collections.abc.Mapping[str, int]


def total(some: collections.abc.Iterable[Resources]) -> dict[str, int]:
    """Return the sums of several amounts, class by class."""
    sums: dict[str, int] = {}
    for amounts in some:
        for name, amount in amounts.items():
            sums[name] = sums.get(name, 0) + amount
    return sums


def amount(name: str, some: collections.abc.Iterable[Resources]) -> int:
    """Return the sum of one class over several amounts."""
    return sum([amounts.get(name, 0) for amounts in some])


def times(amounts: Resources, number: int) -> dict[str, int]:
    """Return so many times the amounts."""
    return {name: amount * number for name, amount in amounts.items()}
