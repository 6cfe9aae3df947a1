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
import dataclasses
import os
import pathlib
import tempfile

from opie.tests import nova_suite
from opie.tests import stestr as stestr_module

_ROOT = pathlib.Path(__file__).parents[3]
_TESTS = pathlib.Path(__file__).parent / 'tests'
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
        stestr = stestr_module.Stestr(home, _TESTS, _ROOT, environment)
        # A few classes have most of the tests.
        stestr.run('--concurrency', _WORKERS, '--group-regex', '.+', *filters)
        outcomes = stestr.outcomes()
        repeated = Result(outcomes, {}, ()).failed
        if repeated:
            stestr.run('--serial', '--failing', '--combine')
            outcomes = stestr.outcomes()
        asked = _read(pathlib.Path(record))
    return Result(outcomes, asked, tuple(sorted(repeated)))


def _read(record):
    """Return class to the tests in which it was asked for a host."""
    asked = collections.defaultdict(set)
    for notes in record.iterdir():
        for line in notes.read_text().splitlines():
            cls, test = line.split()
            asked[cls].add(test)
    return asked
