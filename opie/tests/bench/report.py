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

"""Prints what was measured: a table for people, lines of JSON for scripts."""

import json
import statistics
import sys

_HEAD = '%-48s %8s %17s %8s %8s'
_ROW = '%-48s %8s %8s ...%5s %8s %8s'


def say(text):
    sys.stdout.write(text + '\n')
    sys.stdout.flush()


def table(title, rows):
    """Print medians and quartiles, in milliseconds.

    :param rows: (name, list of stopwatches, that of the first call or None).
    """
    say('\n%s; milliseconds' % title)
    say(_HEAD % ('', 'median', 'quartiles', 'CPU', 'first'))
    for name, watches, first in rows:
        low, middle, high = _quartiles([watch.seconds for watch in watches])
        say(
            _ROW
            % (
                name,
                _ms(middle),
                _ms(low),
                _ms(high),
                _ms(statistics.median(watch.cpu_seconds for watch in watches)),
                _ms(first.seconds) if first else '',
            )
        )


def _ms(seconds):
    return '%.0f' % (1000 * seconds)


def _quartiles(values):
    if len(values) == 1:
        return values * 3
    return statistics.quantiles(values, method='inclusive')


def figure(measure, value, **sizes):
    """Return a line of JSON with a number that is no time."""
    rounded = None if value is None else round(value, 3)
    return json.dumps({'measure': measure, **sizes, 'value': rounded})


def ratio(measure, dividends, divisors, **sizes):
    """Return a line of JSON with the median of the ratios of pairs.

    What was not measured by turns is divided median by median.

    :param dividends: a list of stopwatches.
    :param divisors: another; pairs, if it is as long as the first.
    """
    return json.dumps(
        {
            'measure': measure,
            **sizes,
            'value': _ratio(dividends, divisors, 'seconds'),
            'cpu_value': _ratio(dividends, divisors, 'cpu_seconds'),
        }
    )


def _ratio(dividends, divisors, what):
    over = [getattr(watch, what) for watch in dividends]
    under = [getattr(watch, what) for watch in divisors]
    if not all(under):
        # Too short to have been counted.
        return None
    if len(over) == len(under):
        ratios = [one / other for one, other in zip(over, under, strict=True)]
        return round(statistics.median(ratios), 3)
    return round(statistics.median(over) / statistics.median(under), 3)
