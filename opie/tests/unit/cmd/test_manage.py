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

import pathlib
import subprocess
import sys
import tempfile
import unittest

# No server listens there.
_CONF = """
[placement]
auth_type = none
endpoint_override = http://127.0.0.1:9
"""


class ManageTest(unittest.TestCase):
    def test_what_goes_wrong_is_told_and_is_the_exit_status(self):
        self.check('preemption', 'DiscoveryFailure')

    def test_so_it_is_of_preemptible_servers(self):
        self.check('preemptible', 'CantStartEngineError')

    def check(self, category, error):
        with tempfile.TemporaryDirectory() as folder:
            conf = pathlib.Path(folder) / 'nova.conf'
            conf.write_text(_CONF)
            done = subprocess.run(
                (
                    sys.executable,
                    '-m',
                    'opie.cmd.manage',
                    '--config-file',
                    str(conf),
                    category,
                    'list',
                    '--format',
                    'json',
                ),
                capture_output=True,
                text=True,
            )
        self.assertEqual(1, done.returncode)
        self.assertEqual('', done.stdout)
        *_, complaint = done.stderr.splitlines()
        self.assertIn('opie-manage: Failed: %s: ' % error, complaint)
