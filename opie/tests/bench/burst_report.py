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
"""Prints what has become of bursts, as a table and as lines of JSON."""

import statistics

from opie.tests.bench import bursts
from opie.tests.bench import ordinary
from opie.tests.bench import report

_COLUMNS = (
    'nova',
    'evicted',
    'served',
    'ratio',
    'CPU',
    'requests',
    'victims',
    'void',
    'cost',
)
_HEAD = ' '.join(['%8s'] * len(_COLUMNS))
_ROW = '%8.1f %8s %8s %8s %8.2f %8d %8d %8d %8s'


def head(hosts, schedulers):
    """Print what the rows of the rounds that follow mean."""
    report.say(
        '\n%d hosts, %d requests at once, schedulers: %d; seconds'
        % (hosts, bursts.REQUESTS, schedulers)
    )
    report.say(_HEAD % _COLUMNS)


def row(one):
    """Print what has come of a round.

    :param one: a :class:`burst_rounds.Round`.
    """
    report.say(
        _ROW
        % (
            one.stock.served_seconds,
            _or_dash('%.1f', one.opie.evicted_seconds),
            _or_dash('%.1f', one.opie.served_seconds),
            _or_dash('%.2f', _time_ratio(one)),
            one.opie.cpu_seconds / one.stock.cpu_seconds,
            len(one.opie.served),
            len(one.opie.victims),
            one.opie.voids,
            _or_dash('%.4f', one.cost_ratio),
        )
    )
    for reason, number in one.opie.reasons.most_common():
        report.say('    %d refused: %s' % (number, reason))


def plain_boots(pairs, others):
    """Print the phases of :func:`ordinary.measure`.

    :param others: what the other requests are.
    """
    for quiet, busy in pairs:
        report.say(
            'Plain boots in a second: %.1f on %.1f cores, and %.1f beside '
            '%.1f %s on %.1f cores'
            % (
                quiet.rate,
                quiet.cores,
                busy.rate,
                busy.others,
                others,
                busy.cores,
            )
        )


def _or_dash(text, value):
    return '-' if value is None else text % value


def _time_ratio(one):
    if one.opie.evicted_seconds is None:
        return None
    return one.opie.evicted_seconds / one.stock.served_seconds


def lines(rounds, **sizes):
    """Return lines of JSON: medians of times, and the worst of all else."""
    evicted = sum(len(one.opie.victims) for one in rounds)
    return [
        report.figure(
            'burst/stock', _median(map(_time_ratio, rounds)), **sizes
        ),
        report.figure(
            'burst/served',
            min(len(one.opie.served) for one in rounds),
            **sizes,
        ),
        report.figure(
            'void/evictions',
            sum(one.opie.voids for one in rounds) / evicted
            if evicted
            else None,
            **sizes,
        ),
        report.figure(
            'cost/least', _most(one.cost_ratio for one in rounds), **sizes
        ),
    ]


def ordinary_lines(opies, stocks, steady, **sizes):
    """Return lines of JSON about plain boots beside other requests.

    :param opies: pairs of phases of opie's schedulers, see ordinary.measure.
    :param stocks: those of nova's.
    :param steady: those of opie's, where plain boots come at a steady rate.
    """
    ratios = ordinary.ratio(opies), ordinary.ratio(stocks)
    return [
        report.figure('ordinary', ratios[0], **sizes),
        report.figure('ordinary, nova', ratios[1], **sizes),
        report.figure('ordinary/nova', ratios[0] / ratios[1], **sizes),
        report.figure('ordinary, steady', ordinary.ratio(steady), **sizes),
    ]


def _median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def _most(values):
    return max((value for value in values if value is not None), default=None)
