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

"""Starts services and runs commands, and waits for them."""

import contextlib
import subprocess
import time

from opie.sandbox import errors
from opie.sandbox import home as home_module
from opie.sandbox import processes
from opie.sandbox import steps
from opie.sandbox import stopping

START_SECONDS = 180

# mariadb-install-db ends with 25 lines that do not say what is wrong.
_LOG_LINES = 40


def write_files(services):
    """Write what services and preparations read; some read the same."""
    files = {}
    for service in services:
        files.update(service.files)
    for path, text in files.items():
        home_module.write_privately(path, text)


def start(home, service, stop):
    """Start a service, whose files are there, and wait until it answers.

    :param stop: a :class:`opie.sandbox.steps.Stop`.
    :raises errors.NotStarted: if it ends, or takes too long.
    """
    since = time.time()
    if service.folder:
        service.folder.mkdir(0o700, parents=True, exist_ok=True)
    log = home.log(service.name)
    popen = processes.start(
        service.command, home.path, log, service.environment, service.folder
    )
    process = processes.from_popen(popen)
    if process is not None:
        home.note(service.name, process, service.digest())
    wait(
        service,
        since,
        stop,
        lambda: popen.poll() is None,
        START_SECONDS,
        log,
    )


@contextlib.contextmanager
def running(home, service):
    """Run a service until the end of the block.

    :raises errors.NotStarted: if it ends, or takes too long.
    """
    write_files([service])
    try:
        start(home, service, steps.Stop())
        yield
    finally:
        stopping.stop_one(home, service.name)


def wait(service, since, stop, is_alive, seconds, log):
    """Wait until a service answers.

    :raises errors.NotStarted: if it ends, or takes too long.
    """
    deadline = time.monotonic() + seconds
    while True:
        reason = _try(service, since)
        # The answer may come from another process that has taken the port.
        if not is_alive():
            raise not_started(service.name, 'has ended', log)
        if not reason:
            return
        if time.monotonic() > deadline:
            reason = 'does not answer: %s' % reason
            raise not_started(service.name, reason, log)
        stop.sleep()


def _try(service, since):
    """Return why a service does not answer, None if it does."""
    try:
        service.check(since)
    except Exception as error:
        return str(error) or type(error).__name__
    return None


def run(home, preparation, stop):
    """Run the commands of a preparation, one after the other.

    :raises errors.NotStarted: if one fails.
    """
    for folder in preparation.folders:
        folder.mkdir(0o700, parents=True, exist_ok=True)
    log = home.log(preparation.name.replace(' ', '-'))
    for command in preparation.commands:
        popen = processes.start(
            command, home.path, log, preparation.environment
        )
        while popen.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                popen.wait(0.1)
            stop.check()
        if popen.returncode:
            reason = 'failed with status %d' % popen.returncode
            raise not_started(preparation.name, reason, log)


def not_started(name, reason, log):
    """Return the error that says so, with the end of the log."""
    lines = log.read_text(errors='replace').splitlines()[-_LOG_LINES:]
    text = '\n'.join('  ' + line for line in lines)
    return errors.NotStarted(
        '%s %s. All of its log is in %s; the end:\n%s'
        % (name, reason, log, text)
    )
