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

"""The cost of evictions, by the options."""

import time

import nova.conf

from opie.preemption import cost

CONF = nova.conf.CONF


def now() -> cost.Cost:
    """Return the cost of evictions at this moment."""
    return cost.Cost(
        CONF.preemptible_count_weight_multiplier,
        CONF.preemptible_duration_weight_multiplier,
        CONF.opie.billing_period_seconds,
        CONF.opie.age_cost_multiplier,
        CONF.opie.min_runtime_seconds,
        CONF.opie.min_runtime_strict,
        now=time.time(),
        avoids_failed_builds=CONF.opie.avoid_failed_builds,
    )
