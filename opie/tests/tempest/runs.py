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

"""Runs of tempest on a sandbox, with opie and without."""

import contextlib
import importlib.util
import os
import pathlib
import shutil
import sys
import tempfile

from opie.sandbox import cloud
from opie.tests import stestr as stestr_module
from opie.tests.tempest import conf

# Tempest's tests of hints need filters that nova has switched off.
_FILTERS = (
    'ComputeFilter',
    'ComputeCapabilitiesFilter',
    'ImagePropertiesFilter',
    'ServerGroupAntiAffinityFilter',
    'ServerGroupAffinityFilter',
    'DifferentHostFilter',
    'SameHostFilter',
)
_CLOUD = {
    # More than one test of migrations at a time.
    'hosts': 4,
    'vcpus': 32,
    'ram_mb': 65536,
    'nova_options': {
        'filter_scheduler': {'enabled_filters': ','.join(_FILTERS)},
        # nova's defaults, some of which tests exceed.
        'quota': {'instances': '10', 'cores': '20', 'ram': '51200'},
    },
}
_WORKERS = '2'
_BAD = ('fail', 'inprogress', 'uxsuccess', 'unknown')
# What stands in the place of a test that a class could not begin or end.
FIXTURES = ('setUpClass', 'tearDownClass')


@contextlib.contextmanager
def sandbox():
    """Return a sandbox that is stopped and removed at the end of the block."""
    # TMPDIR may be too long, because the path of a socket is short.
    with tempfile.TemporaryDirectory(prefix='opie-', dir='/tmp') as folder:
        the_cloud = cloud.SandboxCloud(pathlib.Path(folder) / 'cloud')
        try:
            yield the_cloud
        finally:
            the_cloud.down()


def run(the_cloud, home, filters, seconds, **kinds):
    """Run tests on a sandbox; return test to :class:`stestr.Outcome`.

    Those that fail are run once more, one at a time.

    :param home: directory for stestr's repository and tempest's files.
    :param filters: regular expressions of which a test's name matches one.
    :param seconds: after which the run is ended.
    :param kinds: the fields ``has_opie`` and ``has_neutron`` of the sandbox's
        settings.
    :raises subprocess.TimeoutExpired: if it took longer.
    """
    the_cloud.up(_say, **kinds, **_CLOUD)
    home.mkdir(parents=True, exist_ok=True)
    # A run that begins no test must not be taken for an earlier one.
    shutil.rmtree(home / '.stestr', ignore_errors=True)
    (home / 'tempest.conf').write_text(conf.text(the_cloud.site, home))
    tempest = pathlib.Path(importlib.util.find_spec('tempest').origin).parent
    stestr = stestr_module.Stestr(
        home,
        tempest / 'test_discover',
        tempest.parent,
        {
            **os.environ,
            'TEMPEST_CONFIG_DIR': str(home),
            'TEMPEST_CONFIG': 'tempest.conf',
        },
    )
    stestr.run('--concurrency', _WORKERS, *filters, timeout=seconds)
    failed = [
        test
        for test, outcome in stestr.results().items()
        if outcome.status in _BAD and not test.startswith(FIXTURES)
    ]
    if failed:
        (home / 'failed').write_text('\n'.join(failed) + '\n')
        stestr.run(
            *('--serial', '--combine'),
            *('--load-list', str(home / 'failed')),
            timeout=seconds,
        )
    return stestr.results()


def _say(name, seconds):
    sys.stdout.write('  %5.1f s  %s\n' % (seconds, name))
    sys.stdout.flush()
