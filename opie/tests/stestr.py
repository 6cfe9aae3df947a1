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

"""stestr on tests that another project brings."""

import io
import os
import pathlib
import signal
import subprocess
import sys
from typing import NamedTuple

import subunit
import testtools


class Outcome(NamedTuple):
    """What became of a test.

    :ivar status: in subunit's words.
    :ivar reason: why it was skipped, empty otherwise.
    """

    status: str
    reason: str = ''


class Stestr:
    """stestr with one repository.

    :param home: directory of the repository.
    :param test_path: where the tests are.
    :param top_dir: where the imports of the tests begin.
    :param environment: of the processes that run them.
    """

    def __init__(self, home, test_path, top_dir, environment):
        self._command = [
            str(pathlib.Path(sys.executable).with_name('stestr')),
            *('--repo-url', str(home)),
            *('--test-path', str(test_path)),
            *('--top-dir', str(top_dir)),
        ]
        self._where = {'cwd': top_dir, 'env': environment}

    def run(self, *arguments, timeout=None):
        """Run tests.

        :param timeout: seconds after which it is ended, with its processes.
        :raises subprocess.TimeoutExpired: if it took longer.
        """
        with subprocess.Popen(
            [*self._command, 'run', *arguments],
            start_new_session=True,
            **self._where,
        ) as stestr:
            try:
                stestr.wait(timeout)
            except BaseException:
                os.killpg(stestr.pid, signal.SIGKILL)
                raise

    def outcomes(self):
        """Return test to status; of a test that ran twice, the second."""
        return {
            test: outcome.status for test, outcome in self.results().items()
        }

    def results(self):
        """Return test to :class:`Outcome`, as :meth:`outcomes`."""
        stream = subprocess.run(
            [*self._command, 'last', '--subunit'],
            stdout=subprocess.PIPE,
            **self._where,
        ).stdout
        found = {}

        def note(test):
            reason = test['details'].get('reason')
            found[test['id']] = Outcome(
                test['status'], reason.as_text() if reason else ''
            )

        result = testtools.StreamToDict(note)
        result.startTestRun()
        subunit.ByteStreamToStreamResult(
            io.BytesIO(stream), non_subunit_name='output'
        ).run(result)
        result.stopTestRun()
        return found
