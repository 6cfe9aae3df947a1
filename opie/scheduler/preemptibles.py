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

"""Which servers on which hosts are preemptible, read from nova's databases.

Column queries only: an Instance object costs twenty times as much.  A cell's
database tells what runs where and what flavors and system metadata say; hints
are in the API database, never change, and are read once per server.
"""

import dataclasses
import datetime
import json

from nova.compute import task_states
from nova.compute import vm_states
from nova.db.api import api as api_db
from nova.db.api import models as api_models
from nova.db.main import api as main_db
from nova.db.main import models as main_models
from oslo_log import log as logging
from oslo_utils import timeutils
import sqlalchemy as sa

from opie.preemption import marks

LOG = logging.getLogger(__name__)

# How many uuids or host names one query names at the most.
_BATCH = 1000
# A worker forgets all hints when it knows this many; about 20 MB.
_MAX_CACHED_HINTS = 200_000

_DELETING = (task_states.DELETING, task_states.SOFT_DELETING)
# States in which a server holds nothing on its host, or is on its way out.
_VM_STATES_WITHOUT_RESOURCES = (
    vm_states.SHELVED_OFFLOADED,
    vm_states.SOFT_DELETED,
    vm_states.DELETED,
)
# NOTE: as nova/compute/stats.py counts the I/O workload of a host.
_IO_TASK_STATES = (
    task_states.RESIZE_MIGRATING,
    task_states.REBUILDING,
    task_states.RESIZE_PREP,
    task_states.IMAGE_SNAPSHOT,
    task_states.IMAGE_BACKUP,
    task_states.RESCUING,
    task_states.UNSHELVING,
)


@dataclasses.dataclass(frozen=True, slots=True)
class PreemptibleServer:
    """A preemptible server as its cell's database has it.

    Sizes are those of its flavor: MiB of memory, GiB of disk.
    """

    uuid: str
    host: str
    node: str
    vm_state: str
    task_state: str | None
    launched_at: datetime.datetime | None
    locked_by: str | None
    disable_terminate: bool
    memory_mb: int
    vcpus: int
    root_gb: int
    ephemeral_gb: int

    def runtime_seconds(self, now):
        """Return how long it has run, 0 for one that was never launched.

        :param now: a naive datetime in UTC.
        """
        if self.launched_at is None:
            return 0.0
        launched_at = timeutils.normalize_time(self.launched_at)
        return max(0.0, (now - launched_at).total_seconds())

    @property
    def has_io_workload(self):
        return (
            self.vm_state == vm_states.BUILDING
            or self.task_state in _IO_TASK_STATES
        )


def why_spared(server):
    """Return why a preemptible server must not be evicted now, or None.

    An owner's lock does not protect it: any owner could set one.

    :param server: a :class:`PreemptibleServer`, or an Instance object.
    """
    if server.task_state in _DELETING:
        return 'is being deleted already'
    if server.vm_state in _VM_STATES_WITHOUT_RESOURCES:
        return 'is %s' % server.vm_state
    if server.locked_by == 'admin':
        return 'is locked by an administrator'
    if server.disable_terminate:
        return 'may not be terminated'
    return None


def why_postponed(server):
    """Return why a server is no potential victim for the moment, or None."""
    if server.task_state is not None:
        return 'is busy: %s' % server.task_state
    return None


class HintCache:
    """Which servers have a true hint, for the life of a worker."""

    def __init__(self):
        self._is_marked = {}

    def marked(self, context, uuids):
        """Return those of the uuids whose request had a true hint."""
        if len(self._is_marked) > _MAX_CACHED_HINTS:
            self._is_marked = {}
        # A thread that is reading keeps its dict when another starts anew.
        is_marked = self._is_marked
        unknown = [uuid for uuid in uuids if uuid not in is_marked]
        for batch in _batches(unknown):
            found = dict.fromkeys(batch, False)
            for uuid, spec in _specs_that_mention_it(context, batch):
                found[uuid] = _has_true_hint(spec)
            is_marked.update(found)
        return {uuid for uuid in uuids if is_marked[uuid]}


def rows_on_hosts(cell_context, hosts=None):
    """Return all servers of a cell, for :func:`only_preemptible`.

    :param cell_context: a context targeted at the cell.
    :param hosts: names of hosts, None for all of the cell.
    """
    if hosts is None:
        return _servers_with_marks(cell_context, None)
    return [
        row
        for batch in _batches(sorted(hosts))
        for row in _servers_with_marks(cell_context, batch)
    ]


def only_preemptible(rows, hints, api_context):
    """Return the :class:`PreemptibleServer` values among rows of any cells.

    :param hints: a :class:`HintCache`.
    :param api_context: a context for the API database.
    """
    marked = hints.marked(api_context, [row.uuid for row in rows])
    # By uuid, for nothing keeps nova from having a mark twice.
    servers = {
        row.uuid: PreemptibleServer(*row[: len(_COLUMNS)])
        for row in rows
        if row.uuid in marked
        or (row.marked_flavor and _has_true_flavor(row.marked_flavor))
        or (row.metadata_mark and marks.is_true(row.metadata_mark))
    }
    return list(servers.values())


@main_db.pick_context_manager_reader
def states_of(context, uuids):
    """Return uuid to (vm_state, task_state) of the servers not yet gone."""
    columns = main_models.Instance
    query = context.session.query(
        columns.uuid, columns.vm_state, columns.task_state
    ).filter(columns.uuid.in_(uuids), columns.deleted == 0)
    return {row.uuid: (row.vm_state, row.task_state) for row in query}


_COLUMNS = tuple(
    getattr(main_models.Instance, field.name)
    for field in dataclasses.fields(PreemptibleServer)
)


@main_db.pick_context_manager_reader
def _servers_with_marks(context, hosts):
    """Read all servers on hosts, with what their marks could be."""
    server = main_models.Instance
    extra = main_models.InstanceExtra
    metadata = main_models.InstanceSystemMetadata
    mentions_it = extra.flavor.like('%"' + marks.FLAVOR_EXTRA_SPEC + '"%')
    query = (
        context.session.query(
            *_COLUMNS,
            sa.case((mentions_it, extra.flavor)).label('marked_flavor'),
            metadata.value.label('metadata_mark'),
        )
        .outerjoin(
            extra,
            sa.and_(extra.instance_uuid == server.uuid, extra.deleted == 0),
        )
        .outerjoin(
            metadata,
            sa.and_(
                metadata.instance_uuid == server.uuid,
                metadata.key == marks.SYSTEM_METADATA_KEY,
                metadata.deleted == 0,
            ),
        )
        .filter(server.deleted == 0)
    )
    if hosts is None:
        query = query.filter(server.host.isnot(None))
    else:
        query = query.filter(server.host.in_(hosts))
    return query.all()


@api_db.context_manager.reader
def _specs_that_mention_it(context, uuids):
    spec = api_models.RequestSpec
    return (
        context.session.query(spec.instance_uuid, spec.spec)
        .filter(
            spec.instance_uuid.in_(uuids),
            spec.spec.like('%"' + marks.HINT + '"%'),
        )
        .all()
    )


def _has_true_hint(spec):
    # NOTE: nova/objects/request_spec.py saves the serialized object.
    hints = json.loads(spec)['nova_object.data'].get('scheduler_hints')
    return marks.hint_is_true((hints or {}).get(marks.HINT))


def _has_true_flavor(flavors):
    # NOTE: nova/objects/instance.py keeps the current, old and new flavor.
    current = json.loads(flavors)['cur']['nova_object.data']
    extra_specs = current.get('extra_specs') or {}
    return marks.is_true(extra_specs.get(marks.FLAVOR_EXTRA_SPEC))


def _batches(items):
    return (
        items[start : start + _BATCH] for start in range(0, len(items), _BATCH)
    )
