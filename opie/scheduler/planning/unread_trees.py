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

from collections.abc import Set
import dataclasses

from opie.preemption import model


class UnreadTrees:
    """The hosts of one scheduler worker, as they are before they are read."""

    def __init__(self) -> None:
        # Provider to (a host, the same before its tree is read).
        self._made: dict[str, tuple[model.Host, model.Host]] = {}

    def forget_all_but(self, uuids: Set[str]) -> None:
        """Forget the hosts of compute nodes that nova has no more."""
        for uuid in self._made.keys() - uuids:
            del self._made[uuid]

    def host(self, host: model.Host, is_worth_reading: bool) -> model.Host:
        """Return a host of which only its root is known, by estimate.

        :param host: the same object while the host is the same.
        :param is_worth_reading: see :class:`model.Host`.
        """
        kept, unread = self._made.get(host.provider, (None, host))
        if kept is host and unread.is_worth_reading == is_worth_reading:
            return unread
        unread = dataclasses.replace(
            host,
            is_worth_reading=is_worth_reading,
            uncertain=frozenset(),
            is_capacity_known=False,
            is_unknown=False,
        )
        self._made[host.provider] = host, unread
        return unread
