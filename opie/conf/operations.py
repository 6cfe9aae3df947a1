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

"""The [opie] option that says which requests may preempt.

nova asks its scheduler for a host when it boots a server, and when it moves
one.  The option may change while the scheduler runs.
"""

from oslo_config import cfg
from oslo_config import types

BOOT = 'boot'
UNSHELVE = 'unshelve'
EVACUATE = 'evacuate'
RESIZE = 'resize'
COLD_MIGRATE = 'cold_migrate'
LIVE_MIGRATE = 'live_migrate'

ALL = (BOOT, UNSHELVE, EVACUATE, RESIZE, COLD_MIGRATE, LIVE_MIGRATE)

ALL_OPTS = [
    cfg.ListOpt(
        'preempt_for',
        default=[BOOT, UNSHELVE, EVACUATE],
        item_type=types.String(choices=ALL),
        mutable=True,
        help="""
Operations on normal servers that preempt.

A normal server that finds no room takes the place of preemptible servers when
it is booted, and when it is moved by one of these operations. A preemptible
server never does. By default only those operations preempt whose server does
not run otherwise: a resize or a migration leaves the server where it is if it
finds no room. With nova's ``evacuate``, ``resize`` and both migrations the
server keeps its old place until the move is over, so both places are taken.

A resize to a flavor that asks for no more of anything never preempts. Neither
does a rebuild, which stays on its host.

Possible values:

* Any of ``boot``, ``unshelve`` (of a server that is offloaded), ``evacuate``,
  ``resize``, ``cold_migrate`` and ``live_migrate``, separated by commas.
* Nothing: then no request preempts. ``enabled`` says so more clearly.

Related options:

* ``[opie] enabled``
""",
    ),
]


def register_opts(conf, group):
    conf.register_opts(ALL_OPTS, group=group)
