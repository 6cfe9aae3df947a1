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

"""Where servers are by nova's records: before their first host, or on one.

NOTE: nova/conductor/manager.py makes a server's record without a host, tells
its cell, and destroys the build request, in this order.  nova/compute/
manager.py notes the host in the record a moment later.  So a server without a
build request may be on its way to its host as well.
"""

from __future__ import annotations

from collections.abc import Collection
import json
import typing

from nova import context as nova_context
from nova import objects
from nova.compute import vm_states
from nova.db.api import api as api_db
from nova.db.api import models as api_models
from nova.db.main import api as main_db
from nova.db.main import models as main_models
import sqlalchemy as sa

from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import instances


class Whereabouts(typing.NamedTuple):
    """Where some servers are.

    :ivar without_host: uuids of those that are to be built, and of which nova
        has no record with a host yet.
    :ivar hosts: uuid to the host of those that have one.  Servers that were
        deleted, or have found no host, are in neither.
    """

    without_host: frozenset[str]
    hosts: dict[str, str]


def find(
    context: nova_context.RequestContext, servers: Collection[str]
) -> Whereabouts:
    """Find servers.

    :param servers: their uuids.
    :raises errors.SilentCells: if a cell does not answer.
    """
    if not servers:
        return Whereabouts(frozenset(), {})
    waiting = _with_build_request(context, servers)
    hosts = _hosts_by_record(context, set(servers) - waiting)
    return Whereabouts(
        waiting | {uuid for uuid, host in hosts.items() if host is None},
        {uuid: host for uuid, host in hosts.items() if host is not None},
    )


@api_db.context_manager.reader
def _with_build_request(
    context: nova_context.RequestContext, servers: Collection[str]
) -> frozenset[str]:
    build = api_models.BuildRequest
    query = context.session.query(build.instance_uuid)
    rows = query.filter(build.instance_uuid.in_(servers)).all()
    return frozenset(row.instance_uuid for row in rows)


def _hosts_by_record(
    context: nova_context.RequestContext, servers: Collection[str]
) -> dict[str, str | None]:
    """Return uuid to host, None for a server on its way to its host."""
    mappings: dict[str, objects.CellMapping] = {}
    in_cell: dict[str, list[str]] = {}
    for uuid, cell in instances.cells_of(context, servers).items():
        # cell0 has the servers that have found no host.
        if not cell.is_cell0():
            mappings[cell.uuid] = cell
            in_cell.setdefault(cell.uuid, []).append(uuid)
    answers, silent = cells.ask(
        mappings.values(),
        lambda context: _hosts_in_cell(context, in_cell[context.cell_uuid]),
    )
    cells.check_all_answered(silent)
    return {
        uuid: host
        for hosts in answers.values()
        for uuid, host in hosts.items()
    }


@main_db.pick_context_manager_reader
def _hosts_in_cell(
    cell_context: nova_context.RequestContext, servers: Collection[str]
) -> dict[str, str | None]:
    server = main_models.Instance
    query = cell_context.session.query(server.uuid, server.host).filter(
        server.uuid.in_(servers),
        server.deleted == 0,
        sa.or_(server.host.isnot(None), server.vm_state == vm_states.BUILDING),
    )
    return {row.uuid: row.host for row in query}


@api_db.context_manager.reader
def specs_of(
    context: nova_context.RequestContext, servers: Collection[str]
) -> dict[str, objects.RequestSpec]:
    """Return uuid to what a server was asked for with.

    That is a RequestSpec of the flavor, the NUMA topology and the PCI devices
    alone.  This is a column query, because nova's RequestSpec reads the server
    group of each server as well.
    """
    spec = api_models.RequestSpec
    query = context.session.query(spec.instance_uuid, spec.spec)
    rows = query.filter(spec.instance_uuid.in_(servers)).all()
    return {row.instance_uuid: _spec_of(row.spec) for row in rows}


def _spec_of(serialized_spec: str) -> objects.RequestSpec:
    # NOTE: nova/objects/request_spec.py saves the serialized object.
    data = json.loads(serialized_spec)['nova_object.data']
    parts = {
        name: cls.obj_from_primitive(data[name]) if data.get(name) else None
        for name, cls in (
            ('flavor', objects.Flavor),
            ('numa_topology', objects.InstanceNUMATopology),
            ('pci_requests', objects.InstancePCIRequests),
        )
    }
    return objects.RequestSpec(**parts)
