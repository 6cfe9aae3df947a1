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

Of their roots only what nova's figures tell is known then.  Of what is below
them only what the potential victims held is, if the tree was read lately.  A
value is kept from one plan to the next while the host stays the same, so that
its figures are not made anew for each request.
"""

import collections
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Set
import dataclasses
import time

from opie.preemption import model
from opie.preemption import rows
from opie.preemption.trees import asked as asked_of_trees
from opie.scheduler.placement import client as placement

# What all servers hold of these is known before a tree is read.
_OF_ROOTS = frozenset(('VCPU', 'MEMORY_MB', 'DISK_GB'))
# For how long a server counts as one that holds no more than it did.
_HELD_SECONDS = 3600

# Resource class to uuid to (when the server was launched, what it held).
_Held = dict[str, dict[str, tuple[float | None, int]]]


class UnreadTrees:
    """The hosts of one scheduler worker, as they are before they are read."""

    def __init__(self) -> None:
        # Provider to (a host, the same before its tree is read).
        self._made: dict[str, tuple[model.Host, model.Host]] = {}
        # Provider to (what its potential victims held, the monotonic time).
        self._held: dict[str, tuple[_Held, float]] = {}

    def forget_all_but(self, uuids: Set[str]) -> None:
        """Forget the hosts of compute nodes that nova has no more."""
        for kept in (self._made, self._held):
            for uuid in kept.keys() - uuids:
                del kept[uuid]

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

    def note(self, host: model.Host) -> None:
        """Note what the potential victims of a host hold.

        :param host: as its tree was read just now, row by row.
        """
        held: _Held = {}
        for server in host.potential_victims:
            totals = _totals(host.provider, server.held)
            for name in totals.keys() - _OF_ROOTS:
                held[name] = {}
        for server in host.potential_victims:
            totals = _totals(host.provider, server.held)
            for name, of_class in held.items():
                of_class[server.uuid] = server.launched_at, totals[name]
        self._held[host.provider] = held, time.monotonic()

    def least_victims(
        self,
        client: placement.Client,
        hosts: Collection[model.Host],
        asked: asked_of_trees.Request,
    ) -> dict[str, int]:
        """Return provider to how many servers have to go there at the least.

        Hosts are left out of which no more is known than that one has to.

        A request for several devices needs as many servers as that if no
        device is free and each server has one.  Which providers have a free
        one placement tells in one call.  How many a server has was noted when
        its tree was read within the last hour.

        :raises placement.PlacementError: if placement cannot be read.
        """
        found: dict[str, int] = {}
        for name, number in _numbers_of_units(asked).items():
            numbers = dict(self._numbers(hosts, name, number))
            if not numbers:
                continue
            listed = client.providers([('resources', '%s:1' % name)])
            for provider in numbers.keys() - {
                one['root_provider_uuid'] for one in listed
            }:
                found[provider] = max(
                    found.get(provider, 1), numbers[provider]
                )
        return found

    def _numbers(
        self, hosts: Iterable[model.Host], name: str, number: int
    ) -> Iterator[tuple[str, int]]:
        """Yield (provider, number of victims) where one is not enough."""
        for host in hosts:
            most = self._most_held(host, name)
            if most and most < number:
                yield host.provider, -(-number // most)

    def _most_held(self, host: model.Host, name: str) -> int | None:
        """Return what a potential victim has of a class at the most.

        NOTE: a resize gives a server more, and nova/compute/manager.py notes a
        new launch then.  What another preemption has taken of a server it may
        give back, but such a server was no potential victim.

        :returns: None if that is not known of each of them.
        """
        held, noted_at = self._held.get(host.provider, ({}, 0.0))
        of_class = held.get(name)
        if of_class is None or time.monotonic() >= noted_at + _HELD_SECONDS:
            return None
        most = 0
        for server in host.potential_victims:
            launched_at, amount = of_class.get(server.uuid, (None, 0))
            if launched_at is None or launched_at != server.launched_at:
                return None
            most = max(most, amount)
        return most


def _totals(root: str, held: model.Amounts) -> collections.Counter[str]:
    """Return resource class to amount, of all providers of a tree."""
    totals: collections.Counter[str] = collections.Counter()
    for by_class in rows.to_allocations(root, held).values():
        totals.update(by_class)
    return totals


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
