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
"""Requests that come together, and what becomes of them."""

import collections
import concurrent.futures
import dataclasses
import re
import time

from opie.tests.bench import boots as boots_module
from opie.tests.bench import scheduler_process
from opie.tests.bench import scheduler_watch
from opie.tests.bench import schedulers
from opie.tests.bench import stopwatch

REQUESTS = 64

# A preemption has two minutes, and undoing it may take another one.
_PATIENCE_SECONDS = 400
# At so many boots at once their records are made and removed.
_HANDS = 8
_UUID = re.compile('[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
_FIGURE = re.compile('[0-9]+([.][0-9]+)?')


class TooSlow(Exception):
    """Some requests got no answer."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What has become of the requests of a burst.

    Seconds count from the first request.

    :ivar served_seconds: until the last request was served; None if none was.
    :ivar evicted_seconds: until the last deletion was asked for, None if none.
    :ivar cpu_seconds: of all processes, until the last answer.
    :ivar served: the uuids of the requests that were served.
    :ivar reasons: why the others were not, to how many.
    :ivar victims: the uuids of all servers that nova was asked to delete.
    :ivar voids: how many plans were void.
    """

    served_seconds: float | None
    evicted_seconds: float | None
    cpu_seconds: float
    served: frozenset
    reasons: collections.Counter
    victims: tuple
    voids: int


def make_boots(flavor, number):
    """Return boots whose records are there."""
    with concurrent.futures.ThreadPoolExecutor(_HANDS) as pool:
        return list(pool.map(boots_module.Boot, [flavor] * number))


def forget(boots):
    """Remove boots, and what was claimed for them."""
    with concurrent.futures.ThreadPoolExecutor(_HANDS) as pool:
        for _ in pool.map(lambda boot: boot.forget(), boots):
            pass


def claimants(boots):
    """Return the uuids of those boots that hold anything."""
    with concurrent.futures.ThreadPoolExecutor(_HANDS) as pool:
        claimed = pool.map(lambda boot: boot.claimed(), boots)
    return {boot.uuid for boot, has in zip(boots, claimed, strict=True) if has}


def send(fleet, manager, boots):
    """Send requests at once; return their :class:`Outcome`.

    :param manager: stands for one that is asked.
    :raises TooSlow: if not all are answered in time.
    :raises schedulers.Broken: if a scheduler fails.
    """
    fleet.events.clear()
    pool = concurrent.futures.ThreadPoolExecutor(len(boots))
    watch = stopwatch.Stopwatch()
    watch.start()
    began = time.monotonic()
    calls = [pool.submit(_ask, boot, manager) for boot in boots]
    _, late = concurrent.futures.wait(calls, _PATIENCE_SECONDS)
    watch.stop()
    pool.shutdown(wait=False)
    if late:
        raise TooSlow(
            '%d of %d requests got no answer within %d seconds.'
            % (len(late), len(calls), _PATIENCE_SECONDS)
        )
    reasons = collections.Counter(call.result() for call in calls)
    del reasons[None]
    return Outcome(
        _last(fleet.events, scheduler_process.SERVED, began),
        _last(fleet.events, scheduler_watch.EVICTING, began),
        watch.cpu_seconds,
        frozenset(_uuids(fleet.events, scheduler_process.SERVED)),
        reasons,
        tuple(_uuids(fleet.events, scheduler_watch.EVICTING)),
        len(_uuids(fleet.events, scheduler_watch.VOID)),
    )


def _ask(boot, manager):
    """Return why a boot was not served, None if it was."""
    try:
        boot.schedule(manager)
    except schedulers.Refused as refused:
        return _in_general(str(refused))
    return None


def _in_general(reason):
    """Return a reason that others may have as well."""
    return _FIGURE.sub('N', _UUID.sub('a server', reason))


def _uuids(events, kind):
    return [event.uuid for event in events if event.kind == kind]


def _last(events, kind, began):
    return max(
        (event.at - began for event in events if event.kind == kind),
        default=None,
    )
