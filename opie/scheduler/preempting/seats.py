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

"""How many requests of one worker may wait for room, of each project."""

from __future__ import annotations

import collections
from collections.abc import Iterator
import contextlib
import threading

from opie.scheduler import errors

# How many seats a project may have for each one that stays free.
_PER_FREE_SEAT = 2


class Seats:
    """The threads of a worker that requests may hold while they wait for room.

    A project has at most twice as many as are free.  So one alone may have two
    thirds of all, and there is always a seat for another one.

    Source: Choudhury and Hahne 1998, dynamic thresholds of queues that share
    memory.

    :param number: how many seats there are.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._taken: collections.Counter[str] = collections.Counter()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def taken(self, project_id: str) -> Iterator[None]:
        """Have a seat meanwhile.

        :raises errors.NoRoomMade: if there is none for the project.
        """
        self._take(project_id)
        try:
            yield
        finally:
            with self._lock:
                self._taken[project_id] -= 1
                self._taken += collections.Counter()

    def _take(self, project_id: str) -> None:
        with self._lock:
            free = self._number - self._taken.total()
            own = self._taken[project_id]
            if own and own >= _PER_FREE_SEAT * free or not free:
                raise errors.NoRoomMade(
                    '%d requests of its project and %d others wait for room, '
                    'and [DEFAULT] executor_thread_pool_size leaves threads '
                    'for %d' % (own, self._taken.total() - own, self._number)
                )
            self._taken[project_id] += 1
