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

"""The hosts as values for the planner, for all of a cloud at little cost.

What a host has is what placement said when it was read last, or else what
nova's own figures say.  What of it is in use, nova knows well enough.  By
these estimates the planner decides which hosts to read; reading replaces them
by facts.  A value is kept from one plan to the next while what it was made
from stays the same.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Set
import dataclasses
import typing

from opie.preemption import model
from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.placement import provider_trees
from opie.scheduler.placement import providers
from opie.scheduler.planning import leaving as leaving_servers
from opie.scheduler.planning import old_places
from opie.scheduler.planning import protection
from opie.scheduler.planning import unread_trees
from opie.scheduler.planning import victims as victims_of

_NOTHING_PROTECTED = protection.Protection()

# What a flavor gives numbers of, in the order of its fields.
_FLAVOR_CLASSES = ('VCPU', 'MEMORY_MB', 'DISK_GB')

_Inventories = dict[str, model.Inventory]
_Servers = tuple[preemptibles.PreemptibleServer, ...]


class _MadeFrom(typing.NamedTuple):
    """What the value of a host was made from.

    :ivar is_same: whether the provider has the generation of the facts.
    :ivar places_protected: why the servers that have the old places may not be
        evicted where they are.
    """

    servers: _Servers
    facts: providers.ProviderFacts | None
    node: compute_nodes.Compute
    is_same: bool
    is_worth_reading: bool
    why_protected: str | None
    projects: frozenset[str]
    unmarked_flavors: frozenset[str]
    leaving: tuple[leaving_servers.LeavingServer, ...]
    places: tuple[old_places.OldPlace, ...]
    places_protected: tuple[str | None, ...]

    def is_like(self, other: '_MadeFrom') -> bool:
        return (
            self.servers is other.servers
            and self.facts is other.facts
            and self[2:] == other[2:]
        )


class HostValues:
    """The hosts of one scheduler worker, as values.

    :ivar providers: what placement said of the hosts when they were read.
    :ivar trees: what it said of their whole trees.
    :ivar unread_trees: the hosts as they are before their trees are read.
    """

    def __init__(self) -> None:
        self.providers = providers.ProviderCache()
        self.trees = provider_trees.Trees()
        self.unread_trees = unread_trees.UnreadTrees()
        self._made: dict[str, tuple[model.Host, _MadeFrom]] = {}
        self._sizes: dict[typing.Any, dict[str, int]] = {}

    def forget_all_but(self, uuids: Set[str]) -> None:
        """Forget the hosts of compute nodes that nova has no more.

        :param uuids: of all compute nodes that nova has.
        """
        for uuid in self._made.keys() - uuids:
            del self._made[uuid]
        self.providers.forget_all_but(uuids)
        self.trees.forget_all_but(uuids)
        self.unread_trees.forget_all_but(uuids)

    def host(
        self,
        node: compute_nodes.Compute,
        generation: int,
        servers: _Servers,
        is_worth_reading: bool = True,
        protected: protection.Protection = _NOTHING_PROTECTED,
        leaving: tuple[leaving_servers.LeavingServer, ...] = (),
        places: tuple[old_places.OldPlace, ...] = (),
    ) -> model.Host:
        """Return the host of a compute node.

        :param generation: of its provider, as placement has just listed it.
        :param servers: its preemptible servers; the same object while they
            are the same.
        :param is_worth_reading: whether the host, where it seems too small,
            is read before it is refused.  The value is an estimate anyway.
        :param leaving: its leaving servers.
        :param places: the old places on it.
        """
        facts = self.providers.last(node.uuid)
        made_from = _MadeFrom(
            servers,
            facts,
            node,
            facts is not None and facts.generation == generation,
            is_worth_reading,
            protected.why_protected(node.host),
            protected.projects,
            protected.unmarked_flavors,
            leaving,
            places,
            tuple(protected.why_protected(one.server.host) for one in places),
        )
        kept = self._made.get(node.uuid)
        if kept and kept[1].is_like(made_from):
            return kept[0]
        victims = old_places.potential_victims(
            protected,
            node.host,
            servers,
            places,
            {one.uuid for one in leaving},
        )
        host = self._estimate(made_from, victims)
        self._made[node.uuid] = host, made_from
        return host

    def _estimate(self, made_from: _MadeFrom, victims: _Servers) -> model.Host:
        """Return a host by nova's figures, and by facts if there are."""
        facts = made_from.facts
        inventories = {
            name: model.Inventory(total, allocation_ratio=ratio, used=used)
            for name, (total, used, ratio) in made_from.node.amounts().items()
        }
        held: dict[str, dict[str, int]] = {}
        if facts is not None:
            by_nova = _without_dedicated(inventories, facts.inventories)
            inventories = {
                name: _with_usage(
                    name, item, by_nova.get(name), made_from.is_same
                )
                for name, item in facts.inventories.items()
            }
            held = facts.allocations
        servers = [
            victims_of.estimate(
                server,
                held,
                self._size(server, inventories.keys()),
                made_from.places,
            )
            for server in victims
        ]
        return model.Host(
            made_from.node.uuid,
            inventories,
            tuple(one for one in servers if not one.costs_nothing),
            tuple(
                one.estimate(
                    self._size(one.record, inventories.keys()),
                    held.get(one.uuid),
                )
                for one in made_from.leaving
            )
            + tuple(one for one in servers if one.costs_nothing),
            is_worth_reading=made_from.is_worth_reading,
            uncertain=self._uncertain(made_from, inventories.keys(), victims),
            is_capacity_known=made_from.is_same,
            is_unknown=made_from.is_worth_reading and facts is None,
            read_at=facts.read_at if facts else 0.0,
            why_protected=made_from.why_protected,
            failed_builds=made_from.node.failed_builds,
            has_excluded=has_excluded(
                made_from.servers, victims, made_from.leaving
            ),
        )

    def _uncertain(
        self, made_from: _MadeFrom, names: Set[str], victims: _Servers
    ) -> frozenset[str]:
        """Return the classes of which victims may hold more than is known.

        A flavor tells of nova's own classes what a server holds.
        """
        facts = made_from.facts
        if facts is None:
            return frozenset()
        uncertain: set[str] = set()
        for place in made_from.places:
            if place.migration not in facts.allocations:
                uncertain |= names
        for server in victims:
            known = facts.allocations.get(server.uuid)
            if known is None or not made_from.is_same:
                uncertain |= names - set(_FLAVOR_CLASSES)
            if known is not None and not made_from.is_same:
                uncertain |= {
                    name
                    for name, amount in self._size(server, names).items()
                    if amount > known.get(name, 0)
                }
        return frozenset(uncertain)

    def _size(
        self, server: typing.Any, names: Collection[str]
    ) -> dict[str, int]:
        """Return what a server's flavor takes, one object for all alike."""
        amounts = (
            server.vcpus,
            server.memory_mb,
            server.root_gb + server.ephemeral_gb,
        )
        key = amounts, frozenset(names)
        if key not in self._sizes:
            self._sizes[key] = {
                name: amount
                for name, amount in zip(_FLAVOR_CLASSES, amounts, strict=True)
                if amount and name in names
            }
        return self._sizes[key]


def has_excluded(
    servers: _Servers,
    victims: _Servers,
    leaving: Iterable[leaving_servers.LeavingServer],
) -> bool:
    """Tell whether preemptible servers stay that are no potential victims.

    :param servers: all preemptible servers of a host.
    :param victims: those that are potential victims.
    :param leaving: its leaving servers.
    """
    others = {one.uuid for one in servers} - {one.uuid for one in victims}
    return not others <= {one.uuid for one in leaving}


def _without_dedicated(
    by_nova: _Inventories, by_placement: _Inventories
) -> _Inventories:
    """Return nova's figures without the dedicated CPUs that are in use.

    nova counts them with all others.

    :param by_placement: as it was when the host was read.
    """
    dedicated = by_placement.get('PCPU')
    if dedicated is None or not dedicated.used:
        return by_nova
    cpus = by_nova['VCPU']
    shared = max(0, cpus.used - dedicated.used)
    return {**by_nova, 'VCPU': dataclasses.replace(cpus, used=shared)}


def _with_usage(
    name: str,
    inventory: model.Inventory,
    by_nova: model.Inventory | None,
    is_same: bool,
) -> model.Inventory:
    """Return an inventory of placement's with what is in use by now.

    :param by_nova: the inventory by nova's figures, None for a class that
        nova does not count.
    :param is_same: whether the provider has the generation of then.  Even so
        a deletion may have freed some, and nova may not have noticed yet.
    """
    if by_nova is None:
        return inventory
    used = by_nova.used
    if name != 'VCPU':
        # NOTE: nova/compute/resource_tracker.py counts what is reserved of
        # memory and disk as used.
        used = max(0, used - inventory.reserved)
    if is_same:
        used = min(used, inventory.used)
    return dataclasses.replace(inventory, used=used)


def host_from_facts(
    provider: str,
    facts: providers.ProviderFacts,
    victims: _Servers,
    why_protected: str | None = None,
    leaving: Iterable[leaving_servers.LeavingServer] = (),
    failed_builds: int = 0,
    places: Collection[old_places.OldPlace] = (),
) -> model.Host:
    """Return a host as placement has it.

    :param victims: the servers on it that may be evicted.
    :param leaving: its leaving servers.
    :param why_protected: why no server on it may be evicted, or None.
    :param failed_builds: see :class:`model.Host`.
    :param places: the old places on it.
    """
    servers = victims_of.from_facts(victims, facts, places)
    return model.Host(
        provider,
        facts.inventories,
        tuple(one for one in servers if not one.costs_nothing),
        (
            *(one.value(facts) for one in leaving if one.may_be_joined(facts)),
            *(
                one
                for one in servers
                if one.costs_nothing and facts.may_be_left(one.held)
            ),
        ),
        why_protected=why_protected,
        failed_builds=failed_builds,
    )
