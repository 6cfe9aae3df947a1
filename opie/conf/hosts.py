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

# Which part of the time of a request one host has, so that two hosts can be
# tried and something is left for planning and for giving back.
_PART = 2 / 5

AVOID_FAILED_BUILDS = cfg.BoolOpt(
    'avoid_failed_builds',
    default=True,
    mutable=True,
    help="""
Evict first where builds have not failed lately.

nova counts for each compute node the builds that have failed there since the
last one that succeeded. A host where any have failed is chosen only if no
other host can serve the request, even if its victims cost less, and then the
one where fewest have failed. Otherwise a request could take the place of
servers on a host that cannot build it. A host with room is taken all the same,
because no server is evicted there.

When the option is off, the cost of the victims alone decides. nova's own
weigher counts failed builds for requests that find room.

Related options:

* ``[filter_scheduler] build_failure_weight_multiplier``
* ``[compute] consecutive_build_service_disable_threshold``, which must not be
  zero for a compute to count.
""",
)

STUCK_DELETION_SECONDS = cfg.IntOpt(
    'stuck_deletion_seconds',
    default=30,
    min=1,
    mutable=True,
    help="""
How long a host may take to delete a victim before the host counts as hung.

A compute that hangs, or whose hypervisor does, is up for nova for a while.
When a victim was sent away so long ago and is still being deleted, no other
server is evicted on its host until that victim is gone, by no scheduler, and
no request waits for servers that leave that host. The log of each scheduler
worker has a warning with the host and the victim. What a host was asked to
delete it deletes when it returns. If the host has not even begun, the message
may be lost: a reaper sends it again.

Set the option to more than your hypervisors usually take to destroy a server.

Possible values:

* A number of seconds, at least 1.

Related options:

* ``[opie] host_timeout_seconds``
* ``[opie] max_wait_for_deletion_seconds``
* ``[opie] reaper_interval_seconds``
""",
)

HOST_TIMEOUT_SECONDS = cfg.IntOpt(
    'host_timeout_seconds',
    min=1,
    mutable=True,
    help="""
How long one host may take to delete the victims of a request.

It is a part of the time that a request has. When it is over, the request gives
back what it took, leaves that host out, and takes the place of servers
elsewhere. The victims that were sent away on that host are wasted: what a host
was asked to delete it deletes when it returns. A host that has deleted the
guest of any server within the last five seconds works, and gets as much time
again, once. Set the option to more than your hypervisors take to destroy a
server, and to less than half of
``preemption_timeout_seconds``, so that another host can be tried.

Possible values:

* A number of seconds, less than ``preemption_timeout_seconds``. The scheduler
  refuses to start otherwise.
* Unset: two fifths of ``preemption_timeout_seconds``.

Related options:

* ``[opie] preemption_timeout_seconds``
* ``[opie] stuck_deletion_seconds``
""",
)

FAILED_DELETIONS_HOSTS = cfg.IntOpt(
    'failed_deletions_hosts',
    default=3,
    min=0,
    mutable=True,
    help="""
On how many hosts deletions fail before no server is evicted any more.

When neutron or cinder is away, nova destroys the guest of a victim and then
fails to delete the server, so that every eviction costs a server and makes no
room. When nova has failed to delete victims on so many hosts within five
minutes, requests that need victims are answered with NoValidHost, by all
schedulers. The log of each scheduler worker has one error that names the hosts
and the victims.

Evictions go on by themselves when fewer hosts have failed within the last
five minutes. A victim that was deleted after all, or whose state was reset,
does not count.

Possible values:

* A number of hosts; 0 evicts however many fail.
""",
)

ALL_OPTS = [
    FAILED_DELETIONS_HOSTS,
    STUCK_DELETION_SECONDS,
    HOST_TIMEOUT_SECONDS,
    AVOID_FAILED_BUILDS,
]


def timeout_seconds(conf):
    """Return how long one host may take to delete the victims of a request."""
    if conf.opie.host_timeout_seconds is not None:
        return conf.opie.host_timeout_seconds
    return conf.opie.preemption_timeout_seconds * _PART


def register_opts(conf, group):
    conf.register_opts(ALL_OPTS, group=group)
