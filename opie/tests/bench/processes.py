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

"""The processes that the benchmark starts, and surely stops."""

import contextlib
import signal
import socket
import subprocess
import sys
import time

_START_SECONDS = 180
_STOP_SECONDS = 30
_POLL_SECONDS = 0.1


class Missing(Exception):
    """Something is not installed; the text says what to install."""


class NotStarted(Exception):
    """A process ended, or did not answer in time; the text has its log."""


def stop_on_signals():
    """Let a signal that asks to stop end the benchmark in an orderly way."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit('Stopped by a signal.'))


def free_port():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(command, log, **kwargs):
    """Run a command until the end of the block.

    :param log: path of a file for what it prints.
    """
    with open(log, 'wb') as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the benchmark, which then stops this in order.
            start_new_session=True,
            **kwargs,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(what, process, log, connect):
    """Wait until a function that connects to a process raises nothing.

    :raises NotStarted: if the process ends, or takes too long.
    """
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            connect()
            return
        except Exception as exc:
            if process.poll() is None and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
                continue
            with open(log, errors='replace') as output:
                raise NotStarted(
                    '%s does not answer: %s\n%s' % (what, exc, output.read())
                ) from exc
