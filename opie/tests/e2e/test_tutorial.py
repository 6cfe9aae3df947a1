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

"""The tutorial does what it says: its commands are run, in order."""

import doctest
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

_PAGE = pathlib.Path(__file__).parents[3] / 'doc/source/tutorial.rst'
_BLOCK = '.. code-block:: console'
_PROMPT = '$ '
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_TIMEOUT_SECONDS = 400
_END = '-- end of a command --'


class TutorialTest(unittest.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix='opie-', dir='/tmp')
        self.addCleanup(folder.cleanup)
        self.environment = {
            'PATH': '%s:%s'
            % (pathlib.Path(sys.executable).parent, os.environ['PATH']),
            'HOME': folder.name,
            'LANG': 'C.UTF-8',
        }
        self.addCleanup(self.run_all, ['opie-sandbox down'])

    def run_all(self, commands):
        """Run commands in one shell; return what each of them printed."""
        script = ''.join('%s\necho "%s"\n' % (line, _END) for line in commands)
        done = subprocess.run(
            ['bash', '-c', script],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_SECONDS,
        )
        return done.stdout.split(_END + '\n')[:-1]

    def test_each_command_prints_what_the_page_says(self):
        steps = _steps(_PAGE.read_text())
        self.assertGreater(len(steps), 10)
        printed = self.run_all([command for command, _ in steps])
        self.assertEqual(len(steps), len(printed), printed)
        checker = doctest.OutputChecker()
        for (command, wanted), got in zip(steps, printed, strict=True):
            if not checker.check_output(wanted, got, _FLAGS):
                self.fail(
                    '%s\nprinted\n%s\nand not\n%s' % (command, got, wanted)
                )


def _steps(text):
    """Return (command, what it is to print) of all console blocks."""
    steps = []
    for block in text.split(_BLOCK)[1:]:
        lines = re.match(r'\n\n((?:   .*\n)+)', block).group(1)
        for line in lines.splitlines():
            line = line[3:]
            if line.startswith(_PROMPT):
                steps.append((line[len(_PROMPT) :], ''))
            else:
                command, wanted = steps.pop()
                steps.append((command, wanted + line + '\n'))
    return steps
