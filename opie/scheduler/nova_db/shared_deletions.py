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

"""What becomes of deletions on hosts, read once for all threads of a worker.

The requests of a burst wait for their turn on few hosts.  If each of them read
for itself, they would take the time that the deletions need.
"""

from __future__ import annotations

from concurrent import futures
import dataclasses
import threading
import time

from nova import context as nova_context

from opie.scheduler.nova_db import instances
from opie.scheduler.nova_db import own_deletions

# How far the end of a deletion is read back for, because clocks differ.
_WINDOW_SECONDS = 60
# How long other threads may use what one has read.
_SHARED_SECONDS = 0.25


@dataclasses.dataclass(frozen=True)
class _Reading:
    """What is read of a host at one moment."""

    began: float
    found: futures.Future[own_deletions.OnHost] = dataclasses.field(
        default_factory=futures.Future
    )


class SharedDeletions:
    """Reads for the threads of one worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Host to the reading that began last.
        self._readings: dict[str, _Reading] = {}

    def on_host(
        self,
        context: nova_context.RequestContext,
        host: str,
        is_fresh: bool = False,
    ) -> own_deletions.OnHost:
        """Return what becomes of deletions on a host.

        :param host: the name of its compute service.
        :param is_fresh: whether it has to be read after the call has begun.
        :raises Exception: what the database raises.
        """
        now = time.monotonic()
        with self._lock:
            reading = self._readings.get(host)
            is_old = reading is None or now - reading.began > _SHARED_SECONDS
            is_first = is_fresh or is_old
            if reading is None or is_first:
                reading = self._readings[host] = _Reading(now)
        if is_first:
            # The other threads must hear of any failure.
            try:
                reading.found.set_result(self._read(context, host))
            except BaseException as exc:
                reading.found.set_exception(exc)
        return reading.found.result()

    @staticmethod
    def _read(
        context: nova_context.RequestContext, host: str
    ) -> own_deletions.OnHost:
        cell = instances.cell_of_host(context, host)
        with nova_context.target_cell(context, cell) as cell_context:
            return own_deletions.on_host(cell_context, host, _WINDOW_SECONDS)
