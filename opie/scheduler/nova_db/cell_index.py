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

"""The index of one cell: which preemptible servers are on which of its hosts.

It is brought up to date by reading what changed, and by reading the whole cell
once in a while.
"""

import collections
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import datetime
import time
import typing

from nova import context as nova_context
from nova.compute import task_states
from nova.compute import vm_states
import nova.conf
from oslo_utils import timeutils

from opie.scheduler.nova_db import instances
from opie.scheduler.nova_db import preemptibles

CONF = nova.conf.CONF

# A change can become visible later than its time says, because clocks differ
# and transactions take a while.
_MARGIN = datetime.timedelta(seconds=15)
# How long a cell that did not answer is not asked again, because a request
# that asks waits for nova's time-out.
SILENT_SECONDS = 10

_Server = preemptibles.PreemptibleServer
_NodeKey = tuple[str, str]


class Moment(typing.NamedTuple):
    """When a reading began, by two clocks.

    :ivar utc: naive.
    """

    utc: datetime.datetime
    monotonic: float

    @classmethod
    def now(cls) -> 'Moment':
        """Return this moment."""
        return cls(timeutils.utcnow(), time.monotonic())


class CellIndex:
    """The preemptible servers of one cell.

    :ivar by_host: (host, node) to the servers on it, ordered by uuid; a reader
        in another thread finds each host as it was or as it is.
    :ivar asked_to_delete: uuid to server, of those that opie has asked nova to
        delete.
    :ivar resized: uuid to server, of those whose resize is unconfirmed.
    :ivar flavors: the ids of flavors that alone make servers preemptible.
    :ivar is_silent: whether the cell did not answer when it was asked last.
    """

    def __init__(self) -> None:
        self.by_host: dict[_NodeKey, tuple[_Server, ...]] = {}
        # These are asked for with each plan, and seldom change.
        self.asked_to_delete: dict[str, _Server] = {}
        self.resized: dict[str, _Server] = {}
        self.flavors: frozenset[str] = frozenset()
        self._flavors: collections.Counter[str] = collections.Counter()
        self.is_silent = False
        self._silent_at = 0.0
        self._servers: dict[str, _Server] = {}
        self._read_at: Moment | None = None
        self._read_whole_at: Moment | None = None

    def is_due(self, max_age_seconds: float) -> bool:
        """Tell whether the cell is to be read."""
        now = time.monotonic()
        if self.is_silent:
            return now >= self._silent_at + SILENT_SECONDS
        if self._read_at is None:
            return True
        return now >= self._read_at.monotonic + max_age_seconds

    def is_whole_due(self, is_routine: bool) -> bool:
        """Tell whether the whole cell is to be read, and not only changes.

        A routine reading comes before that of a request, so that no request
        waits for it.
        """
        if self._read_whole_at is None:
            return True
        patience = 1 if is_routine else 2
        return (
            time.monotonic()
            >= self._read_whole_at.monotonic
            + patience * CONF.opie.index_reread_seconds
        )

    def read_changes(
        self, context: nova_context.RequestContext
    ) -> tuple[list[preemptibles.Row], set[str]]:
        """Return (changed rows, uuids of servers that have vanished).

        The cell has been read as a whole before.
        """
        assert self._read_at is not None
        # NOTE: nova/compute/api.py deletes the record of a server whose
        # compute is down without changing its time.
        deleting = [
            uuid
            for uuid, server in self._servers.items()
            if server.task_state == task_states.DELETING
        ]
        vanished: set[str] = set()
        if deleting:
            there = instances.states_of(context, deleting)
            vanished = set(deleting) - there.keys()
        since = self._read_at.utc - _MARGIN
        return preemptibles.rows_changed_since(context, since), vanished

    def note_silence(self) -> None:
        """Note that the cell did not answer."""
        self.is_silent = True
        self._silent_at = time.monotonic()

    def take_whole(
        self,
        rows: Iterable[preemptibles.Row],
        marked: Mapping[str, _Server],
        began: Moment,
    ) -> None:
        """Take in all servers of the cell.

        :param marked: the preemptible servers, by uuid.
        :param began: when the reading began.
        """
        before = self._servers
        # A server has several rows if nova has one of its marks twice.
        self._servers = {
            row.uuid: marked[row.uuid]
            for row in rows
            if row.uuid in marked and preemptibles.is_there(row)
        }
        by_host: dict[_NodeKey, list[_Server]] = {}
        for server in self._servers.values():
            by_host.setdefault(_key(server), []).append(server)
        self.by_host = {
            key: _in_order(on_host) for key, on_host in by_host.items()
        }
        self._count(before.values(), self._servers.values())
        self._read_whole_at = self._read_at = began
        self.is_silent = False

    def take_changes(
        self,
        rows: Sequence[preemptibles.Row],
        marked: Mapping[str, _Server],
        vanished: Iterable[str],
        began: Moment,
    ) -> None:
        """Take in what :meth:`read_changes` returned.

        :param marked: the preemptible servers among the rows, by uuid.
        :param began: when the reading began.
        """
        changed: dict[str, _Server | None] = dict.fromkeys(vanished)
        for row in rows:
            is_one = row.uuid in marked and preemptibles.is_there(row)
            changed[row.uuid] = marked[row.uuid] if is_one else None
        # Of most rows nothing has changed that matters here.
        changed = {
            uuid: server
            for uuid, server in changed.items()
            if server != self._servers.get(uuid)
        }
        removed = [
            self._servers.pop(uuid)
            for uuid in changed
            if uuid in self._servers
        ]
        added = [server for server in changed.values() if server is not None]
        self._servers.update((server.uuid, server) for server in added)
        touched: dict[_NodeKey, dict[str, _Server | None]] = {}
        for server in removed:
            touched.setdefault(_key(server), {})[server.uuid] = None
        for server in added:
            touched.setdefault(_key(server), {})[server.uuid] = server
        for key, changes in touched.items():
            here = {one.uuid: one for one in self.by_host.get(key, ())}
            left = {**here, **changes}.values()
            self.by_host[key] = _in_order(one for one in left if one)
        if touched:
            self._count(removed, added)
        self._read_at = began
        self.is_silent = False

    def _count(
        self, removed: Collection[_Server], added: Collection[_Server]
    ) -> None:
        """Let what is kept of a few servers be as it is without a scan.

        Values are replaced, because other threads read them.
        """
        self.asked_to_delete = _replaced(
            self.asked_to_delete,
            removed,
            (one for one in added if one.asked_to_delete_at is not None),
        )
        self.resized = _replaced(
            self.resized,
            removed,
            (one for one in added if one.vm_state == vm_states.RESIZED),
        )
        self._flavors.subtract(_flavors_of(removed))
        self._flavors.update(_flavors_of(added))
        self._flavors = +self._flavors
        self.flavors = frozenset(self._flavors)


def _replaced(
    known: Mapping[str, _Server],
    removed: Iterable[_Server],
    added: Iterable[_Server],
) -> dict[str, _Server]:
    left = dict(known)
    for server in removed:
        left.pop(server.uuid, None)
    left.update((server.uuid, server) for server in added)
    return left


def _flavors_of(servers: Iterable[_Server]) -> Iterator[str]:
    return (one.flavor_id for one in servers if one.flavor_id is not None)


def _in_order(servers: Iterable[_Server]) -> tuple[_Server, ...]:
    return tuple(sorted(servers, key=lambda server: server.uuid))


def _key(server: _Server) -> _NodeKey:
    return server.host, server.node
