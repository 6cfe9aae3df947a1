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

"""Amounts, {resource class: amount}, and what preemptors ask of a host.

Amounts are on one provider, the root provider of a host.  The scheduler's
module resources has the arithmetic of allocations, {provider: amounts}.
"""

import collections.abc
import dataclasses
import functools
import typing

if typing.TYPE_CHECKING:
    from opie.preemption import cost

# Resource class to amount, in placement's units.
Amounts = collections.abc.Mapping[str, int]


def total(some: collections.abc.Iterable[Amounts]) -> dict[str, int]:
    """Return the sums of several amounts, class by class."""
    sums: dict[str, int] = {}
    for amounts in some:
        for name, amount in amounts.items():
            sums[name] = sums.get(name, 0) + amount
    return sums


def of_class(name: str, some: collections.abc.Iterable[Amounts]) -> int:
    """Return the sum of one class over several amounts."""
    return sum([amounts.get(name, 0) for amounts in some])


def times(amounts: Amounts, number: int) -> dict[str, int]:
    """Return so many times the amounts."""
    return {name: amount * number for name, amount in amounts.items()}


@dataclasses.dataclass(frozen=True)
class Demand:
    """What some preemptors of a request ask of one host.

    :ivar resources: what each of them takes on the host's root provider.
    :ivar number: how many they are.
    :ivar its_cost: what evicting servers for them loses.
    :ivar most_victims: how many servers may go for them, None for any number.
    """

    resources: Amounts
    number: int
    its_cost: 'cost.Cost'
    most_victims: int | None = None

    @functools.cached_property
    def total(self) -> Amounts:
        """What all of them take together."""
        return times(self.resources, self.number)

    def of(self, resources: Amounts) -> 'Demand':
        """Return the same, but that each of them takes other resources."""
        return dataclasses.replace(self, resources=resources)
