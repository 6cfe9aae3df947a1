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

_HEAD = '%-52s %10s %21s %10s'
_ROW = '%-52s %8.0f ms %8.0f ... %6.0f ms %10s'


def say(text):
    sys.stdout.write(text + '\n')
    sys.stdout.flush()


def table(title, rows):
    """Print medians and quartiles.

    :param rows: (name, list of seconds, seconds of the first call or None).
    """
    say('\n' + title)
    say(_HEAD % ('', 'median', 'quartiles', 'first call'))
    for name, seconds, first in rows:
        low, middle, high = _quartiles(seconds)
        say(
            _ROW
            % (
                name,
                1000 * middle,
                1000 * low,
                1000 * high,
                '' if first is None else '%d ms' % (1000 * first),
            )
        )


def _quartiles(values):
    if len(values) == 1:
        return values * 3
    return statistics.quantiles(values, method='inclusive')


def paired(dividends, divisors):
    """Return the median of the ratios of the rounds."""
    return statistics.median(
        dividend / divisor
        for dividend, divisor in zip(dividends, divisors, strict=True)
    )


def ratio(measure, value, **sizes):
    """Return a line of JSON."""
    return json.dumps({'measure': measure, **sizes, 'value': round(value, 3)})
