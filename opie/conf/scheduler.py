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

"""The [DEFAULT] options that opie has had since its first release.

nova had the first three as well and dropped them.  An operator's nova.conf for
opie holds their historic names.
"""

from oslo_config import cfg

ALL_OPTS = [
    cfg.StrOpt(
        'scheduler_driver',
        default='opie.scheduler.filter_scheduler.FilterScheduler',
        help="""
Class that the scheduler service runs.

Read by ``opie-nova-scheduler``. nova itself has had no such option since
23.0.0 and its own ``nova-scheduler`` ignores it, unless nova is patched.

Possible values:

* The dotted path of a subclass of ``nova.scheduler.manager.SchedulerManager``.
* The name of an entry point in the group ``nova.scheduler.driver``.

Related options:

* ``scheduler_host_manager``
""",
    ),
    cfg.StrOpt(
        'scheduler_host_manager',
        default='opie.scheduler.host_manager.HostManager',
        help="""
Class that keeps the scheduler's view of the hosts.

Read by ``opie-nova-scheduler``. opie's own ``scheduler_driver`` works with
opie's host manager or a subclass of it, and with no other.

Possible values:

* The dotted path of a subclass of ``nova.scheduler.host_manager.HostManager``.
* The name of an entry point in the group ``nova.scheduler.host_manager``.

Related options:

* ``scheduler_driver``
""",
    ),
    cfg.ListOpt(
        'scheduler_weight_classes',
        default=[],
        help="""
Weighers, under the name that this option had before nova 15.

Where ``[filter_scheduler] weight_classes`` is set, that option counts and this
one is ignored. Where it is not set, this option is used in its place. Either
way the scheduler's log says so once at start. Prefer the newer option.

Possible values:

* A list of dotted paths of weighers, or of functions that return such a list.

Related options:

* ``[filter_scheduler] weight_classes``
""",
    ),
    cfg.FloatOpt(
        'preemptible_count_weight_multiplier',
        default=1000.0,
        min=-1e9,
        max=1e9,
        help="""
How much the number of preemptible servers counts.

The weigher ``PreemptibleCountWeigher`` ranks hosts with fewer preemptible
servers higher by this factor when a server is placed where there is room. The
metadata ``preemptible_count_weight_multiplier`` of a host's aggregates
replaces the option for that host; the lowest value counts where several
aggregates have one.

When room is made, the option is the cost of each server evicted, so that a
higher value prefers few victims. With zero, the number of victims counts only
among plans of equal cost. A value below zero counts as zero then, while the
weigher prefers hosts with more preemptible servers. The metadata of aggregates
does not change costs.

Possible values:

* A float from -1e9 to 1e9. What matters when room is made is its ratio to
  ``preemptible_duration_weight_multiplier``.

Related options:

* ``preemptible_duration_weight_multiplier``
* ``[filter_scheduler] weight_classes``
""",
    ),
    cfg.FloatOpt(
        'preemptible_duration_weight_multiplier',
        default=1000.0,
        min=-1e9,
        max=1e9,
        help="""
How much time that cannot be billed counts.

The weigher ``PreemptibleDurationWeigher`` ranks a host higher by this factor
the less its preemptible servers have run beyond their last full billing
period. The metadata ``preemptible_duration_weight_multiplier`` of a host's
aggregates replaces the option for that host; the lowest value counts where
several aggregates have one.

When room is made, the option times the fraction that a server has run of its
current billing period is a part of the server's cost, so that a higher value
prefers victims which have just completed a period. A value below zero counts
as zero then, while the weigher prefers hosts with more time that cannot be
billed. The metadata of aggregates does not change costs.

Possible values:

* A float from -1e9 to 1e9. What matters when room is made is its ratio to
  ``preemptible_count_weight_multiplier``.

Related options:

* ``preemptible_count_weight_multiplier``
* ``[opie] billing_period_seconds``
* ``[filter_scheduler] weight_classes``
""",
    ),
]


def register_opts(conf):
    conf.register_opts(ALL_OPTS)
