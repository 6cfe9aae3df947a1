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

"""Compares the time of preempting with that of nova's own scheduling.

``python -m opie.tests.bench.preemption`` runs nova's scheduler and opie's on
one cloud: real MariaDB, real placement over HTTP, real rows of as many hosts
as are asked for, of which nova-compute alone is a stand-in.  It prints times
and their ratios, and judges nothing.  With ``--devices`` the
requests are for GPUs.  With ``--burst`` it compares how requests that come
together are served, and with ``--sandbox`` how they are on a whole cloud.
"""

import argparse
import signal
import sys

# NOTE: chooses nova's threading, so before the rest of nova.
from opie.tests.bench import cloud  # isort: skip

from opie.sandbox import errors
from opie.tests.bench import arms
from opie.tests.bench import burst_rounds
from opie.tests.bench import bursts
from opie.tests.bench import computes
from opie.tests.bench import devices
from opie.tests.bench import managers
from opie.tests.bench import memory
from opie.tests.bench import planning
from opie.tests.bench import population
from opie.tests.bench import profiling
from opie.tests.bench import refusals
from opie.tests.bench import report
from opie.tests.bench import rounds
from opie.tests.bench import schedulers
from opie.tests.bench import upkeep
from opie.tests.bench import whole_cloud

_ROUNDS = 15
_PLANNER_HOSTS = [10_000, 100_000]


def main():
    options = _parse()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit('Stopped by a signal.'))
    try:
        if options.memory:
            with cloud.running() as people:
                memory.tell(people)
        else:
            _write(_measurement(options)(options), options)
    except (
        errors.Missing,
        errors.NotStarted,
        bursts.TooSlow,
        schedulers.Broken,
        upkeep.NotAsBefore,
    ) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit('Interrupted.')


def _measurement(options):
    """Return the function that measures what is asked for."""
    for is_asked, measure in (
        (options.refusals, refusals.measure),
        (options.devices, devices.measure),
        (options.sandbox, whole_cloud.measure),
        (options.burst, burst_rounds.measure),
    ):
        if is_asked:
            return measure
    return _measure


def _parse():
    parser = argparse.ArgumentParser(prog='opie.tests.bench.preemption')
    parser.add_argument(
        '--hosts',
        type=_number_of_hosts,
        nargs='+',
        default=[100, 1000],
        metavar='N',
    )
    parser.add_argument(
        '--planner-hosts',
        type=int,
        nargs=2,
        default=_PLANNER_HOSTS,
        metavar='N',
        help='for the planner alone',
    )
    parser.add_argument(
        '--rounds',
        type=_positive,
        metavar='N',
        help='by default %d, and %d with --burst or --sandbox'
        % (_ROUNDS, burst_rounds.ROUNDS),
    )
    parser.add_argument('--json', metavar='FILE', help='for the ratios')
    parser.add_argument(
        '--profile', action='store_true', help='say where the time of c goes'
    )
    parser.add_argument(
        '--memory',
        action='store_true',
        help='measure nothing but what %d hosts take of memory' % memory.HOSTS,
    )
    parser.add_argument(
        '--refusals',
        action='store_true',
        help='measure nothing but requests that cannot be served',
    )
    parser.add_argument(
        '--devices',
        action='store_true',
        help='measure nothing but requests for one of the GPUs of full hosts',
    )
    parser.add_argument(
        '--burst',
        action='store_true',
        help='measure %d requests at once, beside refusals and plain boots'
        % bursts.REQUESTS,
    )
    parser.add_argument(
        '--sandbox',
        action='store_true',
        help='measure nothing but %d boots at once on a sandbox'
        % whole_cloud.REQUESTS,
    )
    parser.add_argument(
        '--schedulers',
        type=_positive,
        nargs='+',
        default=burst_rounds.SCHEDULERS,
        metavar='N',
        help='how many processes serve a burst',
    )
    options = parser.parse_args()
    if options.burst:
        _check_burst(parser, options)
    if options.rounds is None:
        is_slow = options.burst or options.sandbox
        options.rounds = burst_rounds.ROUNDS if is_slow else _ROUNDS
    return options


def _check_burst(parser, options):
    for other in ('devices', 'memory', 'profile', 'refusals', 'sandbox'):
        if getattr(options, other):
            parser.error('--burst and --%s exclude each other' % other)
    if min(options.hosts) < burst_rounds.LEAST_HOSTS:
        parser.error(
            '--burst needs --hosts of at least %d, on which all requests of '
            'a burst find room' % burst_rounds.LEAST_HOSTS
        )


def _positive(text):
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError('%r is no number from 1' % text)
    return int(text)


def _number_of_hosts(text):
    number = _positive(text)
    if number < population.LEAST_HOSTS:
        raise argparse.ArgumentTypeError(
            '%d is less than %d' % (number, population.LEAST_HOSTS)
        )
    return number


def _measure(options):
    lines = []
    preemptions = _measure_clouds(options, lines)
    _measure_planner(options, preemptions, lines)
    return lines


def _write(lines, options):
    report.say('')
    for line in lines:
        report.say(line)
    if options.json:
        with open(options.json, 'w') as output:
            output.write(''.join(line + '\n' for line in lines))


def _measure_clouds(options, lines):
    """Measure all arms at each size; return those of c at the largest."""
    with cloud.running() as people:
        for size in sorted(options.hosts):
            people.grow(size)
            people.analyze()
            all_arms = _arms(people)
            first, times = rounds.run(all_arms, people, options.rounds)
            report.table(
                '%d hosts with %d preemptible servers, %d rounds'
                % (
                    len(people.hosts),
                    sum(len(host.servers) for host in people.hosts),
                    options.rounds,
                ),
                [
                    (name, times[arm], first[arm])
                    for arm, name in rounds.ARMS.items()
                ],
            )
            lines += _ratios(times, size)
            if options.profile:
                profiling.tell(all_arms, people)
        return times['preempt']


def _arms(people):
    stock, opies = managers.make(
        {host.name: host.servers for host in people.hosts}
    )
    return arms.Arms(
        people, stock, opies, computes.Computes(people.cell, [stock, opies])
    )


def _ratios(times, size):
    return [
        report.ratio(measure, times[arm], times[base], hosts=size)
        for measure, arm, base in (
            ('pass1/stock', 'pass_one', 'stock'),
            ('preempt/stock', 'preempt', 'stock'),
            ('preempt/retry', 'preempt_fully', 'retry'),
        )
    ]


def _measure_planner(options, preemptions, lines):
    times = {
        size: planning.measure(size)
        for size in (*sorted(options.hosts), *options.planner_hosts)
    }
    report.table(
        'e  the planner alone, at most %d calls' % planning.CALLS,
        [('%d hosts' % size, times[size], None) for size in times],
    )
    few, many = options.planner_hosts
    lines += [
        report.ratio(
            'planner/preempt',
            times[few],
            preemptions,
            hosts=max(options.hosts),
            planner_hosts=few,
        ),
        report.ratio(
            'planner/growth',
            times[many],
            times[few],
            planner_hosts=[few, many],
        ),
    ]


if __name__ == '__main__':
    main()
