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

"""The demo, run as a user runs it: a process, judged by its output."""

import importlib.metadata
import os
import pathlib
import re
import subprocess
import sys

import fixtures
import testtools

_TIMEOUT_SECONDS = 240
_COLUMNS = 80

_RELEASE = int(importlib.metadata.version('nova').partition('.')[0])


@testtools.skipIf(_RELEASE < 34, 'the sandbox is for nova 34')
class DemoTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.temp = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.demo = subprocess.Popen(
            [sys.executable, '-m', 'opie.sandbox.inprocess.demo'],
            cwd=self.home,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding='utf-8',
            # A group of its own, which is empty once all of it has ended.
            start_new_session=True,
        )
        self.addCleanup(self.demo.communicate)
        self.addCleanup(self.demo.kill)

    def environment(self):
        """Return what a user's shell has, and nothing of this test run."""
        # The package need not be installed.
        root = pathlib.Path(__file__).parents[3]
        return {
            'PATH': os.environ.get('PATH', os.defpath),
            'HOME': str(self.home),
            'TMPDIR': str(self.temp),
            'PYTHONPATH': str(root),
            'PYTHONIOENCODING': 'utf-8',
        }

    def finish(self):
        """Return what the demo has written to stdout and to stderr."""
        return self.demo.communicate(timeout=_TIMEOUT_SECONDS)

    def assertNothingLeft(self):
        self.assertEqual([], list(self.temp.iterdir()))
        self.assertEqual([], list(self.home.iterdir()))
        self.assertRaises(ProcessLookupError, os.killpg, self.demo.pid, 0)

    def test_the_cheapest_victims_make_room_and_nothing_is_left(self):
        text, errors = self.finish()
        self.assertEqual((0, ''), (self.demo.returncode, errors), text)
        wide = [line for line in text.splitlines() if len(line) > _COLUMNS]
        self.assertEqual([], wide)
        before, costs, after = _tables(text)
        victims = {row[1] for row in costs if row[-1] == 'victim'}
        self.assertEqual({'batch-4', 'batch-5'}, victims)
        self.assertEqual(
            {'host1': 'batch-1, batch-2', 'host2': 'batch-4, batch-5'},
            {host: names for host, names, _ in _choices(text)},
        )
        cost_of = {row[1]: int(row[4]) for row in costs}
        for _, names, cost in _choices(text):
            # All of them are rounded.
            self.assertAlmostEqual(
                sum(cost_of[name] for name in names.split(', ')),
                cost,
                delta=2,
            )
        self.assertEqual(
            {row[2] for row in before} | {'db-1'}, {row[2] for row in after}
        )
        self.assertEqual(
            victims, {row[2] for row in after if row[-1] == 'gone'}
        )
        (preemptor,) = [row for row in after if row[2] == 'db-1']
        self.assertEqual(('host2', 'ACTIVE'), (preemptor[0], preemptor[-1]))
        self.assertNothingLeft()

    def test_told_to_stop_it_leaves_nothing_either(self):
        while 'The hosts are filled' not in self.demo.stdout.readline():
            self.assertIsNone(self.demo.poll())
        self.demo.terminate()
        self.finish()
        self.assertEqual(1, self.demo.returncode)
        self.assertNothingLeft()


def _choices(text):
    """Return (host, its victims, their cost) of each host."""
    return [
        (host, victims, int(cost))
        for host, victims, cost in re.findall(
            r'^ *(host\d): (.+), at a cost of (\d+)', text, re.MULTILINE
        )
    ]


def _tables(text):
    """Return the rows of each table, with the host in each row."""
    tables, host = [], None
    for line in text.splitlines():
        line = line.strip()
        if line.startswith('┌'):
            tables.append([])
        elif line.startswith('│'):
            row = [cell.strip() for cell in line.strip('│').split('│')]
            host = row[0] or host
            tables[-1].append([host, *row[1:]])
    return [rows[1:] for rows in tables]
