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

"""Where the time of a preemption goes, and what its largest reads take."""

import cProfile
import pstats
import re
import statistics

from nova import context as nova_context
from nova.scheduler.client import report as report_client

from opie.tests.bench import layout
from opie.tests.bench import report
from opie.tests.bench import stopwatch

_CALLS = 3
_LINES = 40
_VERSION = '1.36'  # of placement's API
_SHOWN = re.compile(
    '(opie/(scheduler|preemption)/|nova/scheduler/|nova/context).*'
)


def tell(arms, people):
    """Print a profile of arm c and the times of single reads."""
    flavor = people.flavors[layout.PREEMPTOR_VCPUS]
    tell_of('arm c', lambda profiler: arms.preempt(flavor, profiler))
    report.say('')
    for name, read in _reads(people, arms.stock_manager):
        report.say('%10.1f ms  %s' % (1000 * _median(read), name))


def tell_of(what, call):
    """Print a profile of some calls.

    Threads other than the scheduler's own show up as waiting.  A profile
    slows down what is computed, and not what is waited for.

    :param call: called with the cProfile.Profile to watch it with.
    """
    profiler = cProfile.Profile()
    for _ in range(_CALLS):
        call(profiler)
    report.say('\nA call of %s, profiled:' % what)
    report.say('%10s %10s %10s' % ('calls', 'own ms', 'in all ms'))
    entries = []
    for where, values in pstats.Stats(profiler).stats.items():
        path, line, name = where
        _, calls, own_seconds, all_seconds, _ = values
        shown = _SHOWN.search(path)
        if shown:
            entries.append(
                (
                    all_seconds,
                    own_seconds,
                    calls,
                    '%s:%d %s' % (shown.group(), line, name),
                )
            )
    for all_seconds, own_seconds, calls, name in sorted(entries, reverse=True)[
        :_LINES
    ]:
        report.say(
            '%10.0f %10.1f %10.1f  %s'
            % (
                calls / _CALLS,
                1000 * own_seconds / _CALLS,
                1000 * all_seconds / _CALLS,
                name,
            )
        )


def _reads(people, manager):
    client = report_client.report_client_singleton()
    context = nova_context.get_admin_context()
    url = '/resource_providers?required=!COMPUTE_STATUS_DISABLED'
    providers = [host.provider for host in people.hosts]
    return (
        ('GET ' + url, lambda: client.get(url, version=_VERSION).json()),
        (
            "nova's get_host_states_by_uuids, all hosts",
            lambda: list(
                manager.host_manager.get_host_states_by_uuids(
                    context, providers, None
                )
            ),
        ),
    )


def _median(call):
    watch = stopwatch.Stopwatch()
    seconds = []
    for _ in range(_CALLS):
        watch.start()
        call()
        watch.stop()
        seconds.append(watch.seconds)
    return statistics.median(seconds)
