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


"""Arithmetic with resources: the one place that adds and subtracts them.

Amounts are {resource class: amount}, as a flavor or a consumer has them on one
provider.  Allocations are {provider: amounts}, as a consumer has them in all.
A result has neither zeros nor providers without amounts, because placement
accepts neither.  Arguments stay as they are.
"""

import collections
from collections.abc import Iterable
from collections.abc import Mapping

from opie.preemption import model

Amounts = Mapping[str, int]
Allocations = Mapping[str, Amounts]


def total(parts: Iterable[Amounts]) -> collections.Counter[str]:
    """Return the sum of amounts; a class that none of them has counts 0."""
    found: collections.Counter[str] = collections.Counter()
    for amounts in parts:
        found.update(amounts)
    return +found


def add(*parts: Allocations) -> dict[str, dict[str, int]]:
    """Return the sum of allocations."""
    providers = {provider for part in parts for provider in part}
    return _without_empty(
        {
            provider: dict(total(part.get(provider, {}) for part in parts))
            for provider in providers
        }
    )


def subtract(
    allocations: Allocations, taken: Allocations
) -> dict[str, dict[str, int]]:
    """Return what is left of allocations.

    :raises ValueError: if more is taken than there is.
    """
    left = {}
    for provider in allocations.keys() | taken.keys():
        amounts = collections.Counter(allocations.get(provider, {}))
        amounts.subtract(taken.get(provider, {}))
        if any(amount < 0 for amount in amounts.values()):
            raise ValueError(
                'more than %s is taken: %s' % (allocations, taken)
            )
        left[provider] = dict(+amounts)
    return _without_empty(left)


def _without_empty(
    allocations: Mapping[str, dict[str, int]],
) -> dict[str, dict[str, int]]:
    return {
        provider: amounts
        for provider, amounts in allocations.items()
        if amounts
    }


def by_consumer(
    server: model.Server,
    shares: Mapping[str, Amounts],
) -> dict[str, dict[str, dict[str, int]]]:
    """Split what preemptors take of a victim over those that hold it.

    A server whose resize or migration is unconfirmed holds its place of today
    itself, and its migration holds the old place.  Both go with the server.
    The migrations give first.  Every preemptor takes of the server, if only
    nothing, because the entry there says that the preemptor evicts it.

    :param shares: preemptor uuid to what it takes.
    :returns: consumer uuid to preemptor uuid to what it takes of that.
    """
    left = {uuid: dict(held) for uuid, held in server.by_migration.items()}
    parts: dict[str, dict[str, dict[str, int]]] = {server.uuid: {}}
    for preemptor, share in shares.items():
        rest = dict(share)
        for migration, held in left.items():
            part = _most_of(held, rest)
            held.update(_less(held, part))
            rest = _less(rest, part)
            if part:
                parts.setdefault(migration, {})[preemptor] = part
        parts[server.uuid][preemptor] = {
            name: amount for name, amount in rest.items() if amount
        }
    return parts


def _most_of(held: Amounts, wanted: Amounts) -> dict[str, int]:
    parts = {
        name: min(amount, held.get(name, 0)) for name, amount in wanted.items()
    }
    return {name: amount for name, amount in parts.items() if amount}


def _less(some: Amounts, taken: Amounts) -> dict[str, int]:
    return {name: amount - taken.get(name, 0) for name, amount in some.items()}
