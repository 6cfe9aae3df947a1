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

"""Pools of no more threads than have work, which seldom wake for nothing.

A pool of futurist starts a thread for each piece of work, up to its limit,
whoever is idle, and an idle thread wakes up each second, or a hundred times a
second in nova's tests.  The services of a cloud in one process soon have two
hundred of them, which wait for the interpreter's lock most of the time and
leave little of it to those that work.
"""

import futurist
from futurist import _thread
from nova import test

# While a test runs, and when its pools are shut down: nova/test.py has the
# latter all the time.
_SECONDS_ASLEEP = 0.1
_SECONDS_ASLEEP_AT_LAST = 0.01


def spare():
    """Have pools start few threads, and wake those that are idle seldom.

    One is started only if all that a pool has are taken.
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
