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

"""Boots that come together on a sandbox, from the first POST to ACTIVE.

All services of nova and a scheduler of opie share the processors here, so this
is what users of a small cloud see.  By turns the boots find an empty cloud, a
full one whose preemptible servers make room, and a full one on which room was
made by hand just before: as many preemptible servers were deleted as have to
go.  nova itself needs that long for the same work.
"""

from concurrent import futures
import contextlib
import statistics
import time
import typing

from opie.tests.bench import report
from opie.tests.e2e import base

REQUESTS = 40
_VICTIMS = 80
_SETTINGS = {'hosts': 5, 'vcpus': 16, 'ram_mb': 16384}
_FLAVOR = 'small'
_PATIENCE_SECONDS = 300


class _Burst(typing.NamedTuple):
    """What has come of boots at once.

    :ivar seconds: from the first request until the last server has an end.
    :ivar served: how many servers are ACTIVE.
    """

    seconds: float
    served: int


class _Round(typing.NamedTuple):
    """Bursts by turns.

    :ivar empty: on an empty cloud.
    :ivar full: on a full one.
    :ivar by_hand: on a full one where servers were deleted just before.
    :ivar deletion_seconds: how long these deletions have taken.
    :ivar voids: plans that could not be carried out.
    """

    empty: _Burst
    full: _Burst
    by_hand: _Burst
    deletion_seconds: float
    voids: int

    @property
    def ratio(self):
        return self.full.seconds / self.empty.seconds

    @property
    def ratio_by_hand(self):
        seconds = self.deletion_seconds + self.by_hand.seconds
        return seconds / self.empty.seconds


def measure(options):
    """Print the rounds with each number of schedulers; return the lines."""
    lines = []
    for number in options.schedulers:
        report.say(
            '\n%d boots at once on a sandbox, schedulers: %d; seconds'
            % (REQUESTS, number)
        )
        with _running(number) as cloud:
            rounds = [_round(cloud) for _ in range(options.rounds)]
        lines += _lines(rounds, schedulers=number)
    return lines


@contextlib.contextmanager
def _running(schedulers):
    """Yield a cloud with what the tests of e2e do with one."""

    class Cloud(base.CloudTestCase):
        settings: typing.ClassVar = {**_SETTINGS, 'schedulers': schedulers}
        is_shared = False

    try:
        Cloud.setUpClass()
        yield Cloud()
    finally:
        Cloud.doClassCleanups()


def _round(cloud):
    cloud.delete_all()
    empty = _burst(cloud)
    _fill(cloud)
    voids = len(cloud.logged('is void'))
    full = _burst(cloud)
    voids = len(cloud.logged('is void')) - voids
    deletion_seconds = _delete(cloud, _fill(cloud)[:REQUESTS])
    one = _Round(empty, full, _burst(cloud), deletion_seconds, voids)
    _say(one)
    return one


def _fill(cloud):
    """Fill the cloud with preemptible servers; return their uuids."""
    cloud.delete_all()
    found = []
    for _ in range(8):
        found += cloud.create_preemptible(_FLAVOR, _VICTIMS // 8)
    return found


def _burst(cloud):
    began = time.monotonic()
    with futures.ThreadPoolExecutor(REQUESTS) as pool:
        servers = list(
            pool.map(
                lambda number: cloud.create(_FLAVOR, 'boot-%d' % number),
                range(REQUESTS),
            )
        )
    statuses = cloud.final_statuses(servers, seconds=_PATIENCE_SECONDS)
    served = sum(status == 'ACTIVE' for status in statuses.values())
    return _Burst(time.monotonic() - began, served)


def _delete(cloud, uuids):
    """Delete servers as users do; return how long it has taken."""
    began = time.monotonic()
    with futures.ThreadPoolExecutor(REQUESTS) as pool:
        list(pool.map(cloud.compute().delete_server, uuids))
    cloud.wait_for(
        lambda: cloud.assertFalse(set(uuids) & cloud.watcher.placed())
    )
    return time.monotonic() - began


def _say(one):
    report.say(
        'empty cloud %.1f, full %.1f, of %d boots %d ACTIVE, ratio %.2f, '
        'void plans %d; by hand: deletions %.1f, boots %.1f, ratio %.2f'
        % (
            one.empty.seconds,
            one.full.seconds,
            REQUESTS,
            one.full.served,
            one.ratio,
            one.voids,
            one.deletion_seconds,
            one.by_hand.seconds,
            one.ratio_by_hand,
        )
    )


def _lines(rounds, **sizes):
    return [
        report.figure(
            'sandbox/empty',
            statistics.median(one.ratio for one in rounds),
            **sizes,
        ),
        report.figure(
            'sandbox/empty by hand',
            statistics.median(one.ratio_by_hand for one in rounds),
            **sizes,
        ),
        report.figure(
            'sandbox/ACTIVE', min(one.full.served for one in rounds), **sizes
        ),
    ]
