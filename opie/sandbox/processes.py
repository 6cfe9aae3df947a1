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

"""Processes that are started, found again, and surely stopped.

A process is known by its id and the time it was started, because another
process may get the same id later.  Each process that this module starts has
the home of its cloud in its environment, and so have the processes that it
starts.  So even a process that was not written down is found.
"""

import contextlib
import dataclasses
import os
import signal
import subprocess
import time

import psutil

MARK = 'OPIE_SANDBOX_HOME'

# A process that changes its title with setproctitle would overwrite its
# environment.
_KEEP_ENVIRONMENT = {'SPT_NOENV': '1'}

_STOP_SECONDS = 15
# Start times are told relative to the clock, which may be set meanwhile.
_SAME_TIME_SECONDS = 2
# How often an environment is read that is empty.
_READS_OF_NONE = 4
_SECONDS_BETWEEN_READS = 0.005
# Threads of the kernel have no environment, ever.
_PARENTS_OF_KERNEL_THREADS = (0, 2)


@dataclasses.dataclass(frozen=True)
class Process:
    """A process, alive or not."""

    pid: int
    start_time: float

    def find(self):
        """Return its :class:`psutil.Process`, None if it has ended."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            is_same = (
                abs(process.create_time() - self.start_time)
                < _SAME_TIME_SECONDS
            )
            if is_same and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None

    def is_alive(self):
        return self.find() is not None

    def is_stopped(self):
        """Tell whether it was stopped by a signal, as SIGSTOP does."""
        process = self.find()
        with contextlib.suppress(psutil.NoSuchProcess):
            return bool(process) and process.status() == psutil.STATUS_STOPPED
        return False

    def family(self):
        """Return it and its descendants, those that are alive."""
        process = self.find()
        if process is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            return [process, *process.children(recursive=True)]
        return []


def start(command, home, log, environment=None, folder=None):
    """Start a command in a session of its own; return the Popen.

    :param home: the home of the cloud that it belongs to.
    :param log: path of a file for what it prints.
    """
    with open(log, 'ab') as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={
                **os.environ,
                **(environment or {}),
                **_KEEP_ENVIRONMENT,
                # stevedore keeps entry points there.
                'XDG_CACHE_HOME': os.path.join(home, 'data', 'cache'),
                MARK: str(home),
            },
            # Ctrl-C is for the command that starts it and stops it in order.
            start_new_session=True,
        )


def from_popen(popen):
    """Return the :class:`Process` of a Popen, None if it has ended."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(popen.pid)
        return Process(process.pid, process.create_time())
    return None


def of_home(home):
    """Return all processes of a cloud, whether they were noted or not."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if _environment_of(process).get(MARK) == str(home):
                found.append(process)
    return found


def _environment_of(process):
    """Return the environment of a process.

    While a process turns to another program it has none for a moment.
    """
    for _ in range(_READS_OF_NONE):
        environment = process.environ()
        if environment or process.ppid() in _PARENTS_OF_KERNEL_THREADS:
            break
        time.sleep(_SECONDS_BETWEEN_READS)
    return environment


def stop(found, seconds=_STOP_SECONDS):
    """Ask processes to end, and end those that do not within some seconds.

    :param found: :class:`psutil.Process` values; where one has ended, another
        process with its id is not touched.
    """
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
            # A stopped process would not even notice.
            process.send_signal(signal.SIGCONT)
    _, left = psutil.wait_procs(found, seconds)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, seconds)
