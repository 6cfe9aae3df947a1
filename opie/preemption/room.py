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

"""Which of the hosts that seem too small are so, for all of them at once.

Reading a host that seems too small is dear, and a request that no host can
serve would have many of them read.  A host whose capacity is known and too
small needs no question.  Of the others, the cloud is asked first which hosts
have as much free as the least that a host needs with all potential victims
and leaving servers gone.  The others are too small whatever their estimates
say, because each of these servers holds what is known of it.  The question is
asked again about the hosts that are left, which may need more, as long as that
rules out any.
"""

import collections.abc

from opie.preemption import amounts
from opie.preemption import live_cloud
from opie.preemption import model
from opie.preemption import shortfall

# How often the cloud is asked for one number of preemptors.
MOST_QUESTIONS = 3


def without_room(
    hosts: collections.abc.Iterable[model.Host],
    demand: amounts.Demand,
    cloud: live_cloud.LiveCloud,
) -> list[tuple[str, model.Unfit]]:
    """Return those of some hosts that are too small for certain, and why.

    :param hosts: as they are without any nominated preemptor.
    """
    reasons = _Reasons(demand)
    certain: list[tuple[str, model.Unfit]] = []
    left = []
    for host in hosts:
        if host.is_capacity_known and not _is_large_enough(host, demand):
            certain.append((host.provider, reasons.of(host)))
        elif _is_certain(host, demand):
            left.append(host)
    for _ in range(MOST_QUESTIONS):
        lack = _least_lack(left, demand)
        if not lack:
            break
        with_free = cloud.with_free(lack)
        too_small = [host for host in left if host.provider not in with_free]
        if not too_small:
            break
        certain += [(host.provider, reasons.of(host)) for host in too_small]
        left = [host for host in left if host.provider in with_free]
    return certain


def _is_large_enough(host: model.Host, demand: amounts.Demand) -> bool:
    """Tell whether the host could hold the preemptors if it were empty."""
    return all(
        name in host.inventories and amount <= host.inventories[name].capacity
        for name, amount in demand.total.items()
    )


def _is_certain(host: model.Host, demand: amounts.Demand) -> bool:
    """Tell whether what is free on a host tells whether it is too small.

    With units of its own a host may have more free than it gives out in the
    amount that is asked about.
    """
    return all(
        name in host.inventories
        and name not in host.uncertain
        and host.inventories[name].min_unit == 1
        and host.inventories[name].step_size == 1
        for name in demand.resources
    )


def _least_lack(
    hosts: collections.abc.Collection[model.Host], demand: amounts.Demand
) -> dict[str, int]:
    """Return resource class to what each host needs free, at the least.

    A class of which some host needs nothing is left out.
    """
    if not hosts:
        return {}
    lack = {
        name: amount
        - max(_most_freed(host, name, demand.most_victims) for host in hosts)
        for name, amount in demand.total.items()
    }
    return {name: amount for name, amount in lack.items() if amount > 0}


def _most_freed(host: model.Host, name: str, most_victims: int | None) -> int:
    """Return the most that is freed of a class for one request.

    That is what its victims hold, and all leaving servers.
    """
    leaving = amounts.of_class(name, [one.held for one in host.leaving])
    most_freed = host.figures.classes[name].most_freed
    if most_victims is None:
        return most_freed[-1] + leaving
    return most_freed[min(most_victims, len(most_freed) - 1)] + leaving


class _Reasons:
    """The reasons, each one made once for hosts that are alike."""

    def __init__(self, demand: amounts.Demand) -> None:
        self._demand = demand
        self._known: dict[tuple[int, str | None, bool], model.Unfit] = {}

    def of(self, host: model.Host) -> model.Unfit:
        """Return why a host is too small."""
        key = (
            id(host.figures.classes),
            host.why_protected,
            host.has_excluded,
        )
        if key not in self._known:
            lacking = shortfall.Shortfall(host, self._demand)
            reason = lacking.why_unfit() or lacking.why_too_small()
            self._known[key] = (
                model.Unfit(reason)
                if reason
                else model.Unfit.by_limit(self._demand.most_victims or 0)
            )
        return self._known[key]
