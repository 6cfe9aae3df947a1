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

Each scheduler worker keeps its own, fresh by reading what changed since it
last looked, and all of it once in a while.  It may be a moment behind: whoever
acts on it looks again, and the generations in placement decide.
"""

import datetime
import threading
import time

from nova import context as nova_context
from nova.compute import task_states
import nova.conf
from oslo_log import log as logging
from oslo_utils import timeutils

from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import marks
from opie.scheduler.nova_db import preemptibles

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

# A change can become visible later than its time says: clocks differ, and
# transactions take a while.
_MARGIN = datetime.timedelta(seconds=15)
# How long a cell that did not answer is not asked again: whoever asks waits
# for nova's time-out.
_SILENT_SECONDS = 10


class Index:
    """The preemptible servers of some cells."""

    def __init__(self):
        self._hints = marks.HintCache()
        self._cells = {}
        self._lock = threading.Lock()

    def on(self, cell_uuid, host, node):
        """Return a tuple of the servers on a host, ordered by uuid."""
        cell = self._cells.get(cell_uuid)
        return cell.by_host.get((host, node), ()) if cell else ()

    def refresh(self, cell_mappings, max_age_seconds=0, is_routine=False):
        """Bring the index up to date, where it is older than said.

        Whoever is content with an older one does not wait for another thread
        that does so already.  A cell that did not answer is left alone for a
        while.

        :param cell_mappings: the cells to look into.
        :param max_age_seconds: how long ago the last look may be.
        :param is_routine: whether nobody waits for it, so that this is the
            time to read all anew.
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

    def preemptible(self, rows_of_cells):
        """Return the :class:`preemptibles.PreemptibleServer` among rows.

        :param rows_of_cells: for each cell a list of rows.
        """
        return list(self._marked(rows_of_cells).values())

    def _marked(self, rows_of_cells):
        # All cells' hints are in one database, and read with one query.
        return preemptibles.only_preemptible(
            [row for rows in rows_of_cells for row in rows],
            self._hints,
            nova_context.get_admin_context(),
        )

    def _refresh(self, cell_mappings, max_age_seconds, is_routine):
        due = [
            cell
            for cell in cell_mappings
            if cell.uuid not in self._cells
            or self._cells[cell.uuid].is_due(max_age_seconds)
        ]
        if not due:
            return
        looks = {
            cell.uuid: self._cells.get(cell.uuid) or _Cell() for cell in due
        }
        began = timeutils.utcnow(), time.monotonic()
        whole = {
            uuid
            for uuid, cell in looks.items()
            if cell.is_whole_look_due(is_routine)
        }

        def read(context):
            cell = looks[context.cell_uuid]
            if context.cell_uuid in whole:
                return preemptibles.rows_on_hosts(context), set()
            return cell.read_changes(context)

        answers, silent = cells.ask(due, read)
        marked = self._marked(rows for rows, _ in answers.values())
        for uuid, (rows, vanished) in answers.items():
            looks[uuid].take(
                rows, marked, vanished, began, is_whole=uuid in whole
            )
            self._cells[uuid] = looks[uuid]
        for uuid in silent:
            self._cells[uuid] = looks[uuid]
            looks[uuid].is_silent = True
            looks[uuid].asked_at = time.monotonic()


class _Cell:
    """The preemptible servers of one cell.

    :ivar asked_at: when it was found silent, in monotonic seconds.
    :ivar by_host: (host, node) to a tuple of servers; a reader in another
        thread finds each host as it was or as it is.
    """

    def __init__(self):
        self.by_host = {}
        self.is_silent = False
        self.asked_at = None
        self._servers = {}
        self._since = None
        self._looked_at = self._looked_at_all = None

    def is_due(self, max_age_seconds):
        now = time.monotonic()
        if self.is_silent:
            return now >= self.asked_at + _SILENT_SECONDS
        return now >= self._looked_at + max_age_seconds

    def is_whole_look_due(self, is_routine):
        if self._looked_at_all is None:
            return True
        # Routine is to be first, so that nobody has to wait for it.
        patience = 1 if is_routine else 2
        return (
            time.monotonic()
            >= self._looked_at_all + patience * CONF.opie.index_reread_seconds
        )

    def read_changes(self, context):
        """Return (changed rows, uuids of servers that have vanished)."""
        # NOTE: nova/compute/api.py deletes the record of a server whose
        # compute is down without changing its time.
        deleting = [
            uuid
            for uuid, server in self._servers.items()
            if server.task_state == task_states.DELETING
        ]
        vanished = set()
        if deleting:
            there = preemptibles.states_of(context, deleting)
            vanished = set(deleting) - there.keys()
        rows = preemptibles.rows_changed_since(context, self._since - _MARGIN)
        return rows, vanished

    def take(self, rows, marked, vanished, began, is_whole):
        """Take in what was read.

        :param rows: rows of servers; all of the cell in a whole look.
        :param marked: uuid to :class:`preemptibles.PreemptibleServer`.
        :param began: (naive UTC time, monotonic time) of the look.
        """
        if is_whole:
            self._put_all(
                marked[row.uuid]
                for row in rows
                if row.uuid in marked and preemptibles.is_there(row)
            )
            self._looked_at_all = began[1]
        else:
            self._put(rows, marked, vanished)
        self._since, self._looked_at = began
        self.is_silent = False

    def _put_all(self, servers):
        self._servers = {server.uuid: server for server in servers}
        by_host = {}
        for server in self._servers.values():
            by_host.setdefault(_key(server), []).append(server)
        self.by_host = {
            key: _in_order(servers) for key, servers in by_host.items()
        }

    def _put(self, rows, marked, vanished):
        changed = dict.fromkeys(vanished)
        for row in rows:
            is_one = row.uuid in marked and preemptibles.is_there(row)
            changed[row.uuid] = marked[row.uuid] if is_one else None
        touched = {}
        for uuid, server in changed.items():
            before = self._servers.pop(uuid, None)
            if server == before:
                # Nothing that matters here; or no preemptible one.
                if server is not None:
                    self._servers[uuid] = before
                continue
            if before is not None:
                touched.setdefault(_key(before), {})[uuid] = None
            if server is not None:
                self._servers[uuid] = server
                touched.setdefault(_key(server), {})[uuid] = server
        for key, changes in touched.items():
            here = {one.uuid: one for one in self.by_host.get(key, ())}
            here.update(changes)
            self.by_host[key] = _in_order(filter(None, here.values()))


def _in_order(servers):
    return tuple(sorted(servers, key=lambda server: server.uuid))


def _key(server):
    return server.host, server.node
