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

"""A plan that was made in a turn, and what it changes for the next ones."""

from __future__ import annotations

import copy
import dataclasses
import functools
import typing

from nova import objects

from opie.preemption import model
from opie.preemption import rows
from opie.scheduler import resources
from opie.scheduler.placement import providers as placement_providers


@dataclasses.dataclass(frozen=True, eq=False)
class Planned:
    """A plan that was made in this turn.

    :ivar spec: the RequestSpec of its preemptors.
    :ivar request: what the planner was given of it.
    """

    plan: model.Plan
    request: model.Request
    spec: objects.RequestSpec

    @functools.cached_property
    def providers(self) -> set[str]:
        """The providers of its nominated hosts."""
        return {one.provider for one in self.plan.nominations}

    def nominations_on(self, provider: str) -> list[model.Nomination]:
        """Return its nominations to a host."""
        return [
            one for one in self.plan.nominations if one.provider == provider
        ]

    def victims_on(self, provider: str) -> set[str]:
        """Return the uuids of its victims on a host."""
        return {
            server.uuid
            for victims_provider, server in self.plan.victims
            if victims_provider == provider
        }


def candidate(
    provider: str, request: model.Request, taking: model.Taking | None = None
) -> dict[str, typing.Any]:
    """Return what placement would list as an allocation candidate.

    :param taking: what a preemptor takes whose request is spread.
    """
    if taking is None:
        # The group without a suffix.
        mappings = {'': [provider]}
        allocations = {provider: dict(request.resources)}
    else:
        mappings = {suffix: list(some) for suffix, some in taking.mappings}
        allocations = rows.to_allocations(provider, taking.amounts)
    return {
        'allocations': {
            uuid: {'resources': amounts}
            for uuid, amounts in allocations.items()
        },
        'mappings': mappings,
    }


def claimed(
    facts: placement_providers.ProviderFacts, planned: Planned, provider: str
) -> placement_providers.ProviderFacts:
    """Return the facts of a host as a claim will change them.

    Rows that the facts do not have are left out, because facts may be those of
    the root alone.
    """
    allocations = copy.copy(facts.allocations)
    for victims_provider, server in planned.plan.victims:
        if victims_provider != provider:
            continue
        shares = planned.plan.shares[server.uuid]
        for uuid, takers in resources.by_consumer(server, shares).items():
            held = {provider: allocations.pop(uuid, {})}
            for taken in takers.values():
                known = _known(taken, facts)
                held = resources.subtract(held, {provider: known})
            allocations.update({uuid: held[provider]} if held else {})
    for one in planned.nominations_on(provider):
        takes = one.takes(planned.request)
        allocations[one.preemptor] = _known(takes, facts)
    used = resources.total(allocations.values())
    return dataclasses.replace(
        facts,
        allocations=allocations,
        inventories={
            name: dataclasses.replace(inventory, used=used[name])
            for name, inventory in facts.inventories.items()
        },
    )


def _known(
    amounts: resources.Amounts, facts: placement_providers.ProviderFacts
) -> dict[str, int]:
    return {
        name: amount
        for name, amount in amounts.items()
        if name in facts.inventories
    }
