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


"""The death of a scheduler, at a random one of its calls."""

import threading

from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.nova_db import compute_services
from opie.scheduler.nova_db import instances
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import eligibility
from opie.scheduler.preempting import eviction

# All of opie/scheduler that a preemption asks nova or placement with.
IO = (
    (placement.Client, '_call'),
    (eviction.Eviction, '_send'),
    (compute_services.ComputeServices, '_read'),
    (eligibility, 'preemptors'),
    (compute_nodes, 'read'),
    (preemptibles, 'in_migration'),
    (preemptibles, 'rows_on_hosts'),
    (preemptibles, 'states_of'),
    (instances, 'cell_of'),
    (instances, 'cells_of'),
    (instances, 'has_build_request'),
)


class Killed(BaseException):
    """The scheduler ends here: nothing of it that handles errors does."""


class Death:
    """Kills the scheduler at one of its calls, and at all that follow."""

    def __init__(self):
        self._lock = threading.Lock()
        self._calls_left = None
        self._call_first = False
        self.has_come = False

    def arm(self, number, call_first):
        """Let it come at a call, counted from 1, or right after it."""
        self._calls_left, self._call_first = number, call_first
        self.has_come = False

    def disarm(self):
        self._calls_left = None

    def call(self, real, *args, **kwargs):
        with self._lock:
            if self._calls_left is None:
                is_now = False
            elif self.has_come:
                raise Killed
            else:
                self._calls_left -= 1
                is_now = self.has_come = self._calls_left == 0
        if not is_now:
            return real(*args, **kwargs)
        if self._call_first:
            real(*args, **kwargs)
        raise Killed
