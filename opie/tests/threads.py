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

"""Pools of no more threads than have work.

A pool of futurist starts a thread for each piece of work, up to its limit,
whoever is idle, and an idle thread wakes up each second.  The services of a
cloud in one process soon have two hundred of them, which wait for the
interpreter's lock most of the time and leave little of it to those that work.
"""

import futurist


def spare():
    """Have a pool start a thread only if all that it has are taken."""
    futurist.ThreadPoolExecutor._maybe_spin_up = _spin_up_if_needed


def _spin_up_if_needed(pool):
    taken = pool._work_queue.unfinished_tasks
    if len(pool._workers) <= min(taken, pool._max_workers - 1):
        pool._add_thread()
        return True
    return False
