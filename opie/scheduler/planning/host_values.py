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

What a host has is what placement said when it was read last, or what nova's
own figures say; what of it is in use, nova knows well enough.  By these
estimates the planner decides which hosts to look at, and looking replaces them
by facts.  Values are kept from one plan to the next while their sources stay
the same.
"""

import dataclasses

from opie.preemption import model
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.planning import protection

_NOBODY = protection.Protection()


class HostValues:
    """The hosts of one scheduler worker.

    :param providers: a :class:`providers.ProviderCache`.
    """

    def __init__(self, providers):
        self._providers = providers
        self._made = {}
        self._held = {}

    def forget_all_but(self, uuids):
        """Forget hosts that are no more.

        :param uuids: of all compute nodes that nova has.
        """
        for uuid in self._made.keys() - uuids:
            del self._made[uuid]
        self._providers.forget_all_but(uuids)

    def host(
        self,
        compute,
        generation,
        servers,
        is_doubted=True,
        protected=_NOBODY,
    ):
        """Return the :class:`model.Host` of a compute node.

        :param compute: a :class:`computes.Compute`.
        :param generation: of its provider, as placement has just listed it.
        :param servers: a tuple of its preemptible servers; the same object
            while they are the same.
        :param is_doubted: whether nova's figures may be wrong in a way that
            matters.
        :param protected: a :class:`protection.Protection`.
        """
        facts = self._providers.last(compute.uuid)
        is_same = facts is not None and facts.generation == generation
        why_protected = protected.why_protected(compute.host)
        sources = (
            servers,
            facts,
            compute,
            is_same,
            is_doubted,
            why_protected,
            protected.projects,
        )
        made = self._made.get(compute.uuid)
        if made and _are_same(made[1], sources):
            return made[0]
        host = self._estimated(*sources)
        self._made[compute.uuid] = host, sources
        return host

    def _estimated(
        self,
        servers,
        facts,
        compute,
        is_same,
        is_doubted,
        why_protected,
        projects,
    ):
        """Return a host by nova's figures, and by facts if there are."""
        inventories = {
            name: model.Inventory(total, allocation_ratio=ratio, used=used)
            for name, (total, used, ratio) in compute.amounts().items()
        }
        held = {}
        if facts is not None:
            inventories = {
                name: _with_usage(name, item, inventories.get(name), is_same)
                for name, item in facts.inventories.items()
            }
            held = facts.allocations
        return model.Host(
            compute.uuid,
            inventories,
            tuple(
                model.Server(
                    server.uuid,
                    held.get(server.uuid)
                    or self._size(server, inventories.keys()),
                    server.launched_at,
                )
                for server in (() if why_protected else servers)
                if _is_eligible(server, projects)
            ),
            is_estimate=is_doubted,
            is_unknown=is_doubted and facts is None,
            read_at=facts.read_at if facts else 0.0,
            why_protected=why_protected,
        )

    def _size(self, server, names):
        """Return what a server's flavor takes, one object for all alike."""
        amounts = (
            server.vcpus,
            server.memory_mb,
            server.root_gb + server.ephemeral_gb,
        )
        key = amounts, frozenset(names)
        if key not in self._held:
            self._held[key] = {
                name: amount
                for name, amount in zip(
                    ('VCPU', 'MEMORY_MB', 'DISK_GB'), amounts, strict=True
                )
                if amount and name in names
            }
        return self._held[key]


def _are_same(before, now):
    return (
        before[0] is now[0] and before[1] is now[1] and before[2:] == now[2:]
    )


def _with_usage(name, inventory, by_nova, is_same):
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


def known(
    uuid, facts, servers, excluded=frozenset(), projects=(), why_protected=None
):
    """Return a host as placement has it.

    :param uuid: of its provider.
    :param facts: a :class:`providers.ProviderFacts`.
    :param servers: its preemptible servers.
    :param excluded: uuids of servers that are to be no victims.
    :param projects: ids of projects whose servers are not to be either.
    :param why_protected: why nobody on it is, None where somebody may be.
    """
    return model.Host(
        uuid,
        facts.inventories,
        tuple(
            model.Server(
                server.uuid,
                facts.allocations[server.uuid],
                server.launched_at,
            )
            for server in (() if why_protected else servers)
            # One without allocations frees nothing, and could not be booked.
            if server.uuid in facts.allocations
            and server.uuid not in excluded
            and _is_eligible(server, projects)
        ),
        why_protected=why_protected,
    )


def _is_eligible(server, projects):
    return not (
        preemptibles.why_excluded(server)
        or preemptibles.why_postponed(server)
        or server.project_id in projects
    )
