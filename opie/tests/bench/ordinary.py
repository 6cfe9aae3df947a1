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
"""How fast plain boots are scheduled while preemptions go on.

A client boots small servers one after the other, for which every host has
room.  Meanwhile preemptors come at a steady rate, for which no host has.  Both
go to the same schedulers.

Any other requests slow the client down as well, because the processors are
busy.  So the same is measured of nova's own schedulers, with small servers in
place of the preemptors.  And it is measured how many boots are served in a
second that come at a steady rate, a quarter of what the client has reached.
"""

import concurrent.futures
import contextlib
import dataclasses
import statistics
import threading
import time

from opie.tests.bench import boots as boots_module
from opie.tests.bench import bursts
from opie.tests.bench import layout
from opie.tests.bench import room
from opie.tests.bench import scheduler_process
from opie.tests.bench import schedulers
from opie.tests.bench import stopwatch
from opie.tests.bench import upkeep

OTHERS_PER_SECOND = 5

_PAIRS = 2
_PHASE_SECONDS = 10
# A preemption has two minutes, and undoing it may take another one.
_PATIENCE_SECONDS = 400


@dataclasses.dataclass(frozen=True)
class Phase:
    """What was measured for some seconds.

    :ivar rate: how many plain boots the schedulers place in a second.
    :ivar others: how many other requests were served in a second.
    :ivar cores: how many processors all processes kept busy meanwhile.
    """

    rate: float
    others: float
    cores: float


def measure(cloud, number, kind, offered=None):
    """Return some pairs of phases: without other requests, and with.

    :param cloud: a :class:`burst_rounds.Cloud`.
    :param number: of schedulers.
    :param kind: scheduler_process.OPIES, where the other requests preempt, or
        scheduler_process.STOCK, where they are plain boots, too.
    :param offered: how many boots come in a second; None if each comes when
        the one before is served.
    """
    pairs = []
    for index in range(_PAIRS):
        phases = {
            is_busy: _phase(cloud, number, kind, is_busy, offered)
            for is_busy in ((True, False) if index % 2 else (False, True))
        }
        pairs.append((phases[False], phases[True]))
    return pairs


def ratio(pairs):
    """Return the rate beside other requests as a part of that without."""
    return statistics.median(busy.rate / quiet.rate for quiet, busy in pairs)


def part_of_quiet(pairs):
    """Return a quarter of the rate without other requests."""
    return statistics.median(quiet.rate for quiet, _ in pairs) / 4


def _phase(cloud, number, kind, is_busy, offered):
    plain = cloud.people.flavors[layout.FLAVOR_VCPUS[0]]
    others = _others(cloud.people, kind, plain) if is_busy else []
    manager = cloud.fleet.managers(kind, number)
    with room.for_ordinary_requests(cloud.people.databases):
        try:
            with _beside(manager, others, cloud.people.cell) as served:
                watch = stopwatch.Stopwatch()
                watch.start()
                if offered is None:
                    rate = _rate(plain, manager)
                else:
                    rate = _rate_of_offered(plain, manager, offered)
                watch.stop()
                number_served = len(served)
        finally:
            cloud.computes.finish()
            bursts.forget(others)
    upkeep.restore(cloud.people, cloud.computes)
    return Phase(
        rate,
        number_served / watch.seconds,
        watch.cpu_seconds / watch.seconds,
    )


def _others(people, kind, plain):
    """Return boots that come beside those of the client."""
    preempting = people.flavors[layout.PREEMPTOR_VCPUS]
    with people.fast_commits():
        return bursts.make_boots(
            preempting if kind == scheduler_process.OPIES else plain,
            OTHERS_PER_SECOND * _PHASE_SECONDS,
        )


def _rate(flavor, manager):
    """Return how many servers in a second are scheduled one after another.

    The time between the requests does not count.
    """
    seconds = []
    deadline = time.monotonic() + _PHASE_SECONDS
    while time.monotonic() < deadline:
        boot = boots_module.Boot(flavor)
        began = time.monotonic()
        boot.schedule(manager)
        seconds.append(time.monotonic() - began)
        boot.forget()
    return 1 / statistics.mean(seconds)


def _rate_of_offered(flavor, manager, offered):
    """Return how many servers in a second are scheduled that come steadily.

    :param offered: how many come in a second.
    """
    number = max(1, round(_PHASE_SECONDS * offered))
    boots = [boots_module.Boot(flavor) for _ in range(number)]
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(number) as pool:
        calls = []
        for index, boot in enumerate(boots):
            comes_at = began + index / offered
            time.sleep(max(0.0, comes_at - time.monotonic()))
            calls.append(pool.submit(boot.schedule, manager))
        concurrent.futures.wait(calls, _PATIENCE_SECONDS)
        ended = time.monotonic()
    for boot, call in zip(boots, calls, strict=True):
        call.result()
        boot.forget()
    # The last one has its share of the time, as the others have.
    return number / max(ended - began, number / offered)


@contextlib.contextmanager
def _beside(manager, boots, cell):
    """Let other requests come, one after the other, until the block ends.

    Yields a list of those that were served until then.
    """
    served = []
    stop = threading.Event()

    def request(boot):
        with contextlib.suppress(schedulers.Refused):
            boot.schedule(manager)
            boot.land(cell)
            served.append(boot.uuid)

    def pace(pool):
        calls = []
        for boot in boots:
            calls.append(pool.submit(request, boot))
            if stop.wait(1 / OTHERS_PER_SECOND):
                break
        return calls

    pool = concurrent.futures.ThreadPoolExecutor(len(boots) + 1)
    pacer = pool.submit(pace, pool)
    try:
        yield served
    finally:
        stop.set()
        calls = pacer.result()
        _, late = concurrent.futures.wait(calls, _PATIENCE_SECONDS)
        pool.shutdown(wait=False)
    if late:
        raise bursts.TooSlow(
            '%d requests got no answer within %d seconds.'
            % (len(late), _PATIENCE_SECONDS)
        )
    for call in calls:
        call.result()
