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

"""The hosts whose trees a plan has not read yet.

What is below their roots is not known then, and of the roots only what nova's
figures tell.  A value is kept from one plan to the next while the host stays
the same, so that its figures are not made anew for each request.
"""

import collections
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Set
import dataclasses

from opie.preemption import model
from opie.preemption.trees import asked as asked_of_trees
from opie.scheduler.placement import client as placement
from opie.scheduler.placement import provider_trees

# What all of them hold is known before a tree is read.
_OF_ROOTS = frozenset(('VCPU', 'MEMORY_MB', 'DISK_GB'))


class UnreadTrees:
    """The hosts of one scheduler worker, as they are before they are read."""

    def __init__(self) -> None:
        # Provider to (a host, the same before its tree is read).
        self._made: dict[str, tuple[model.Host, model.Host]] = {}

    def forget_all_but(self, uuids: Set[str]) -> None:
        """Forget the hosts of compute nodes that nova has no more."""
        for uuid in self._made.keys() - uuids:
            del self._made[uuid]

    def host(
        self,
        host: model.Host,
        is_worth_reading: bool,
        least_victims: int = 1,
    ) -> model.Host:
        """Return a host of which only its root is known, by estimate.

        :param host: the same object while the host is the same.
        :param is_worth_reading: see :class:`model.Host`.
        :param least_victims: see :class:`model.Host`.
        """
        kept, unread = self._made.get(host.provider, (None, host))
        known = is_worth_reading, least_victims
        if kept is host and known == (
            unread.is_worth_reading,
            unread.least_victims,
        ):
            return unread
        unread = dataclasses.replace(
            host,
            is_worth_reading=is_worth_reading,
            least_victims=least_victims,
            uncertain=frozenset(),
            is_capacity_known=False,
            is_unknown=False,
        )
        self._made[host.provider] = host, unread
        return unread


def least_victims(
    client: placement.Client,
    trees: provider_trees.Trees,
    hosts: Collection[model.Host],
    asked: asked_of_trees.Request,
) -> dict[str, int]:
    """Return provider to how many servers have to go there at the least.

    Hosts are left out of which no more is known than that one has to.

    A request for several devices needs as many servers as that if no device is
    free and each server has one.  Which providers have a free one placement
    tells in one call.  How many a server has was read with its tree within the
    last hour, and only a resize could have given it more since.

    :raises placement.PlacementError: if placement cannot be read.
    """
    found: dict[str, int] = {}
    for name, number in _numbers_of_units(asked).items():
        numbers = dict(_numbers(trees, hosts, name, number))
        if not numbers:
            continue
        listed = client.providers([('resources', '%s:1' % name)])
        for provider in numbers.keys() - {
            one['root_provider_uuid'] for one in listed
        }:
            found[provider] = max(found.get(provider, 1), numbers[provider])
    return found


def _numbers_of_units(asked: asked_of_trees.Request) -> Mapping[str, int]:
    """Return resource class to how many units are wanted one by one.

    A provider that has fewer than a group asks for could make up for the rest,
    so classes are left out of which a group asks for more than one.
    """
    amounts = collections.defaultdict(list)
    for group in asked.groups.values():
        for name, amount in group.resources.items():
            amounts[name].append(amount)
    return {
        name: len(some)
        for name, some in amounts.items()
        if len(some) > 1 and set(some) == {1} and name not in _OF_ROOTS
    }


def _numbers(
    trees: provider_trees.Trees,
    hosts: Iterable[model.Host],
    name: str,
    number: int,
) -> Iterator[tuple[str, int]]:
    """Yield (provider, number of victims) where one is not enough."""
    for host in hosts:
        most = trees.most_held(host.provider, name, host.potential_victims)
        if most and most < number:
            yield host.provider, -(-number // most)
