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
"""Reads which servers are preemptible, for a whole page at once.

There is one query to the API database and one to each cell, and one more for
the hints of servers not seen before.  There is never a query for each server.
"""

import dataclasses
import json

from nova import context as nova_context
from nova import objects
from nova.db.api import api as api_db
from nova.db.api import models as api_models
from nova.db.main import models as main_models

from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import marks

_hints = marks.HintCache()


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """What nova's databases say of a server.

    :ivar is_deleted: whether only its records are left.
    :ivar has_mark: whether it is marked for life, by its hint or its system
        metadata.
    :ivar has_flavor_mark: whether its flavor makes it preemptible; None
        where the server's cell did not answer.
    """

    uuid: str
    project_id: str
    user_id: str
    is_deleted: bool
    has_mark: bool
    has_flavor_mark: bool | None

    @property
    def is_preemptible(self):
        """True or False, or None where it is not known."""
        if self.has_flavor_mark is None:
            return None
        return self.has_flavor_mark or self.has_mark


def find(uuids):
    """Return uuid to :class:`Server` of those servers that nova knows.

    Deleted servers included, as long as their rows are there.

    :raises oslo_db.exception.DBError: when the API database does not answer.
    """
    found, left = _find(list(uuids))
    if left:
        # nova has put them into their cells between the queries.
        found.update(_find(left)[0])
    return found


def _find(uuids):
    """Return what :func:`find` does, and the servers that were nowhere."""
    context = nova_context.get_admin_context()
    mappings = [
        mapping
        for batch in marks.batches(uuids)
        for mapping in _mappings(context, batch)
    ]
    known = [mapping.instance_uuid for mapping in mappings]
    hinted = _hints.marked(context, known)
    rows = _rows_in_cells(context, mappings)
    in_no_cell = [m.instance_uuid for m in mappings if m.cell_id is None]
    building = _building(context, in_no_cell)
    servers = {
        mapping.instance_uuid: _server(mapping, hinted, rows, building)
        for mapping in mappings
    }
    return servers, [uuid for uuid in in_no_cell if uuid not in building]


def preemptible_in_cell(context, uuids, scope=None):
    """Return which of some servers of a cell are preemptible.

    :param context: a context targeted at the cell.
    :param scope: conditions that all of the servers meet, to read many at
        once; None to read each by its uuid.
    :raises oslo_db.exception.DBError: when the API database does not answer.
    """
    server = main_models.Instance
    scopes = (
        [[server.uuid.in_(batch)] for batch in marks.batches(uuids)]
        if scope is None
        else [scope]
    )
    by_cell = {
        row.uuid
        for conditions in scopes
        for row in marks.read_servers(context, (server.uuid,), *conditions)
        if marks.has_flavor_mark(row) or marks.has_metadata_mark(row)
    }
    return by_cell | _hints.marked(nova_context.get_admin_context(), uuids)


def image_property(uuid, name):
    """Return a property of the image that a server was built from, or None.

    None as well if its cell does not answer.
    """
    mapping = objects.InstanceMapping.get_by_instance_uuid(
        nova_context.get_admin_context(), uuid
    )
    if mapping.cell_mapping is None:
        return None
    answers, _silent = cells.ask(
        [mapping.cell_mapping],
        # NOTE: nova/utils.py keeps properties of images like this.
        lambda context: marks.system_metadata(context, uuid, 'image_' + name),
    )
    return next(iter(answers.values()), None)


def _server(mapping, hinted, rows, building):
    uuid = mapping.instance_uuid
    row = rows.get(uuid)
    has_mark = uuid in hinted
    has_flavor_mark = building.get(uuid)
    if row is not None:
        has_flavor_mark = marks.has_flavor_mark(row)
        has_mark = has_mark or marks.has_metadata_mark(row)
    return Server(
        uuid,
        mapping.project_id,
        mapping.user_id,
        bool(row and row.deleted),
        has_mark,
        has_flavor_mark,
    )


@api_db.context_manager.reader
def _mappings(context, uuids):
    mapping = api_models.InstanceMapping
    return (
        context.session.query(
            mapping.instance_uuid,
            mapping.cell_id,
            mapping.project_id,
            mapping.user_id,
        )
        .filter(mapping.instance_uuid.in_(uuids))
        .all()
    )


def _rows_in_cells(context, mappings):
    """Return uuid to row of the servers whose cells answered.

    Rows of deleted servers are among them.
    """
    uuids_by_cell = {}
    for mapping in mappings:
        if mapping.cell_id is not None:
            uuids_by_cell.setdefault(mapping.cell_id, []).append(
                mapping.instance_uuid
            )
    if not uuids_by_cell:
        return {}
    mapped = [
        cell
        for cell in objects.CellMappingList.get_all(context)
        if cell.id in uuids_by_cell
    ]
    uuids = {cell.uuid: uuids_by_cell[cell.id] for cell in mapped}
    server = main_models.Instance

    def read(cell_context):
        return [
            row
            for batch in marks.batches(uuids[cell_context.cell_uuid])
            for row in marks.read_servers(
                cell_context,
                (server.uuid, server.deleted),
                server.uuid.in_(batch),
            )
        ]

    answers, _silent = cells.ask(mapped, read)
    return {row.uuid: row for rows in answers.values() for row in rows}


def _building(context, uuids):
    """Return uuid to whether the flavor marks it, of servers in no cell."""
    return {
        row.instance_uuid: marks.flavor_is_marked(
            # NOTE: nova/objects/build_request.py saves the serialized object.
            json.loads(row.instance)['nova_object.data']['flavor']
        )
        for batch in marks.batches(uuids)
        for row in _build_requests(context, batch)
    }


@api_db.context_manager.reader
def _build_requests(context, uuids):
    request = api_models.BuildRequest
    return (
        context.session.query(request.instance_uuid, request.instance)
        .filter(request.instance_uuid.in_(uuids))
        .all()
    )
