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

"""Runs of nova's tests, each with the classes of one scheduler."""

import collections
import csv
import dataclasses
import io
import os
import pathlib
import subprocess
import sys
import tempfile

from opie.tests import nova_suite

_TESTS = 'opie/tests/nova_suite/tests'
_ROOT = pathlib.Path(__file__).parents[3]
# nova's tests wait a quarter of their time.
_WORKERS = '3'
_GOOD = ('success', 'xfail', 'skip')


@dataclasses.dataclass(frozen=True)
class Result:
    """The outcome of a run.

    :ivar outcomes: test to what became of it, in subunit's words.
    :ivar asked: dotted path of a class to the tests in which it was asked for
        a host.
    :ivar repeated: tests that failed and were run once more by themselves.
    """

    outcomes: dict
    asked: dict
    repeated: tuple

    @property
    def failed(self):
        return {
            test
            for test, outcome in self.outcomes.items()
            if outcome not in _GOOD
        }


def run(classes, home, is_whole, filters=()):
    """Run the tests and return the :class:`Result`.

    Those that fail are run once more, one at a time: some of nova's are
    fragile on a busy machine.

    :param classes: ``nova`` or ``opie``.
    :param home: directory for stestr's repository.
    :param is_whole: whether to run all tests, or the core only.
    :param filters: regular expressions of which a test's name matches one.
    """
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as record:
        environment = {
            **os.environ,
            nova_suite.CLASSES: classes,
            nova_suite.RECORD: record,
        }
        if is_whole:
            environment[nova_suite.IS_WHOLE] = 'yes'
        stestr = _Stestr(home, environment)
        # A few classes have most of the tests.
        stestr.run('--concurrency', _WORKERS, '--group-regex', '.+', *filters)
        outcomes = stestr.outcomes()
        repeated = Result(outcomes, {}, ()).failed
        if repeated:
            stestr.run('--serial', '--failing', '--combine')
            outcomes = stestr.outcomes()
        asked = _read(pathlib.Path(record))
    return Result(outcomes, asked, tuple(sorted(repeated)))


class _Stestr:
    """stestr with one repository, in one environment."""

    def __init__(self, home, environment):
        path = pathlib.Path(sys.executable).parent
        self._command = [str(path / 'stestr'), '--repo-url', str(home)]
        self._command += ['--test-path', _TESTS, '--top-dir', '.']
        self._to_csv = [str(path / 'subunit2csv'), '--no-passthrough']
        self._environment = environment

    def run(self, *arguments):
        subprocess.run(
            [*self._command, 'run', *arguments],
            cwd=_ROOT,
            env=self._environment,
        )

    def outcomes(self):
        """Return test to outcome; of a test that ran twice, the second."""
        stream = subprocess.run(
            [*self._command, 'last', '--subunit'],
            cwd=_ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
        ).stdout
        table = subprocess.run(
            self._to_csv, input=stream, stdout=subprocess.PIPE
        ).stdout.decode()
        return {
            row['test']: row['status']
            for row in csv.DictReader(io.StringIO(table))
        }


def _read(record):
    """Return class to the tests in which it was asked for a host."""
    asked = collections.defaultdict(set)
    for notes in record.iterdir():
        for line in notes.read_text().splitlines():
            cls, test = line.split()
            asked[cls].add(test)
    return asked
