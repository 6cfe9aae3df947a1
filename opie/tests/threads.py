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

"""Threads of tests: as few as have work, and none that outlives its test.

A pool of futurist starts a thread for each piece of work, up to its limit,
although others are idle.  An idle thread wakes up each second, or a hundred
times a second in nova's tests.  The services of a cloud in one process soon
have two hundred threads, which wait for the interpreter's lock most of the
time and leave little of it to those that work.

The tests of a worker share a process.  A thread that a test leaves behind
takes time from the tests after it, and may reach what is theirs.
"""

import sys
import threading
import time
import traceback

import fixtures
import futurist
from futurist import _thread
from nova import test
from oslo_utils import importutils

# How long the threads of a test may take to end.
END_SECONDS = 60

# While a test runs, and when its pools are shut down: nova/test.py has the
# latter all the time.
_SECONDS_ASLEEP = 0.1
_SECONDS_ASLEEP_AT_LAST = 0.01


class Ended(fixtures.Fixture):
    """Waits until the threads that were started meanwhile have ended.

    The first fixture of a test ends last.  A thread that does not end fails
    the test that has started it, and not the tests after it.
    """

    def _setUp(self):
        self.addCleanup(self._wait, frozenset(threading.enumerate()))

    def _wait(self, before):
        end = time.monotonic() + END_SECONDS
        started = [one for one in threading.enumerate() if one not in before]
        for thread in started:
            thread.join(max(0, end - time.monotonic()))
        late = [thread for thread in started if thread.is_alive()]
        if late:
            raise RuntimeError(
                'The test has ended, and these threads have not:\n'
                + '\n'.join(map(_describe, late))
            )


def _describe(thread):
    frame = sys._current_frames().get(thread.ident)
    return thread.name + '\n' + ''.join(traceback.format_stack(frame))


def keep_apart():
    """Have no service shut down or occupy what later tests use."""
    # NOTE: nova/service.py, _run_manager_graceful_shutdown: what shuts down
    # all pools of the process, for good, runs in a thread that may be late.
    # The fixtures of nova shut down the pools of each test.
    factory = importutils.try_import('nova.thread_pool_factory')
    if factory:
        factory.shutdown_all_executors = lambda: None
    # The services of nova 31 have no such timers.
    timers = importutils.try_import(
        'oslo_service.backend._threading.loopingcall'
    )
    if timers:
        timers.LoopingCallBase._spawn_loop = _spawn_loop


def _spawn_loop(timer, loop):
    """Shut down the pool of a timer when the timer ends.

    NOTE: oslo_service/backend/_threading/loopingcall.py leaves that to the
    garbage collection, which may come many tests later.
    """
    pool = futurist.ThreadPoolExecutor(max_workers=1)
    future = pool.submit(loop)
    future.add_done_callback(timer._on_done)
    future.add_done_callback(lambda _: pool.shutdown(wait=False))
    return future


def start_few():
    """Have pools start few threads, and wake those that are idle seldom.

    A thread is started only if all that a pool has are taken.
    """
    futurist.ThreadPoolExecutor._maybe_spin_up = _spin_up_if_needed
    _after(test.TestCase, 'setUp', _SECONDS_ASLEEP)
    _after(test.TestCase, 'tearDown', _SECONDS_ASLEEP_AT_LAST)


def _after(owner, name, seconds):
    """Have idle threads sleep so long after a method was called."""
    real = getattr(owner, name)

    def call(self):
        real(self)
        _thread.ThreadWorker.MAX_IDLE_FOR = seconds

    setattr(owner, name, call)


def _spin_up_if_needed(pool):
    taken = pool._work_queue.unfinished_tasks
    if len(pool._workers) <= min(taken, pool._max_workers - 1):
        pool._add_thread()
        return True
    return False
