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

"""A scratch copy of the installed nova with the shipped patches applied.

``python -m opie.tests.patched COMMAND`` runs a command for which the copy is
nova.  Entry points and versions are those of the installed nova, because its
metadata stays where it is.
"""

import importlib.metadata
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

PATCHES = pathlib.Path(__file__).parents[2] / 'extras' / 'patches'

# Where the copy is, for the tests that run on it.
HOME = 'OPIE_PATCHED_NOVA'


def main(command):
    """Run a command on a patched copy of nova; return its exit status."""
    with tempfile.TemporaryDirectory(prefix='patched-nova-') as home:
        make_copy(home)
        return subprocess.run(command, env=environment(home)).returncode


def make_copy(home):
    """Copy the installed nova into a directory and apply its patches."""
    # NOTE: finds nova without importing it.
    installed = importlib.util.find_spec('nova').origin
    shutil.copytree(os.path.dirname(installed), os.path.join(home, 'nova'))
    release = importlib.metadata.version('nova').partition('.')[0]
    for patch in find_patches(release):
        apply_patch(patch, home)


def find_patches(release):
    """Return the paths of the patches for a release of nova, like '34'."""
    return sorted((PATCHES / f'nova-{release}').glob('*.patch'))


def apply_patch(patch, directory, *options):
    """Apply a patch where nova/ is; return what ``patch`` says about it.

    :raises: subprocess.CalledProcessError if it does not apply as it is
    """
    return subprocess.run(
        ['patch', '-p1', '--fuzz=0', '--force', *options, '-i', str(patch)],
        cwd=directory,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def environment(home):
    """Return the environment in which the copy is nova."""
    path = os.environ.get('PYTHONPATH')
    return {
        **os.environ,
        'PYTHONPATH': os.pathsep.join([home, path] if path else [home]),
        'OPIE_TEST_API': 'patched',
        HOME: home,
    }


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
