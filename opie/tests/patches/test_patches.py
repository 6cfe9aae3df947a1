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

"""Every shipped patch on the newest nova of its release, from PyPI."""

import compileall
import pathlib
import re
import subprocess
import sys
import zipfile

import fixtures
import testtools

from opie.tests import patched

RELEASES = ('31', '32', '33', '34')
NAMES = ('compute-api.patch', 'scheduler-classes.patch')
CHANGED_FILES = re.compile(r'^--- a/(\S+)$', re.MULTILINE)
ALL_FILES = re.compile(r'^\+\+\+ b/(\S+)$', re.MULTILINE)


def download(release, directory):
    """Download the newest wheel of nova of a release; return its path."""
    home = pathlib.Path(directory, release)
    pip = [sys.executable, '-m', 'pip', '--quiet', 'download', '--no-deps']
    only_wheels = ['--only-binary', 'nova', '--dest', str(home)]
    subprocess.run([*pip, *only_wheels, f'nova=={release}.*'], check=True)
    (wheel,) = home.glob('nova-*.whl')
    return wheel


def read_tree(directory):
    """Return path to content of all files under a directory."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in pathlib.Path(directory).rglob('*')
        if path.is_file()
    }


class TestPatches(testtools.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        wheels = fixtures.TempDir()
        wheels.setUp()
        cls.addClassCleanup(wheels.cleanUp)
        cls.wheels = {
            release: download(release, wheels.path) for release in RELEASES
        }

    def unpack(self, release, patches):
        """Return a directory with the files of nova that patches change."""
        home = self.useFixture(fixtures.TempDir()).path
        with zipfile.ZipFile(self.wheels[release]) as wheel:
            names = set(wheel.namelist())
            for patch in patches:
                for path in CHANGED_FILES.findall(patch.read_text()):
                    self.assertIn(path, names)
                    wheel.extract(path, home)
        return home

    def check_applies(self, patch, home):
        said = patched.apply_patch(patch, home).splitlines()
        # No other line: no offset, no fuzz, nothing left over.
        files = ALL_FILES.findall(patch.read_text())
        self.assertEqual([f'patching file {name}' for name in files], said)

    def test_each_release_has_the_same_patches(self):
        for release in RELEASES:
            found = [path.name for path in patched.find_patches(release)]
            self.assertEqual([*NAMES], found)

    def test_the_directories_are_the_releases(self):
        found = {path.name for path in patched.PATCHES.glob('nova-*')}
        self.assertEqual({f'nova-{release}' for release in RELEASES}, found)

    def test_each_patch_applies_alone_and_can_be_reverted(self):
        for release in RELEASES:
            for patch in patched.find_patches(release):
                home = self.unpack(release, [patch])
                before = read_tree(home)
                self.check_applies(patch, home)
                self.assertNotEqual(before, read_tree(home))
                patched.apply_patch(patch, home, '-R')
                self.assertEqual(before, read_tree(home))

    def test_both_apply_in_either_order_and_compile(self):
        for release in RELEASES:
            patches = patched.find_patches(release)
            trees = []
            for order in (patches, patches[::-1]):
                home = self.unpack(release, order)
                for patch in order:
                    self.check_applies(patch, home)
                trees.append(read_tree(home))
                self.assertTrue(compileall.compile_dir(home, quiet=1))
            self.assertEqual(*trees)
            suffixes = {pathlib.Path(name).suffix for name in trees[0]}
            self.assertEqual({'.py'}, suffixes)

    def test_files_new_to_nova_are_the_same_in_all_releases(self):
        for name in NAMES:
            added = [self.read_added(release, name) for release in RELEASES]
            self.assertNotEqual({}, added[0])
            for files in added[1:]:
                self.assertEqual(added[0], files)

    def read_added(self, release, name):
        """Return path to content of the files that a patch adds to nova."""
        patch = patched.PATCHES / f'nova-{release}' / name
        home = self.unpack(release, [patch])
        before = read_tree(home)
        patched.apply_patch(patch, home)
        return {
            path: content
            for path, content in read_tree(home).items()
            if path not in before
        }

    def test_patched_nova_does_not_need_opie(self):
        for patch in patched.PATCHES.rglob('*.patch'):
            self.assertNotRegex(patch.read_text(), r'(?m)^\+.*import opie')
            self.assertNotRegex(patch.read_text(), r'(?m)^\+ *from opie')
