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

"""How much of each victim a preemptor takes, provider by provider.

It is the rule of one root provider, see shares.py, on each of them by itself.
"""

from collections.abc import Sequence

from opie.preemption import model
from opie.preemption import shares
from opie.preemption.trees import proposals
from opie.preemption.trees import providers
from opie.preemption.trees import victims

# Victim to provider to resource class to what is taken.
Takings = dict[str, dict[str, dict[str, int]]]


def take(
    forest: providers.Forest,
    some: Sequence[victims.PotentialVictim],
    proposal: proposals.Proposal,
) -> Takings | None:
    """Return what is taken of each victim for a proposal.

    :param forest: the trees as they are, with all the servers there.
    :param some: the victims; there is room for the proposal without them.
    :returns: an empty item for a victim of which nothing is taken.  None where
        placement's units do not allow what would be left to a victim.
    """
    taken: Takings = {server.uuid: {} for server in some}
    held = {server.uuid: server.held for server in some}
    for uuid, resources in proposal.allocations.items():
        here = [
            model.Server(server, its_held[uuid])
            for server, its_held in held.items()
            if uuid in its_held
        ]
        shared = shares.share_out(
            model.Host(uuid, forest.providers[uuid].inventories),
            here,
            {'': resources},
        )
        if shared is None:
            return None
        for server, by_preemptor in shared.items():
            if by_preemptor['']:
                taken[server][uuid] = dict(by_preemptor[''])
    for server, its_held in held.items():
        if not _may_be_left(forest, its_held, taken[server]):
            return None
    return taken


def _may_be_left(
    forest: providers.Forest,
    held: providers.Allocations,
    taken: providers.Allocations,
) -> bool:
    """Tell whether placement accepts what a victim keeps.

    Units may have changed since the server came.
    """
    for uuid in held.keys() & forest.providers.keys():
        inventories = forest.providers[uuid].inventories
        for name, amount in held[uuid].items():
            left = amount - taken.get(uuid, {}).get(name, 0)
            if left and not inventories[name].is_unit(left):
                return False
    return True
