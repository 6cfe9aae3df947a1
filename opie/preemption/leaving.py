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

"""Which leaving servers a choice of victims has to wait for.

They cost nothing, but a preemptor waits for each of them.  So there are no
more than needed, and rather few large ones than many small ones.  Soft-deleted
servers are among them, and go only where the others are not enough, because
their users may still restore them.
"""

import collections.abc

from opie.preemption import amounts
from opie.preemption import cost
from opie.preemption import model


class LeavingServers:
    """The leaving servers of one host that are not waited for yet.

    :param host: the host as it is before any server is gone.
    :param awaited: those that are waited for already.
    :param wanted: what all preemptors on the host take together.
    """

    def __init__(
        self,
        host: model.Host,
        awaited: collections.abc.Collection[model.Server],
        wanted: model.Amounts,
    ) -> None:
        self._host = host
        self._wanted = wanted
        uuids = {server.uuid for server in awaited}
        self.all = tuple(
            sorted(
                (one for one in host.leaving if one.uuid not in uuids),
                key=lambda one: (
                    not one.is_soft_deleted,
                    self._size(one),
                    one.uuid,
                ),
            )
        )

    def _size(self, server: model.Server) -> int:
        return sum(
            min(server.held.get(name, 0), amount) * cost.MILLIONTHS // amount
            for name, amount in self._wanted.items()
        )

    def needed(
        self,
        gone: collections.abc.Sequence[model.Server],
        suffices: collections.abc.Callable[
            [tuple[model.Server, ...]], bool
        ] = lambda some: True,
    ) -> tuple[model.Server, ...]:
        """Return those without which there is no room.

        Soft-deleted ones are left out first, and the smallest first of all.

        :param gone: the servers that are gone besides.
        :param suffices: what has to be true as well of those returned; it is
            of all.
        """
        kept = self.all
        for server in self.all:
            fewer = tuple(one for one in kept if one is not server)
            if self._is_room((*gone, *fewer)) and suffices(fewer):
                kept = fewer
        return kept

    def _is_room(self, gone: collections.abc.Sequence[model.Server]) -> bool:
        held = [server.held for server in gone]
        return all(
            amount - amounts.of_class(name, held)
            <= self._host.inventories[name].free
            for name, amount in self._wanted.items()
        )
