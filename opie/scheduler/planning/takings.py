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

from collections.abc import Iterable
import dataclasses
import itertools

from opie.preemption import model
from opie.preemption import rows
from opie.preemption.trees import asked as asked_of_trees
from opie.preemption.trees import proposals
from opie.scheduler.placement import provider_trees

# Trees of a cloud's hosts have far less that differ in what is taken.
_MOST = 1000


def with_takings(
    host: model.Host,
    tree: provider_trees.TreeFacts,
    asked: asked_of_trees.Request,
) -> model.Host:
    """Return a host with all that a preemptor could take of it.

    :param host: as the facts of the tree are, row by row.
    """
    servers = (*host.potential_victims, *host.leaving)
    without = tree.forest(host.inventories).without(
        rows.to_allocations(tree.root, one.held) for one in servers
    )
    found = itertools.islice(proposals.propose_takings(without, asked), _MOST)
    takings = tuple(_taking(tree.root, one) for one in found)
    return dataclasses.replace(host, takings=takings)


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
