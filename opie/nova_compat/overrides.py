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

"""Methods of nova that opie overrides, kept by hand as those in given.py.

SchedulerManager.set_shutdown_in_progress is not among them, because it is
newer than the oldest release of nova that opie works with.  Properties count
as methods.
"""

# (what for, a class of nova's, the one of opie's that nova uses in its place,
# and the methods that this one overrides).
OVERRIDDEN = (
    (
        'to make room when nova finds none',
        'nova.scheduler.manager.SchedulerManager',
        'opie.scheduler.filter_scheduler.FilterScheduler',
        'init_host _get_all_host_states select_destinations '
        '_select_destinations',
    ),
    (
        'to have host states that know of preemptible servers',
        'nova.scheduler.host_manager.HostManager',
        'opie.scheduler.host_manager.HostManager',
        'get_weighed_hosts host_state_cls _get_computes_for_cells',
    ),
    (
        'to learn which filter refuses a host',
        'nova.filters.BaseFilterHandler',
        'opie.scheduler.filter_reasons.HandlerWithReasons',
        'get_filtered_objects',
    ),
    (
        'to weigh hosts by their preemptible servers',
        'nova.scheduler.weights.BaseHostWeigher',
        'opie.scheduler.weights.preemptible.PreemptibleWeigher',
        'weight_multiplier weigh_objects _weigh_object',
    ),
)
