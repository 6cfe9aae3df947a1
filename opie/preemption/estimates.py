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

"""Which estimates of hosts are believed, and how many hosts are read for it.

A host that seems too small by an estimate comes after all others, and is read
before the request is refused, unless the cloud's answer about all hosts rules
it out.  A host that was never read, so that it may have
a resource class of which nothing is known, counts as a cheap one.  Both hold
only up to a number of hosts for each request: what is read is remembered, so
the next request begins with better estimates.
"""

import collections.abc

from opie.preemption import amounts
from opie.preemption import live_cloud
from opie.preemption import model
from opie.preemption import room

# How many hosts that seem too small are read, those that were read longest ago
# first, so that the next request reads others.
MOST_TOO_SMALL = 64
# So many refusals by filters make it likely that more hosts are refused.
FEW_REFUSALS = 2
# How many hosts that were never read count as cheap ones.
MOST_UNKNOWN = 256


class Estimates:
    """The estimates of one request.

    :ivar read_providers: the providers of the hosts that were read.
    """

    def __init__(
        self, per_preemptor: amounts.Amounts, cloud: live_cloud.LiveCloud
    ) -> None:
        """Begin with no host read.

        :param per_preemptor: what one preemptor takes.
        """
        self._names = per_preemptor.keys()
        self._cloud = cloud
        self._too_small_left = MOST_TOO_SMALL
        self._unknown_left = MOST_UNKNOWN
        self._refusals = 0
        self._asked: set[str] = set()
        self.read_providers: set[str] = set()

    def is_worth_reading(self, host: model.Host | model.Unfit) -> bool:
        """Tell whether a host may still turn out otherwise when it is read."""
        return (
            isinstance(host, model.Host)
            and host.is_worth_reading
            and host.provider not in self.read_providers
        )

    def without_room(
        self, hosts: list[model.Host], demand: amounts.Demand
    ) -> list[tuple[str, model.Unfit]]:
        """Return those of some hosts that need no reading, and why.

        :param hosts: that seem too small and were not read.
        :returns: (provider, why its host is too small for certain) for each.
        """
        return room.without_room(hosts, demand, self._cloud)

    def note_refusals(self, number: int) -> None:
        """Note that hosts were refused, most often by filters."""
        self._refusals += number

    def unfit_ones(
        self, providers: collections.abc.Iterable[str]
    ) -> collections.abc.Mapping[str, model.Unfit]:
        """Return those of some hosts that need no reading, and why.

        The cloud is asked once filters have refused a few hosts.

        :param providers: of hosts that could still win.
        """
        if self._refusals < FEW_REFUSALS:
            return {}
        some = set(providers) - self._asked - self.read_providers
        self._asked |= some
        return self._cloud.unfit_ones(tuple(sorted(some))) if some else {}

    def is_unknown(self, host: model.Host | model.Unfit) -> bool:
        """Tell whether the host may have a class of which nothing is known."""
        return (
            isinstance(host, model.Host)
            and self.is_worth_reading(host)
            and host.is_unknown
            and not self._names <= host.inventories.keys()
        )

    def believe(self, host: model.Host) -> bool:
        """Believe the bound of a host, as long as that is allowed.

        :returns: whether the bound is believed.  Of hosts that were never
            read it is for the first ``MOST_UNKNOWN`` only.
        """
        if not self.is_unknown(host):
            return True
        self._unknown_left -= 1
        return self._unknown_left >= 0

    def may_read(self, provider: str) -> bool:
        """Tell whether a host that seems too small is or may be read."""
        return self._too_small_left > 0 or provider in self.read_providers

    def grant(self, number: int, seem_too_small: bool) -> int:
        """Grant the reading of hosts, and return of how many.

        :param number: how many are asked for.
        :param seem_too_small: whether they count against the limit.
        """
        if seem_too_small:
            number = min(number, self._too_small_left)
            self._too_small_left -= number
        return number
