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

"""Which of two choices is the better one, as one number each.

A rank folds the criteria into a whole number, the first one uppermost, so
that ranks can be compared and, for choices that are made together, added.
Lower wins:

1. builds that have failed lately on a host where a victim goes;
2. victims that are younger than the protected age;
3. the cost, in millionths;
4. the number of victims;
5. the resources freed beyond need, in millionths of what is asked for, and
   the leaving servers that are waited for, as so many millionths.

So a host with room, whose rank is zero, wins over any host where something is
waited for, and that one over any host with victims.
What still ties is decided by the cloud's own weighers, and then by uuid.
"""

import collections.abc
import math

from opie.preemption import amounts
from opie.preemption import cost
from opie.preemption import model

# Far more than the sum of any criterion over all victims of a plan.
_BITS = 96
# By how much a number is shifted to its place in a rank, for ranks that are
# made in great numbers.
FAILED_BUILDS_SHIFT = 4 * _BITS
MILLIONTHS_SHIFT = 2 * _BITS
COUNT_SHIFT = _BITS


def fold(
    young: int = 0,
    millionths: int = 0,
    count: int = 0,
    surplus: int = 0,
    failed_builds: int = 0,
) -> int:
    """Return the rank of a choice."""
    rank = failed_builds
    for criterion in (young, millionths, count, surplus):
        rank = (rank << _BITS) + criterion
    return rank


def tolerated(rank: int, tolerance: float) -> int:
    """Return the worst rank that is nearly as good as another one.

    :param tolerance: which part more it may cost.  Neither more failed
        builds, more young servers, nor a victim where there is room are
        tolerated.
    """
    millionths = (rank >> MILLIONTHS_SHIFT) & ((1 << _BITS) - 1)
    return rank + (int(millionths * tolerance) << MILLIONTHS_SHIFT)


class Ranking:
    """The ranks of the servers of one host, and of choices among them.

    Resources that are asked for are counted in preemptors' needs, and what is
    freed of other classes in shares of the host.
    """

    def __init__(
        self,
        host: model.Host,
        per_preemptor: amounts.Amounts,
        its_cost: cost.Cost,
    ) -> None:
        """Scale the resources of a host.

        :param per_preemptor: the amounts that one preemptor takes.
        """
        self._cost = its_cost
        self._failed_builds = its_cost.failed_builds(host)
        self._scale = {
            name: per_preemptor.get(name) or max(1, inventory.total)
            for name, inventory in host.inventories.items()
        }

    def rank_of_server(self, server: model.Server) -> int:
        """Return what a server adds to the rank of a choice."""
        return self._rank(server, self._millionths(server.held))

    def rank_of_choice(
        self,
        victims: collections.abc.Sequence[model.Server],
        missing: collections.abc.Mapping[str, float],
    ) -> int:
        """Return the rank of evicting some servers.

        :param missing: resource class to what is missing on the host.
        """
        if not victims:
            return 0
        freed = sum(self._millionths(server.held) for server in victims)
        return sum(self._rank(server, 0) for server in victims) + fold(
            surplus=max(0, freed - self._millionths(missing)),
            failed_builds=self._failed_builds,
        )

    def _rank(self, server: model.Server, surplus: int) -> int:
        return fold(
            int(self._cost.is_young(server)),
            self._cost.millionths(server),
            1,
            surplus,
        )

    def _millionths(self, some: collections.abc.Mapping[str, float]) -> int:
        return sum(
            math.ceil(amount) * cost.MILLIONTHS // self._scale[name]
            for name, amount in some.items()
        )
