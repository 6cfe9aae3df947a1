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

"""What a preemptor could take of a host whose tree was read."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
import dataclasses
import itertools
import math

from opie.preemption import model
from opie.preemption import rows
from opie.preemption.trees import asked as asked_of_trees
from opie.preemption.trees import proposals
from opie.preemption.trees import providers
from opie.scheduler.placement import provider_trees
from opie.scheduler.planning import costs

# Trees of a cloud's hosts have far less that differ in what is taken.
# Each costs a third of a millisecond, on each host that is read.
_MOST = 1000


def with_takings(
    host: model.Host,
    tree: provider_trees.TreeFacts,
    asked: asked_of_trees.Request,
) -> model.Host:
    """Return a host with what a preemptor could take of it.

    Where that is too much to try, half of it is what would cost least if each
    server had one device.  The other half has all devices, which filters may
    ask for that look at where devices are.

    :param host: as the facts of the tree are, row by row.
    """
    found = _propose(host, tree, asked, _is_full, _MOST + 1)
    has_more = len(found) > _MOST
    if has_more:
        cheap = _cost_per_unit(host, tree)
        first = _propose(host, tree, asked, cheap, _MOST // 2)
        by_amounts = {one.taken: one for one in (*first, *found)}
        found = list(by_amounts.values())[:_MOST]
    return dataclasses.replace(
        host,
        takings=tuple(_taking(tree.root, one) for one in found),
        has_more_takings=has_more,
    )


def _propose(
    host: model.Host,
    tree: provider_trees.TreeFacts,
    asked: asked_of_trees.Request,
    key: Callable[[providers.Provider], float],
    most: int,
) -> list[proposals.Proposal]:
    """Return some proposals, of the providers with the least key first."""
    servers = (*host.potential_victims, *host.leaving)
    forest = tree.forest(host.inventories)
    ordered = sorted(forest.providers.values(), key=key)
    without = providers.Forest.of(ordered).without(
        rows.to_allocations(tree.root, one.held) for one in servers
    )
    return list(
        itertools.islice(proposals.propose_takings(without, asked), most)
    )


def _is_full(provider: providers.Provider) -> bool:
    return any(one.free < 1 for one in provider.inventories.values())


def _cost_per_unit(
    host: model.Host, tree: provider_trees.TreeFacts
) -> Callable[[providers.Provider], float]:
    """Return a function from a provider to what a unit of it would cost."""
    its_cost = costs.now()
    least: dict[str, float] = {}
    for server in host.potential_victims:
        held = rows.to_allocations(tree.root, server.held)
        held.pop(tree.root, None)
        units = sum(sum(amounts.values()) for amounts in held.values())
        for provider in held:
            least[provider] = min(
                least.get(provider, math.inf),
                its_cost.millionths(server) / units,
            )
    for server in host.leaving:
        for provider in rows.to_allocations(tree.root, server.held):
            least[provider] = 0.0

    def key(provider: providers.Provider) -> float:
        return least.get(provider.uuid, 0.0) if _is_full(provider) else 0.0

    return key


def why_lacking(classes: Iterable[str]) -> str:
    """Return why a tree cannot serve a request that lacks some classes."""
    return 'no inventory of %s' % ', '.join(sorted(classes))


def _taking(root: str, proposal: proposals.Proposal) -> model.Taking:
    return model.Taking(
        rows.from_allocations(root, proposal.allocations),
        tuple(
            sorted(
                (suffix, tuple(sorted(some)))
                for suffix, some in proposal.mappings
            )
        ),
    )
