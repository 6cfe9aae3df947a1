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

"""The planner alone, on hosts that exist in memory only.

No other module of the benchmark calls the planner.
"""

import random
import time
import uuid

from opie.preemption import cost
from opie.preemption import model
from opie.preemption import planner
from opie.tests.bench import layout
from opie.tests.bench import stack
from opie.tests.bench import stopwatch

CALLS = 5
_NOW = 1_800_000_000.0  # seconds since the epoch
# After so many seconds no other call is made.
_ENOUGH_SECONDS = 30


def measure(number):
    """Return the stopwatches of some plans over many hosts.

    :param number: of hosts, each full of preemptible servers.
    """
    hosts = [_host(index) for index in range(number)]
    request = model.Request(
        ('preemptor',), layout.resources(layout.PREEMPTOR_VCPUS)
    )
    cloud = _Cloud(hosts)
    watches = []
    deadline = time.monotonic() + _ENOUGH_SECONDS
    while len(watches) < CALLS and time.monotonic() < deadline:
        watch = stopwatch.Stopwatch()
        watch.start()
        plan = stack.call(
            stack.depth(len(watches), CALLS),
            planner.make_plan,
            request,
            hosts,
            cost.Cost(now=_NOW),
            cloud,
        )
        watch.stop()
        watches.append(watch)
        if not plan.victims:
            raise RuntimeError('The plan has no victims.')
    return watches


class _Cloud:
    """A live cloud that is as it was given, with no filters."""

    def __init__(self, hosts):
        self._hosts = {host.provider: host for host in hosts}

    def read(self, uuids):
        return {uuid: self._hosts[uuid] for uuid in uuids}

    def why_refused(self, provider, gone, nominations, taking=None):
        return None

    def rank_by_weight(self, uuids):
        return dict.fromkeys(uuids, 0)

    def with_free(self, some):
        return self._hosts.keys()

    def unfit_ones(self, uuids):
        return {}

    def is_search_over(self):
        return False

    def is_time_over(self):
        return False


def _host(number):
    numbers = random.Random(number)

    def new_uuid():
        return str(uuid.UUID(int=numbers.getrandbits(128)))

    return model.Host(
        new_uuid(),
        {
            name: model.Inventory(total=total, max_unit=total, used=total)
            for name, total in layout.resources(layout.HOST_VCPUS).items()
        },
        tuple(
            model.Server(new_uuid(), layout.resources(vcpus), _NOW - seconds)
            for vcpus, seconds in zip(
                layout.servers_on(number),
                layout.runtimes_seconds(number),
                strict=True,
            )
        ),
    )
