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

"""From when on the time of a server's protection counts."""

import collections
import datetime

import testtools

from opie.scheduler.nova_db import first_launches
from opie.tests.unit.preemption import builders

_Row = collections.namedtuple(
    '_Row', ('vm_state', 'created_at', 'built_at', 'launched_at')
)


def _row(created_at, built_at, launched_at, vm_state='active'):
    """Return a row; times are in seconds since the epoch."""
    return _Row(
        vm_state,
        *(
            None
            if seconds is None
            else datetime.datetime.fromtimestamp(seconds, datetime.UTC)
            for seconds in (created_at, built_at, launched_at)
        ),
    )


@builders.scenarios(
    {
        'a usual server: its only launch': (_row(10, 21, 20), 20.0),
        'a server that was launched again: the end of its build': (
            _row(10, 21, 5000),
            21.0,
        ),
        'a server that waited long for its build: the same': (
            _row(10, 4000, 3999),
            3999.0,
        ),
        'a server whose action nova has lost: its creation': (
            _row(10, None, 5000),
            10.0,
        ),
        'a server in ERROR that never ran: its creation': (
            _row(10, 15, None, 'error'),
            10.0,
        ),
        'a server that is being built: no moment yet': (
            _row(10, None, None, 'building'),
            None,
        ),
    }
)
class ProtectedSinceTest(testtools.TestCase):
    def check(self, row, expected):
        self.assertEqual(expected, first_launches.protected_since(row))
