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

"""The [opie] options that limit preemption.

All of them may change while the scheduler runs.
"""

from oslo_config import cfg

ENABLED = cfg.BoolOpt(
    'enabled',
    default=True,
    mutable=True,
    help="""
Whether normal servers may take the place of preemptible ones.

The switch to stop all preemption. When it is off, requests are answered as
nova does without opie. What was interrupted is still repaired.

Set the option and send SIGHUP to ``opie-nova-scheduler``; no restart is
needed. From that moment on a preemption under way evicts no further server and
gives back what it took of the servers that are left. Its request ends with
NoValidHost. Where nova 33 runs its services in threads, workers finish the
preemptions that are under way.

Related options:

* ``[opie] dry_run``
* The policy rule ``opie:preempt``, which is read again whenever nova's policy
  file changes, and can stop single projects.
""",
)

MAX_VICTIMS = cfg.IntOpt(
    'max_victims_per_request',
    default=0,
    min=0,
    mutable=True,
    help="""
How many servers may be evicted for one request.

All servers that a request creates count together. For a request that creates
one server, the plan of least cost is taken among those that keep to the limit.
For several servers, the plan of least cost is taken if it keeps to the limit;
otherwise a plan with as few victims as possible is taken if that one does. If
no plan keeps to the limit, the request is answered as nova does without opie,
with NoValidHost, and the log names this option.

A large server on a host of many small preemptible ones may need as many
victims as it has vCPUs: a limit below that keeps it from preempting at all.

Possible values:

* A number of servers; 0 for no limit.

Related options:

* ``[opie] max_preemptions_per_minute``
""",
)

MAX_PER_MINUTE = cfg.IntOpt(
    'max_preemptions_per_minute',
    default=0,
    min=0,
    mutable=True,
    help="""
How many preemptions may begin within a minute, of all projects together.

All schedulers and their workers count together, from the journal that they
share in placement. Each server that takes anything from victims counts as one,
so a request for five servers may count as five. Such a request is served as a
whole or not at all. A preemption counts for 60 seconds from its claim, also
when it fails after its first eviction.

A request beyond the limit is answered as nova does without opie, with
NoValidHost, and the log names the option. By itself this option lets one
project use up what is there for all: set
``max_preemptions_per_minute_per_project`` as well, to a lower value.

The clocks of the schedulers' hosts should agree within a few seconds. With a
limit, entries of the journal stay for a minute at least.

Possible values:

* A number of preemptions; 0 for no limit.

Related options:

* ``[opie] max_preemptions_per_minute_per_project``
* ``[opie] max_victims_per_request``
""",
)

MAX_PER_MINUTE_PER_PROJECT = cfg.IntOpt(
    'max_preemptions_per_minute_per_project',
    default=0,
    min=0,
    mutable=True,
    help="""
How many preemptions of one project may begin within a minute.

The project of the servers that need room counts, not those of the victims. How
preemptions are counted is said at ``max_preemptions_per_minute``.

Possible values:

* A number of preemptions; 0 for no limit.

Related options:

* ``[opie] max_preemptions_per_minute``
""",
)

WASTE_BACKOFF = cfg.IntOpt(
    'wasted_preemption_backoff_seconds',
    default=60,
    min=0,
    mutable=True,
    help="""
How long a project waits after a preemption of its that was in vain.

That is so if servers were evicted for a server which the project has deleted
before it ran, or which nova could not build on its host. The project waits
that long before its requests may evict servers again, and twice as long each
time that the next preemption is in vain as well. Once one of its preemptors
runs, the project starts anew. The log says until when it waits, in the line
``No room is made for ...``.

The project need not be to blame, because a build can fail for reasons of the
host.

All schedulers know of it from the journal in placement, in which there is one
record for a project that waits.

Possible values:

* A number of seconds; 0 to let no project wait.

Related options:

* ``[opie] wasted_preemption_backoff_max_seconds``
""",
)

WASTE_BACKOFF_MAX = cfg.IntOpt(
    'wasted_preemption_backoff_max_seconds',
    default=3600,
    min=1,
    mutable=True,
    help="""
How long a project waits at the most after preemptions that were in vain.

For as long the journal remembers a project beyond its wait, so that the next
wait is twice as long.

Possible values:

* A number of seconds.

Related options:

* ``[opie] wasted_preemption_backoff_seconds``
""",
)

NEVER_EVICTED = cfg.ListOpt(
    'never_evicted_projects',
    default=[],
    mutable=True,
    help="""
Projects whose preemptible servers are never evicted.

The option protects the servers of these projects. To keep a project from
preempting servers of others, use the policy rule ``opie:preempt``, for
instance ``"opie:preempt": "not project_id:<id>"``.

Possible values:

* A list of ids of projects, separated by commas.
""",
)

EVICT_BY_DEFAULT = cfg.BoolOpt(
    'evict_by_default',
    default=True,
    mutable=True,
    help="""
Whether servers are evicted on hosts of which no aggregate says so.

A host aggregate, which an availability zone is as well, says with its metadata
``opie:evict=true`` or ``opie:evict=false`` whether preemptible servers on its
hosts may be evicted. Where aggregates of a host disagree, no server is evicted
there. Where the value is no boolean, no server is evicted either, and the log
warns of the value. For a host without that metadata this option decides. A
change counts from the next plan on.

A protected host can have preemptible servers, and normal servers find room
there as usual.
""",
)

REFUSAL_SECONDS = cfg.IntOpt(
    'refusal_cache_seconds',
    default=5,
    min=0,
    mutable=True,
    help="""
How long a refusal answers requests that are alike.

When no plan can make room for a request, the same scheduler worker refuses a
request like it, of the same project and user, without a new plan for this
long. So clients that try again in a loop cost little. nova's own scheduling
still looks for room each time. Two requests are alike if nova keeps the same
of both but for the servers' uuids. Requests for a server group are never
alike.

A higher value saves time when many such requests come. Servers that become
preemptible meanwhile, and limits that change, are not seen for as long.

Possible values:

* A number of seconds; 0 plans for each request.
""",
)

PLANNING_SECONDS = cfg.IntOpt(
    'max_planning_seconds',
    default=5,
    min=1,
    mutable=True,
    help="""
How long the search for the victims of one request may take.

A scheduler worker plans one request after the other. So a request that makes
it look at many hosts keeps the others waiting. When half of this time is over,
no other hosts are looked at. When all of it is over, the best plan that was
found until then is carried out, and the log says that there may be one that
costs less. If none was found, the request is answered as nova does without
opie, with NoValidHost. The log says that the search was cut short, and the
refusal answers no other request.

A search that has read only a few hosts when it is cut short has met a busy
machine. Then the others have their turn, and the request is planned again, up
to ``max_plans_per_request``.

A usual search takes a fraction of a second, also in a cloud of thousands of
hosts. Longer ones are those of requests for many servers, and of requests that
a filter refuses host by host for different reasons. A step that has begun is
ended first, so a search may take a second longer. Waiting for victims does not
count.

Possible values:

* A number of seconds.

Related options:

* ``[opie] preemption_timeout_seconds``
* ``[opie] max_plans_per_request``
""",
)

ALL_OPTS = [
    ENABLED,
    MAX_VICTIMS,
    MAX_PER_MINUTE_PER_PROJECT,
    MAX_PER_MINUTE,
    WASTE_BACKOFF,
    WASTE_BACKOFF_MAX,
    NEVER_EVICTED,
    EVICT_BY_DEFAULT,
    PLANNING_SECONDS,
    REFUSAL_SECONDS,
]


def register_opts(conf, group):
    conf.register_opts(ALL_OPTS, group=group)
