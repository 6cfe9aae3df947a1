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

"""What evicting a server loses: the one definition of cost.

Lower wins.  The weighers that steer ordinary scheduling and the planner that
chooses victims both take their numbers from here.
"""

import dataclasses
import math

from opie.preemption import errors

DEFAULT_BILLING_PERIOD_SECONDS = 3600


def seconds_beyond_last_full_period(runtime_seconds, billing_period_seconds):
    """Return how long a server has run since its last full billing period.

    A server that has just completed a paid period loses nothing when it is
    evicted; one in the middle of a period loses the part it cannot bill.

    Source: A. Lopez Garcia, E. Fernandez del Castillo, I. Campos Plasencia,
    "An efficient cloud scheduler design supporting preemptible instances",
    Future Generation Computer Systems 95 (2019).

    :param runtime_seconds: time since launch; a negative time (clocks that
        disagree) counts as none.
    :param billing_period_seconds: length of a period, more than zero.
    :returns: seconds, at least 0 and less than the period.
    """
    if billing_period_seconds <= 0:
        raise errors.InvalidCost(
            problem='the billing period must be longer than zero seconds'
        )
    return max(0.0, runtime_seconds) % billing_period_seconds


@dataclasses.dataclass(frozen=True)
class Cost:
    """The cost of evicting a set of servers, the sum over its members.

    :ivar count_multiplier: cost of each victim.
    :ivar duration_multiplier: cost of a whole billing period begun; a victim
        costs the fraction that it has run of its current one.
    :ivar billing_period_seconds: length of a period.
    """

    count_multiplier: float = 1000.0
    duration_multiplier: float = 1000.0
    billing_period_seconds: float = DEFAULT_BILLING_PERIOD_SECONDS

    def of(self, server):
        """Return the cost of evicting one server."""
        begun_seconds = seconds_beyond_last_full_period(
            server.runtime_seconds, self.billing_period_seconds
        )
        fraction = begun_seconds / self.billing_period_seconds
        return self.count_multiplier + self.duration_multiplier * fraction

    def of_all(self, servers):
        """Return the cost of evicting all servers, whatever their order."""
        return math.fsum(self.of(server) for server in servers)
