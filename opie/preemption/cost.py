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
chooses victims both take their numbers from here.  The planner counts in whole
millionths, so that sums are exact whatever their order.
"""

import bisect
import collections.abc
import dataclasses
import math
import typing

from opie.preemption import errors
from opie.preemption import figures

if typing.TYPE_CHECKING:
    from opie.preemption import model

DEFAULT_BILLING_PERIOD_SECONDS = 3600
MILLIONTHS = 1_000_000

# A bound is to be one for certain, and floats of its size may be off by some
# millionths.
_SURELY = 1 - 1e-12
# A server that has just begun a period may seem not to have, by rounding.
_SLACK_SECONDS = 1e-6


def seconds_beyond_last_full_period(
    runtime_seconds: float, billing_period_seconds: float
) -> float:
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
    """The cost of evicting a set of servers at a moment: the members' sum.

    A multiplier below zero counts as zero, because an eviction is no reward.

    :ivar count_multiplier: cost of each victim.
    :ivar duration_multiplier: cost of a whole billing period begun; a victim
        costs the fraction that it has run of its current one.
    :ivar billing_period_seconds: length of a period.
    :ivar age_multiplier: cost of each billing period's length that a victim
        has run since its launch; it keeps those that have done most work.
    :ivar min_runtime_seconds: a server that was launched first less than this
        ago is young, and chosen only where nothing else makes room.
    :ivar is_min_runtime_strict: whether a young server is not even chosen
        then.
    :ivar now: the moment, in seconds since the epoch.
    :ivar avoids_failed_builds: whether servers are evicted on hosts whose
        builds have failed lately only where no other host will do.
    """

    count_multiplier: float = 1000.0
    duration_multiplier: float = 1000.0
    billing_period_seconds: float = DEFAULT_BILLING_PERIOD_SECONDS
    age_multiplier: float = 0.0
    min_runtime_seconds: float = 0.0
    is_min_runtime_strict: bool = False
    now: float = 0.0
    avoids_failed_builds: bool = True

    def __post_init__(self) -> None:
        for name in ('count', 'duration', 'age'):
            value = getattr(self, name + '_multiplier')
            if not math.isfinite(value):
                raise errors.InvalidCost(
                    problem='the %s multiplier is %s' % (name, value)
                )
            # The way to set a field of a frozen value.
            object.__setattr__(self, name + '_multiplier', max(0.0, value))
        # Raises for a period without length.
        seconds_beyond_last_full_period(0, self.billing_period_seconds)

    def fewest(self) -> 'Cost':
        """Return the cost that only counts victims.

        What may not be evicted by this cost may not by the other either.
        """
        return dataclasses.replace(
            self,
            count_multiplier=1.0,
            duration_multiplier=0.0,
            age_multiplier=0.0,
            min_runtime_seconds=(
                self.min_runtime_seconds if self.is_min_runtime_strict else 0.0
            ),
        )

    def failed_builds(self, host: 'model.Host') -> int:
        """Return the failed builds that count against a host."""
        return host.failed_builds if self.avoids_failed_builds else 0

    def runtime_seconds(self, server: 'model.Server') -> float:
        """Return how long a server has run since its last launch.

        A server that was never launched has run for 0 seconds.
        """
        return self._seconds_since(server.launched_at)

    def _seconds_since(self, moment: float | None) -> float:
        return 0.0 if moment is None else max(0.0, self.now - moment)

    def is_young(self, server: 'model.Server') -> bool:
        """Tell whether a server is to stay while others will do.

        The first launch counts, because a user may launch a server again.
        """
        since = server.protected_since
        if since is None:
            since = server.launched_at
        return self._seconds_since(since) < self.min_runtime_seconds

    def may_evict(self, server: 'model.Server') -> bool:
        """Tell whether a server may be evicted where nothing else will do."""
        return not (self.is_min_runtime_strict and self.is_young(server))

    def millionths(self, server: 'model.Server') -> int:
        """Return the cost of evicting one server, in millionths."""
        runtime = self.runtime_seconds(server)
        return self._millionths(
            seconds_beyond_last_full_period(
                runtime, self.billing_period_seconds
            ),
            runtime,
        )

    def _millionths(self, begun_seconds: float, runtime_seconds: float) -> int:
        of_time = (
            self.duration_multiplier * begun_seconds
            + self.age_multiplier * runtime_seconds
        ) / self.billing_period_seconds
        return round(MILLIONTHS * (self.count_multiplier + of_time))

    def cost_of(self, server: 'model.Server') -> float:
        """Return the cost of evicting one server."""
        return self.millionths(server) / MILLIONTHS

    def cost_of_all(
        self, servers: collections.abc.Iterable['model.Server']
    ) -> float:
        """Return the cost of evicting all servers, whatever their order."""
        return sum(map(self.millionths, servers)) / MILLIONTHS

    def make_floor(
        self,
    ) -> collections.abc.Callable[[figures.Figures, int], int]:
        """Return a function that bounds the cost of victims of a host.

        It is called for every host of a cloud, and makes its list of times
        only.  Called with the :class:`figures.Figures` of the host and the
        least number of victims, it returns millionths that no such set costs
        less than.
        """
        now, period = self.now, self.billing_period_seconds
        # Each of the victims' costs is rounded.
        each = MILLIONTHS * self.count_multiplier - 1
        of_begun = MILLIONTHS * self.duration_multiplier / period
        of_age = MILLIONTHS * self.age_multiplier / period
        phase = now % period + _SLACK_SECONDS

        def floor(its_figures: figures.Figures, count: int) -> int:
            launches = its_figures.launches
            least = each * count
            if launches and launches[-1] < now and not its_figures.unlaunched:
                # The last to begin a period anew are those of the phases just
                # before this moment's, and before the first comes the last.
                phases = its_figures.phases(period)
                index = bisect.bisect_right(phases, phase)
                if index >= count:
                    begun = phase * count - sum(phases[index - count : index])
                else:
                    begun = (
                        phase * count
                        + period * (count - index)
                        - sum(phases[:index])
                        - sum(phases[index - count :])
                    )
                least += of_begun * (begun - _SLACK_SECONDS * count)
                if of_age:
                    least += of_age * sum(
                        [now - launch for launch in launches[-count:]]
                    )
            return int(max(0.0, least * _SURELY))

        return floor
