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

"""The live index: which preemptible servers are on which host.

Each scheduler worker keeps an index of its own.  The index may be a moment
behind: what a plan acts on is read anew, and the generations in placement
decide.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
import threading

from nova import context as nova_context
from nova import objects

from opie.scheduler.nova_db import cell_index
from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import marks
from opie.scheduler.nova_db import preemptibles


class Index:
    """The preemptible servers of some cells."""

    def __init__(self) -> None:
        self._hints = marks.HintCache()
        self._cells: dict[str, cell_index.CellIndex] = {}
        self._lock = threading.Lock()

    def on(
        self, cell_uuid: str, host: str, node: str
    ) -> tuple[preemptibles.PreemptibleServer, ...]:
        """Return the servers on a host, ordered by uuid."""
        cell = self._cells.get(cell_uuid)
        return cell.by_host.get((host, node), ()) if cell else ()

    def by_cell(self) -> dict[str, dict[str, preemptibles.PreemptibleServer]]:
        """Return cell uuid to server uuid to server."""
        # Lists, because other threads bring the index up to date.
        return {
            uuid: {
                server.uuid: server
                for servers in list(cell.by_host.values())
                for server in servers
            }
            for uuid, cell in list(self._cells.items())
        }

    def resized(self) -> dict[str, dict[str, preemptibles.PreemptibleServer]]:
        """Return the same of servers whose resize is unconfirmed."""
        return {uuid: cell.resized for uuid, cell in list(self._cells.items())}

    def flavors(self) -> set[str]:
        """Return the ids of flavors that alone make servers preemptible."""
        return set().union(
            *(cell.flavors for cell in list(self._cells.values()))
        )

    def asked_to_delete(self) -> list[preemptibles.PreemptibleServer]:
        """Return the servers that opie has asked nova to delete.

        nova is deleting them, or has failed to.
        """
        return [
            server
            for cell in list(self._cells.values())
            for server in cell.asked_to_delete.values()
        ]

    def refresh(
        self,
        cell_mappings: Collection[objects.CellMapping],
        max_age_seconds: float = 0,
        is_routine: bool = False,
    ) -> list[str]:
        """Bring the index up to date, where it is older than said.

        A caller that an older index is enough for does not wait for another
        thread that brings it up to date.  A cell that did not answer is not
        asked again for a while.

        :param cell_mappings: the cells to read.
        :param max_age_seconds: how long ago the last reading may be.
        :param is_routine: whether no request waits for it, so that this is the
            time to read whole cells.
        :returns: the uuids of the cells that have not answered yet.
        """
        if self._lock.acquire(blocking=not max_age_seconds):
            try:
                self._refresh(cell_mappings, max_age_seconds, is_routine)
            finally:
                self._lock.release()
        return [
            cell.uuid
            for cell in cell_mappings
            if cell.uuid not in self._cells or self._cells[cell.uuid].is_silent
        ]

    def preemptible(
        self, rows_of_cells: Iterable[list[preemptibles.Row]]
    ) -> list[preemptibles.PreemptibleServer]:
        """Return the preemptible servers among rows.

        :param rows_of_cells: for each cell a list of rows.
        """
        return list(self._marked(rows_of_cells).values())

    def _marked(
        self, rows_of_cells: Iterable[list[preemptibles.Row]]
    ) -> dict[str, preemptibles.PreemptibleServer]:
        # All cells' hints are in one database, and read with one query.
        return preemptibles.only_preemptible(
            [row for rows in rows_of_cells for row in rows],
            self._hints,
            nova_context.get_admin_context(),
        )

    def _refresh(
        self,
        cell_mappings: Collection[objects.CellMapping],
        max_age_seconds: float,
        is_routine: bool,
    ) -> None:
        indices = {
            cell.uuid: self._cells.get(cell.uuid) or cell_index.CellIndex()
            for cell in cell_mappings
        }
        due = [
            cell
            for cell in cell_mappings
            if indices[cell.uuid].is_due(max_age_seconds)
        ]
        if not due:
            return
        began = cell_index.Moment.now()
        whole = {
            cell.uuid
            for cell in due
            if indices[cell.uuid].is_whole_due(is_routine)
        }

        def read(
            context: nova_context.RequestContext,
        ) -> tuple[list[preemptibles.Row], set[str]]:
            if context.cell_uuid in whole:
                return preemptibles.rows_on_hosts(context), set()
            return indices[context.cell_uuid].read_changes(context)

        answers, silent = cells.ask(due, read)
        marked = self._marked(rows for rows, _ in answers.values())
        for uuid, (rows, vanished) in answers.items():
            if uuid in whole:
                indices[uuid].take_whole(rows, marked, began)
            else:
                indices[uuid].take_changes(rows, marked, vanished, began)
            self._cells[uuid] = indices[uuid]
        for uuid in silent:
            indices[uuid].note_silence()
            self._cells[uuid] = indices[uuid]
