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

"""The [opie] options about hosts that do not deliver.

All of them may change while the scheduler runs.
"""

from oslo_config import cfg

AVOID_FAILED_BUILDS = cfg.BoolOpt(
    'avoid_failed_builds',
    default=True,
    mutable=True,
    help="""
Evict first where builds have not failed lately.

nova counts for each compute node the builds that have failed there since the
last one that succeeded. A host where any have failed is chosen only if no
other host can serve the request, whatever the victims cost, and then the one
where fewest have failed. Otherwise a request could take the place of servers
on a host that cannot build it. A host with room is taken all the same, because
no server is evicted there.

When the option is off, the cost of the victims alone decides. nova's own
weigher counts failed builds for requests that find room.

Related options:

* ``[filter_scheduler] build_failure_weight_multiplier``
* ``[compute] consecutive_build_service_disable_threshold``, which must not be
  zero for a compute to count.
""",
)

ALL_OPTS = [
    AVOID_FAILED_BUILDS,
]


def register_opts(conf, group):
    conf.register_opts(ALL_OPTS, group=group)
