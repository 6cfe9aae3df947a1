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

"""The directory of a cloud: written as a whole, and careful with others'."""

import dataclasses
import json
import os
import pathlib
import tempfile
import unittest
from unittest import mock

from opie.sandbox import errors
from opie.sandbox import home
from opie.sandbox import processes
from opie.sandbox import record
from opie.sandbox import settings


class HomeTest(unittest.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / 'cloud'
        self.home = home.Home(self.path)

    def record(self, **fields):
        return record.Record({'nova': '34.0.0'}, settings.Settings(), **fields)

    def assert_refused(self, text, do, *args):
        with self.assertRaises(errors.SandboxError) as caught:
            do(*args)
        self.assertIn(text, str(caught.exception))
        self.assertNotIn('\n', str(caught.exception))

    def test_there_is_no_record_before_there_is_a_cloud(self):
        self.assertIsNone(self.home.read())
        self.home.create()
        self.assertIsNone(self.home.read())

    def test_a_record_is_read_as_it_was_written(self):
        self.home.create()
        written = self.record(
            ports={'keystone': 20001}, is_complete=True, secret='x'
        )
        self.home.write(written)
        self.assertEqual(written, self.home.read())

    def test_no_other_user_may_read_the_passwords(self):
        self.home.create()
        self.home.write(self.record())
        self.assertEqual(0o700, self.path.stat().st_mode & 0o777)
        file = self.path / 'cloud.json'
        self.assertEqual(0o600, file.stat().st_mode & 0o777)

    def test_every_cloud_has_another_secret(self):
        self.assertNotEqual(self.record().secret, self.record().secret)

    def test_a_record_of_another_version_says_what_to_do(self):
        self.home.create()
        self.home.write(dataclasses.replace(self.record(), format=0))
        self.assert_refused('opie-sandbox reset', self.home.read)

    def test_a_record_that_makes_no_sense_says_what_to_do(self):
        self.home.create()
        for text in ('', '[]', '{}', '{"format": 1, "settings": {"x": 1}}'):
            (self.path / 'cloud.json').write_text(text)
            self.assert_refused('opie-sandbox reset', self.home.read)

    def test_a_folder_with_files_of_another_kind_is_refused(self):
        self.path.mkdir()
        (self.path / 'thesis.txt').touch()
        self.assert_refused('--state-dir', self.home.create)

    def test_a_folder_that_is_no_clouds_is_left_alone(self):
        (self.path / 'etc').mkdir(parents=True)
        (self.path / 'etc' / 'passwd').touch()
        self.assert_refused('--state-dir', self.home.create)
        self.home.erase()
        self.assertTrue((self.path / 'etc' / 'passwd').exists())

    def test_a_file_in_its_place_is_refused(self):
        self.path.touch()
        self.assert_refused('--state-dir', self.home.create)
        self.assertIsNone(self.home.read())

    def test_a_path_too_long_for_a_socket_is_refused(self):
        long = home.Home(self.path / ('x' * 80))
        self.assert_refused('--state-dir', long.create)
        self.assertFalse(long.path.exists())

    def test_a_path_that_would_need_quotes_is_refused(self):
        for name in ('my cloud', 'a$b', "it's", 'caf\u00e9', 'a%b'):
            strange = home.Home(self.path / name)
            self.assert_refused('--state-dir', strange.create)

    def test_erasing_leaves_what_is_not_the_clouds(self):
        self.home.create()
        self.home.write(self.record())
        self.home.log('nova-api').write_text('log')
        (self.path / 'notes.txt').touch()
        self.home.erase()
        self.assertEqual(
            ['notes.txt'], [item.name for item in self.path.iterdir()]
        )
        self.assertIsNone(self.home.read())

    def test_two_at_once_are_refused(self):
        self.home.create()
        other = home.Home(self.path)
        with self.home.locked():
            self.assert_refused('at work', other.locked().__enter__)
        with other.locked():
            pass

    def test_what_was_noted_of_services_is_found(self):
        self.home.create()
        self.home.write(self.record())
        process = processes.Process(4711, 12.5)
        self.home.note('nova-api', process, 'digest')
        self.assertEqual({'nova-api': (process, 'digest')}, self.home.noted())
        self.home.forget('nova-api')
        self.home.forget('nova-api')
        self.assertEqual({}, self.home.noted())

    def test_a_note_that_makes_no_sense_is_no_note(self):
        self.home.create()
        self.home.write(self.record())
        (self.home.run / 'nova-api.json').write_text(json.dumps({'pid': 1}))
        (self.home.run / 'keystone.json').write_text('')
        self.assertEqual({}, self.home.noted())

    def test_the_default_is_below_the_users_state(self):
        with mock.patch.dict(os.environ, XDG_STATE_HOME='/state'):
            self.assertEqual(
                pathlib.Path('/state/opie-sandbox'), home.default_path()
            )
        with mock.patch.dict(os.environ, HOME='/home/me'):
            os.environ.pop('XDG_STATE_HOME', None)
            self.assertEqual(
                pathlib.Path('/home/me/.local/state/opie-sandbox'),
                home.default_path(),
            )
