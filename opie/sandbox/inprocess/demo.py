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

"""``python -m opie.sandbox.inprocess.demo``: see a preemption happen.

The demo needs no root, no running service and no configuration, and leaves
nothing behind.  The exit status is 0 when the preemption went as told.
"""

import gc
from importlib import metadata
import signal
import sys
import time
import traceback

import fixtures

from opie.sandbox.inprocess import logs
from opie.sandbox.inprocess import narrator

_LOG_LINES_ON_FAILURE = 15


def main():
    """Run the demo and return its exit status."""
    start = time.monotonic()
    teller = narrator.Narrator(sys.stdout)
    teller.title('opie: a normal server takes the place of preemptible ones')
    interruption = _Interruption()
    log = logs.LogFixture()
    try:
        _run(teller, log, interruption)
    except KeyboardInterrupt:
        teller.say('Interrupted.')
        return 1
    except Exception as error:
        _report(error, log)
        return 1
    teller.say(
        'The cloud is gone and has left nothing behind. %.0f seconds in all.'
        % (time.monotonic() - start)
    )
    return 0


def _run(teller, log, interruption):
    teller.say(
        'Starting in this process: the API, the conductor, the scheduler and '
        'two computes of nova %s, and placement %s, on SQLite. Stand-ins play '
        'keystone, glance, neutron and the hypervisors.'
        % (metadata.version('nova'), metadata.version('openstack-placement'))
    )
    with _Caches():
        # Not before the title: these import nova, which takes seconds.
        from opie.sandbox.inprocess import cloud
        from opie.sandbox.inprocess import decisions
        from opie.sandbox.inprocess import story

        interruption.check()
        with (
            log,
            decisions.DecisionsFixture() as watched,
            cloud.InProcessCloud() as the_cloud,
            log.stopped_by_exceptions(),
        ):
            for _ in story.Story(the_cloud, watched, log, teller).tell():
                interruption.check()


class _Interruption:
    """Ctrl-C or SIGTERM, noticed between two steps.

    An exception amid a step could leave a lock of nova taken, or a request
    half sent, and a thread that waits for it would wait forever.  A second
    interrupt ends the demo at once.
    """

    def __init__(self):
        self._count = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, signum, frame):
        self._count += 1
        if self._count > 1:
            raise KeyboardInterrupt

    def check(self):
        """Raise KeyboardInterrupt if a signal has come."""
        if self._count:
            raise KeyboardInterrupt


class _Caches(fixtures.Fixture):
    """A directory for what libraries would leave in the user's cache.

    stevedore keeps entry points there, unless Python is below /tmp.
    """

    def _setUp(self):
        path = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.EnvironmentVariable('XDG_CACHE_HOME', path))


def _report(error, log):
    """Write to stderr what an operator needs, the reason last."""
    lines = traceback.format_exception(error)
    tail = log.tail(_LOG_LINES_ON_FAILURE)
    if tail:
        lines += ['\nWhat nova, placement and opie logged last:\n']
        lines += [line + '\n' for line in tail]
    while isinstance(error, fixtures.MultipleExceptions):
        # A fixture has put what happened and its own error together.
        error = error.args[0][1]
    lines += ['\nThe demo failed. ', *traceback.format_exception_only(error)]
    if isinstance(error, ImportError):
        lines += [
            'It needs nova and openstack-placement as they are on PyPI, and '
            'what their tests need; tox -e demo installs all of it.\n'
        ]
    print('\n' + ''.join(lines), end='', file=sys.stderr)


if __name__ == '__main__':
    status = main()
    # The interpreter would search all of nova for garbage when it ends, which
    # takes seconds.
    gc.freeze()
    sys.exit(status)
