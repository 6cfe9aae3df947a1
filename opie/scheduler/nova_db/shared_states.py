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

"""Reads the states of servers once for all threads that wait for them.

Each request waits for its victims in a thread of its own.  If each thread
asked a cell for itself, a burst would cost the scheduler more for its waiting
than for its plans.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent import futures
import dataclasses
import threading

from nova import context as nova_context
from nova import objects

from opie.scheduler import waiting
from opie.scheduler.nova_db import instances

# Uuid to (vm_state, task_state), see instances.states_of.
_States = dict[str, tuple[str, str | None]]


@dataclasses.dataclass(frozen=True)
class _Reading:
    """What is read of a cell at one moment.

    :ivar servers: uuids of all servers that any thread asks for.
    """

    servers: set[str] = dataclasses.field(default_factory=set)
    states: futures.Future[_States] = dataclasses.field(
        default_factory=futures.Future
    )


class SharedStates:
    """Reads for the threads of one worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Cell uuid to the reading that threads may still join.
        self._gathering: dict[str, _Reading] = {}

    def states_of(
        self,
        context: nova_context.RequestContext,
        cell: objects.CellMapping,
        servers: Collection[str],
    ) -> _States:
        """Return the states of those of some servers that are not yet gone.

        They are read after the call has begun, a moment later.

        :param context: one that may be targeted at the cell.
        :returns: uuid to (vm_state, task_state).
        :raises Exception: what the cell's database raises.
        """
        with self._lock:
            reading = self._gathering.get(cell.uuid)
            is_first = reading is None
            if reading is None:
                reading = self._gathering[cell.uuid] = _Reading()
            reading.servers.update(servers)
        if is_first:
            # The other threads must hear of any failure.
            try:
                reading.states.set_result(self._read(context, cell, reading))
            except BaseException as exc:
                reading.states.set_exception(exc)
        states = reading.states.result()
        return {uuid: states[uuid] for uuid in servers if uuid in states}

    def _read(
        self,
        context: nova_context.RequestContext,
        cell: objects.CellMapping,
        reading: _Reading,
    ) -> _States:
        """Wait until other threads have joined, and read for all of them."""
        try:
            waiting.FOR_OTHERS.sleep()
        finally:
            with self._lock:
                del self._gathering[cell.uuid]
        with nova_context.target_cell(context, cell) as cell_context:
            return instances.states_of(cell_context, sorted(reading.servers))
