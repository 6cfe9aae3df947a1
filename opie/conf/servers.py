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

"""The [opie] options about servers that nova is busy with for long.

All of them may change while the scheduler runs.
"""

from oslo_config import cfg

SHUTDOWN_SECONDS = cfg.IntOpt(
    'max_shutdown_timeout_seconds',
    default=600,
    min=0,
    mutable=True,
    help="""
How long the guest of a preemptible server may take to shut down.

nova is busy with a server that is stopped, shelved or rescued until its guest
has shut down, or until the time is over that the image property
``os_shutdown_timeout`` says. A server that nova is busy with is no victim, and
any user can set the property to any number. So opie's filter of nova's API,
and a patched nova, refuse to create a preemptible server from an image or a
volume with a higher number, to rebuild one from such an image, and to resize a
server that was built from one to a preemptible flavor.

A server that exists already is treated as any other, and the scheduler's log
names it once an hour. nova's own ``[DEFAULT] shutdown_timeout``, which counts
for images without the property, is not checked.

Set the same value for the API as for the scheduler.

Possible values:

* A number of seconds; 0 for no bound.

Related options:

* ``[opie] busy_warning_seconds``
""",
)

BUSY_SECONDS = cfg.IntOpt(
    'busy_warning_seconds',
    default=3600,
    min=0,
    mutable=True,
    help="""
How long nova may be busy with a preemptible server before the log names it.

A server with a task, such as a stop or a snapshot, is no victim until the task
is over. Once an hour, the log of each scheduler worker names the preemptible
servers whose task has not changed for longer than this, with their hosts. The
task may be stuck: see nova's ``reset-state``.

Possible values:

* A number of seconds; 0 to name none.

Related options:

* ``[opie] max_shutdown_timeout_seconds``
""",
)

ALL_OPTS = [
    SHUTDOWN_SECONDS,
    BUSY_SECONDS,
]


def register_opts(conf, group):
    conf.register_opts(ALL_OPTS, group=group)
