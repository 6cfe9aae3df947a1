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

"""The [opie] options that say how a preemption is carried out."""

from oslo_config import cfg

from opie.preemption import cost

GROUP = cfg.OptGroup(
    'opie',
    title='Preemption',
    help='How a request that finds no room takes the place of preemptible '
    'servers.',
)

ALL_OPTS = [
    cfg.BoolOpt(
        'dry_run',
        default=False,
        help="""
Only say what would be done.

The scheduler logs the host and the victims that it would choose and then
answers as nova does without opie, with NoValidHost. Nothing is claimed and
nothing is evicted. Use the option to watch opie on a cloud before you let opie
act.
""",
    ),
    cfg.IntOpt(
        'billing_period_seconds',
        default=cost.DEFAULT_BILLING_PERIOD_SECONDS,
        min=1,
        help="""
Length of a billing period.

A preemptible server that has just completed a period is the cheapest to evict,
because the time that a server has run beyond its last full period cannot be
billed. Periods are counted from the server's last launch, nova's
``launched_at``. To rescue, resize, revert or unshelve a server sets that anew.

Possible values:

* A number of seconds, at least 1.

Related options:

* ``[DEFAULT] preemptible_duration_weight_multiplier``
""",
    ),
    cfg.FloatOpt(
        'age_cost_multiplier',
        default=0.0,
        min=-1e9,
        max=1e9,
        help="""
How much the work counts that a victim loses.

When room is made, evicting a server costs this much for each billing period
that has passed since its last launch, nova's ``launched_at``. So a higher
value prefers the youngest victims, which have done the least work. A rescue, a
resize or an unshelving is a launch too. With the default, age does not count.
A value below zero counts as zero.

Possible values:

* A float from -1e9 to 1e9. What matters when room is made are its ratios to
  the two multipliers below.

Related options:

* ``[DEFAULT] preemptible_count_weight_multiplier``
* ``[DEFAULT] preemptible_duration_weight_multiplier``
* ``[opie] billing_period_seconds``
""",
    ),
    cfg.IntOpt(
        'min_runtime_seconds',
        default=0,
        min=0,
        help="""
How long a preemptible server runs protected.

A server that was launched first less than this ago is evicted only for a
request that no other victims make room for, even if the others cost more. As
few such servers as possible are evicted. With 0, a server can be evicted as
soon as it has started, and users of a busy cloud may see their servers come
and go.

The first launch is the end of the server's build. No user can renew the
protection: to rescue, resize or shelve a server launches it again, and that
does not count here. If nova does not tell when the build ended, the server's
creation counts.

Possible values:

* A number of seconds; 0 protects no server.

Related options:

* ``[opie] min_runtime_strict``
""",
    ),
    cfg.BoolOpt(
        'min_runtime_strict',
        default=False,
        help="""
Never evict a server younger than ``min_runtime_seconds``.

A request that only such servers could make room for is then answered as nova
does without opie, with NoValidHost.

Related options:

* ``[opie] min_runtime_seconds``
""",
    ),
    cfg.FloatOpt(
        'index_refresh_seconds',
        default=1.0,
        min=0.0,
        help="""
How old the index of preemptible servers may be for opie's weighers.

Each scheduler worker keeps an index of which preemptible server is on which
host. When one of the weighers needs the index, and the worker has brought it
up to date longer ago than this, the worker reads what has changed since, with
one query per cell. A higher value saves queries on a busy scheduler, and new
servers are weighed a moment later. Where room is to be made, the index is
brought up to date each time.

Possible values:

* A number of seconds; 0 reads the changes each time.

Related options:

* ``[opie] index_reread_seconds``
""",
    ),
    cfg.IntOpt(
        'index_reread_seconds',
        default=600,
        min=1,
        help="""
How often the index of preemptible servers is read anew as a whole.

Reading what changed can miss a change where clocks of services differ by more
than 15 seconds. Reading the whole takes about as long as listing all servers
of a cell. A periodic task of each scheduler worker does it.

Possible values:

* A number of seconds, at least 1.

Related options:

* ``[opie] index_refresh_seconds``
""",
    ),
    cfg.IntOpt(
        'preemption_timeout_seconds',
        default=120,
        min=1,
        help="""
How long one preemption may take, from its plan to its victims being gone.

A normal server that needs room waits about this long at most, in the state
BUILD. When the time is over, victims whose deletion was not yet asked for stay
and get back everything, and the waiting server goes to ERROR with nova's
NoValidHost. Set the option to more than your hypervisors take to destroy a
server.

Possible values:

* A number of seconds, at least 1, and 90 less than ``long_rpc_timeout`` or
  lower, because beyond that the conductor does not wait for the answer any
  more. The scheduler refuses to start otherwise. The nova.conf of the
  conductors should have the same ``long_rpc_timeout`` as the schedulers'.

Related options:

* ``[DEFAULT] long_rpc_timeout``
* ``[opie] max_concurrent_preemptions``
""",
    ),
    cfg.IntOpt(
        'max_wait_for_deletion_seconds',
        default=60,
        min=0,
        help="""
How long a request waits for a server that is being deleted anyway.

A server whose user has deleted it, or that goes for another request, leaves
its room in a moment. A request that this room is enough for waits for it, and
no other server is evicted. If the server is still there so long after its
deletion was asked for, the request takes the place of preemptible servers
instead, in the time that ``preemption_timeout_seconds`` leaves it. A server
that has been leaving for longer than this is not waited for at all, because
its deletion may be stuck. Set the option to more than your hypervisors usually
take to destroy a server.

Possible values:

* A number of seconds, less than ``preemption_timeout_seconds`` to be of use.
  With 0, no request waits for a server that another request or a user has
  deleted.

Related options:

* ``[opie] preemption_timeout_seconds``
""",
    ),
    cfg.IntOpt(
        'max_plans_per_request',
        default=3,
        min=1,
        help="""
How many plans a request may try.

A plan may turn out to be impossible after its claim: its host goes down, or a
victim is being moved. Then everything is given back, and the request is
planned again with that victim excluded. A higher value helps where that is
common, and makes a request that cannot be served wait longer for its
NoValidHost. Plans that fail because another scheduler was faster do not count.

Possible values:

* A number of plans, at least 1.
""",
    ),
    cfg.IntOpt(
        'max_concurrent_preemptions',
        min=1,
        help="""
For how many requests one scheduler worker evicts servers at a time.

Each of them holds a thread of the worker, and a thread of the conductor that
asked, from its plan until its victims are gone. A request beyond this number
waits until one of them is over, at most until its own
``preemption_timeout_seconds`` are over.

All requests that wait for room, evicting or not, have at most two thirds of
the worker's threads, ``executor_thread_pool_size``. So that these are many, a
worker has 192 threads unless that option is set. One project has at most twice
as many of these as are free. A request beyond that is answered with
NoValidHost, as nova does without opie.

Possible values:

* A number of requests, at least 1 and at most two thirds of
  ``executor_thread_pool_size``, so that ordinary requests are still served.
  The scheduler refuses to start otherwise. The conductors' pools must be
  larger than this number times the number of scheduler workers divided by the
  number of conductor workers; the scheduler warns when it starts if they are
  not, as far as its own nova.conf tells.
* Unset: a quarter of ``executor_thread_pool_size``.

Related options:

* ``[DEFAULT] executor_thread_pool_size``
* ``[scheduler] workers``
* ``[conductor] workers``
* ``[opie] preemption_timeout_seconds``
""",
    ),
    cfg.IntOpt(
        'reaper_interval_seconds',
        default=60,
        min=1,
        help="""
How often each scheduler worker searches for interrupted preemptions.

The reaper finishes or undoes a preemption whose scheduler died once the
``preemption_timeout_seconds`` of the preemption have been over for five
minutes. Each search costs one request to placement and a query of each cell,
and two requests and a few queries for each preemption of the last minutes, so
that a lower value costs more.

Possible values:

* A number of seconds, at least 1; values below 5 count as 5.

Related options:

* ``[opie] preemption_timeout_seconds``
""",
    ),
]


def register_opts(conf):
    conf.register_group(GROUP)
    conf.register_opts(ALL_OPTS, group=GROUP)
