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

"""What estimates of hosts are not to be believed for, and at what cost.

A host that seems too small by an estimate comes after all others, and is
looked at before the request is refused.  One of which nobody knows yet whether
it has a resource class is taken for a cheap one.  Both only up to a number of
hosts for each request: whoever looks remembers, so the next one knows more.
"""

from opie.preemption import model
from opie.preemption import ranks

# How many hosts that seem too small are looked at, the ones that were not for
# the longest time first, so that the next request looks at others.
MOST_DOUBTS = 64
# How many hosts of which nobody knows are taken for cheap ones.
MOST_UNKNOWN = 256

_LAST = ranks.fold(young=1 << 96)
_LOOKS_PER_SECOND = 1000


def last_rank(host):
    """Return the rank of a host that seems too small."""
    return _LAST + round(host.read_at * _LOOKS_PER_SECOND)


class Doubts:
    """The doubts of one request.

    :param resources: resource class to what one preemptor takes.
    :ivar read: the uuids of the hosts that were looked at.
    """

    def __init__(self, resources):
        self._names = resources.keys()
        self._doubts_left = MOST_DOUBTS
        self._unknown_left = MOST_UNKNOWN
        self.read = set()

    def is_doubtful(self, host):
        """Tell whether a host, or a refusal by one, has to be looked at."""
        return (
            isinstance(host, model.Host)
            and host.is_estimate
            and host.provider not in self.read
        )

    def is_unknown(self, host):
        """Tell whether it is unknown if a host has what is asked for."""
        return (
            self.is_doubtful(host)
            and host.is_unknown
            and not self._names <= host.inventories.keys()
        )

    def may_believe(self, host):
        """Tell whether to take a host for what its bound says.

        It is asked of all hosts of a cloud, most of which are known.
        """
        if not host.is_unknown or not self.is_unknown(host):
            return True
        self._unknown_left -= 1
        return self._unknown_left >= 0

    def are_over(self, rank):
        """Tell whether a rank is a doubt and no other doubt is allowed."""
        return rank >= _LAST and not self._doubts_left

    def spend(self, rank, number):
        """Return how many of a number of hosts may be looked at."""
        if rank >= _LAST:
            number = min(number, self._doubts_left)
            self._doubts_left -= number
        return number
