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

"""``opie-sandbox`` refuses what it cannot do with one line."""

import contextlib
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

from opie.cmd import sandbox
from opie.sandbox import cloud


class SandboxTest(unittest.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, 'cloud')
        patch = mock.patch.object(sandbox, '_interrupt_once')
        patch.start()
        self.addCleanup(patch.stop)

    def call(self, *argv):
        """Return the status, what it printed, and its errors."""
        output, errors = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
        ):
            try:
                status = sandbox.main([*argv, '--state-dir', self.path])
            except SystemExit as error:
                status = error.code
        return status, output.getvalue(), errors.getvalue()

    def assert_refused(self, text, *argv):
        status, output, errors = self.call(*argv)
        self.assertEqual((1, ''), (status, output))
        self.assertIn(text, errors)
        self.assertEqual(1, errors.count('\n'))

    def test_what_needs_a_cloud_says_how_to_get_one(self):
        for command in ('env', 'status'):
            self.assert_refused('opie-sandbox up', command)

    def test_commands_that_only_show_make_nothing(self):
        for command in ('env', 'status', 'down', 'reset', 'logs'):
            self.call(command)
            self.assertFalse(os.path.exists(self.path))

    def test_a_reader_that_has_read_enough_is_told_nothing_more(self):
        logs = pathlib.Path(self.path, 'logs')
        logs.mkdir(parents=True)
        for number in range(9):
            (logs / ('service-%d.log' % number)).touch()
        command = [sys.executable, '-m', 'opie.cmd.sandbox', 'logs']
        reading, writing = os.pipe()
        os.close(reading)
        with open(writing, 'wb') as output:
            done = subprocess.run(
                [*command, '--state-dir', self.path],
                stdout=output,
                stderr=subprocess.PIPE,
                encoding='utf-8',
            )
        self.assertEqual((0, ''), (done.returncode, done.stderr))

    def test_nothing_is_removed_where_no_cloud_is(self):
        file = pathlib.Path(self.path, 'data', 'thesis.txt')
        file.parent.mkdir(parents=True)
        file.touch()
        for command in ('down', 'reset'):
            self.call(command)
        self.assertTrue(file.exists())
        self.assertEqual(['data'], os.listdir(self.path))

    def test_stopping_what_does_not_run_is_no_error(self):
        status, output, errors = self.call('down')
        self.assertEqual((0, ''), (status, errors))

    def test_a_log_that_is_not_there_is_refused(self):
        self.assert_refused('nova-api', 'logs', 'nova-api')

    def test_sizes_that_make_no_cloud_are_refused(self):
        with mock.patch('opie.sandbox.programs.check'):
            self.assert_refused('hosts', 'up', '--hosts', '0')
            self.assert_refused('vcpus', 'up', '--vcpus', '1001')

    def test_what_is_no_number_is_a_wrong_usage(self):
        status, _, errors = self.call('up', '--hosts', 'five')
        self.assertEqual(2, status)
        self.assertIn('--hosts', errors)

    def test_missing_programs_are_named_with_what_installs_them(self):
        with mock.patch('shutil.which', return_value=None):
            self.assert_refused(
                'no mariadbd and no mariadb-install-db and no rabbitmq-server'
                ' and no epmd',
                'up',
            )
            self.assert_refused('apt-get install', 'up')

    def test_options_that_are_not_given_are_left_as_they_are(self):
        with mock.patch.object(cloud.SandboxCloud, 'up') as up:
            self.call('up', '--ram', '4096', '--no-glance', '--neutron')
        up.assert_called_once_with(
            sandbox._report,
            ram_mb=4096,
            has_glance=False,
            has_neutron=True,
        )

    def test_it_does_not_load_nova(self):
        code = (
            'import sys; from opie.cmd import sandbox; '
            'sys.exit("nova" in sys.modules or "openstack" in sys.modules)'
        )
        subprocess.run([sys.executable, '-c', code], check=True)
