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

"""What a plan must leave out because placement refuses its claim.

A claim writes all anew that its victims keep, on other providers as well.  An
inventory that has changed since may not allow what a victim keeps there, and a
placement before release 14 lets nothing change on a provider that is over its
capacity.  No other writer was faster then, so the same plan would be refused
again.  Placement names the provider; who is in the way there, its inventories
and allocations tell.
"""

from collections.abc import Collection
from collections.abc import Mapping
import re
import typing

from opie.preemption import model
from opie.preemption import rows
from opie.scheduler import errors
from opie.scheduler import resources
from opie.scheduler import steps
from opie.scheduler.claims import journal
from opie.scheduler.claims import writing
from opie.scheduler.placement import client as placement
from opie.scheduler.placement import providers

# NOTE: placement/exception.py, InvalidInventory and what is derived of it.
# There is no finer code.
_NAMED = re.compile("for '([^']+)' on resource provider '([^']+)'")
_IS_ABOUT_CAPACITY = 'would exceed the capacity'
_SEPARATOR = ', '


class _Named(typing.NamedTuple):
    """What placement has refused: some classes of one provider."""

    provider: str
    classes: frozenset[str]
    is_about_capacity: bool


def explain(
    client: placement.Client,
    plan: model.Plan,
    bodies: Mapping[str, dict[str, typing.Any]],
    refused: writing.Refused,
) -> errors.ClaimFailed:
    """Return what the next plan has to leave out.

    :param bodies: what was to write the claim: consumer uuid to body.
    :returns: a race if the claim may succeed once its hosts are read anew,
        because another writer has taken what was free.
    """
    written = {
        uuid: _amounts_by_provider(body) for uuid, body in bodies.items()
    }
    named = _named(str(refused))
    if named and _is_journal(named.provider, written):
        # A reaper closes it.
        return refused
    if named is None:
        # The next plan must be another one in any case.
        return _without(
            refused,
            {server.uuid for _, server in plan.victims},
            [] if plan.victims else [plan.nominations[0].provider],
        )
    nominated = {
        one.preemptor: one.provider
        for one in plan.nominations
        if named.provider in written[one.preemptor]
    }
    hosts = set(nominated.values())
    if nominated and named.is_about_capacity:
        if _takes_what_was_free(plan, written, named) or _have_changed(
            client, plan, bodies
        ):
            return refused
        return errors.OverCapacity(str(refused), providers=hosts)
    try:
        guilty = _guilty(client, written, named)
    except placement.PlacementError:
        return refused
    if not guilty:
        return refused
    if guilty & nominated.keys():
        return _without(refused, (), hosts)
    return _without(refused, guilty, ())


@steps.step('claims')
def _have_changed(
    client: placement.Client,
    plan: model.Plan,
    bodies: Mapping[str, dict[str, typing.Any]],
) -> bool:
    """Tell whether another writer has changed a victim of a claim.

    NOTE: placement/handlers/allocation.py compares generations before it
    begins to write, so of two writers at once the later one may be refused
    for the room that the first one has just taken.
    """
    try:
        now = client.consumers([server.uuid for _, server in plan.victims])
    except placement.PlacementError:
        return True
    return any(
        victim.generation != bodies[uuid]['consumer_generation']
        for uuid, victim in now.items()
    )


def _amounts_by_provider(
    body: dict[str, typing.Any],
) -> resources.Allocations:
    return {
        provider: item['resources']
        for provider, item in body['allocations'].items()
    }


def _named(text: str) -> _Named | None:
    found = _NAMED.search(text)
    if found is None:
        return None
    classes, its_providers = (one.split(_SEPARATOR) for one in found.groups())
    return _Named(
        min(its_providers), frozenset(classes), _IS_ABOUT_CAPACITY in text
    )


def _is_journal(
    provider: str, written: Mapping[str, resources.Allocations]
) -> bool:
    return any(
        journal.is_entry(allocations.get(provider, {}))
        for allocations in written.values()
    )


def _without(
    refused: errors.ClaimFailed,
    victims: Collection[str],
    hosts: Collection[str],
) -> errors.ClaimRefused:
    return errors.ClaimRefused(str(refused), *victims, providers=hosts)


def _takes_what_was_free(
    plan: model.Plan,
    written: Mapping[str, resources.Allocations],
    named: _Named,
) -> bool:
    """Tell whether a claim needs more of a provider than its victims give up.

    Otherwise it makes the provider no fuller.
    """
    taken = resources.total(
        rows.to_allocations(provider, amounts).get(named.provider, {})
        for provider, server in plan.victims
        for amounts in plan.shares[server.uuid].values()
    )
    claimed = resources.total(
        written[one.preemptor].get(named.provider, {})
        for one in plan.nominations
    )
    return any(claimed[name] > taken[name] for name in named.classes)


@steps.step('claims')
def _guilty(
    client: placement.Client,
    written: Mapping[str, resources.Allocations],
    named: _Named,
) -> set[str]:
    """Return the consumers that may not have what they have on a provider.

    All that hold anything there are asked about, so that the next plan does
    not choose another one of them.
    """
    _, raw = client.inventories(named.provider)
    _, now = client.provider_allocations(named.provider)
    inventories = providers.inventories_of(raw, {})
    held: dict[str, resources.Amounts] = {**now}
    for consumer, allocations in written.items():
        if named.provider in allocations:
            held[consumer] = allocations[named.provider]
    return {
        consumer
        for consumer, amounts in held.items()
        if named.is_about_capacity
        and named.classes & amounts.keys()
        or any(
            name not in inventories or not inventories[name].is_unit(amount)
            for name, amount in amounts.items()
        )
    }
