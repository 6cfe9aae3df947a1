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

"""opie's client in an environment of its own, as users install it.

Run as a script: the package around it is for environments with nova.
"""

import importlib.metadata
import importlib.util
import pathlib
import subprocess
import sys
import unittest


class AloneTest(unittest.TestCase):
    def openstack(self, *arguments):
        return subprocess.run(
            [pathlib.Path(sys.executable).with_name('openstack'), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding='utf-8',
            timeout=60,
        )

    def test_it_brings_no_nova(self):
        names = {item.name for item in importlib.metadata.distributions()}
        self.assertIn('openstack-opie', names)
        self.assertEqual(set(), names & {'nova', 'openstack-placement'})
        for name in 'nova', 'placement':
            self.assertIsNone(importlib.util.find_spec(name))

    def test_the_command_has_the_option(self):
        for command in 'create', 'list':
            done = self.openstack('server', command, '--help')
            self.assertIn('  --preemptible ', done.stdout)

    def test_the_option_works_until_it_needs_a_cloud(self):
        done = self.openstack(
            '--os-auth-type=none',
            '--os-endpoint=http://127.0.0.1:9',
            *('server', 'create', '--image=i', '--flavor=f'),
            *('--preemptible', '--hint=preemptible=false', 'a'),
        )
        self.assertEqual(1, done.returncode)
        self.assertIn('--preemptible contradicts --hint', done.stdout)


if __name__ == '__main__':
    unittest.main(verbosity=2)
