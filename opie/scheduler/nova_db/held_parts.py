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

"""Reads what servers have of the NUMA cells and PCI devices of their hosts."""

from __future__ import annotations

from collections.abc import Collection
import json
import typing

from nova import context as nova_context
from nova import objects
from nova.compute import vm_states
from nova.db.main import api as main_db
from nova.db.main import models as main_models
from nova.objects import fields

from opie.scheduler import host_parts
from opie.scheduler.nova_db import marks

# (host, node) as nova names them.
_Place = tuple[str, str]

_STATES = fields.PciDeviceStatus
_IN_USE = (_STATES.CLAIMED, _STATES.ALLOCATED)
_BLOCKED = (_STATES.UNCLAIMABLE, _STATES.UNAVAILABLE)
# NOTE: of nova/pci/request.py.
_REMOTE_MANAGED = 'remote_managed'
# NOTE: nova/compute/pci_placement_translator.py notes it, where placement
# tracks the device.
_PROVIDER = 'rp_uuid'
# NOTE: what nova/pci/stats.py does not look for in a pool.
_NOT_OF_POOLS = ('resource_class', 'traits', 'rp_uuids')


def topologies(
    context: nova_context.RequestContext, hosts: Collection[str]
) -> dict[_Place, dict[str, objects.InstanceNUMATopology]]:
    """Return place to server's uuid to its NUMA topology, on some hosts.

    :param context: a context targeted at the cell of the hosts.
    """
    found: dict[_Place, dict[str, objects.InstanceNUMATopology]] = {}
    for row in _rows(context, hosts, _topology_rows):
        primitive = json.loads(row.numa_topology)
        # What nova wrote before it had objects stays in use.
        if 'nova_object.name' in primitive:
            of_place = found.setdefault((row.host, row.node), {})
            of_place[row.uuid] = (
                objects.InstanceNUMATopology.obj_from_primitive(primitive)
            )
    return found


def devices(
    context: nova_context.RequestContext, hosts: Collection[str]
) -> dict[_Place, list[host_parts.Device]]:
    """Return place to the PCI devices there that no server can get.

    :param context: a context targeted at the cell of the hosts.
    """
    found: dict[_Place, list[host_parts.Device]] = {}
    for row in _rows(context, hosts, _device_rows):
        place = row.host, row.hypervisor_hostname
        found.setdefault(place, []).append(_device_of(row))
    return found


def _rows(
    context: nova_context.RequestContext,
    hosts: Collection[str],
    read: typing.Any,
) -> list[typing.Any]:
    return [
        row
        for batch in marks.batches(sorted(hosts))
        for row in read(context, batch)
    ]


@main_db.pick_context_manager_reader
def _topology_rows(
    context: nova_context.RequestContext, hosts: Collection[str]
) -> list[typing.Any]:
    # NOTE: nova/db/main/models.py has an index of a server's host, and one of
    # the uuid in instance_extra.  nova/compute/manager.py frees what a server
    # takes as soon as the guest is gone and the state is DELETED.
    server, extra = main_models.Instance, main_models.InstanceExtra
    query = context.session.query(
        server.uuid, server.host, server.node, extra.numa_topology
    ).join(extra, extra.instance_uuid == server.uuid)
    return query.filter(
        server.deleted == 0,
        server.vm_state != vm_states.DELETED,
        server.host.in_(hosts),
        extra.numa_topology.isnot(None),
    ).all()


@main_db.pick_context_manager_reader
def _device_rows(
    context: nova_context.RequestContext, hosts: Collection[str]
) -> list[typing.Any]:
    # NOTE: nova/db/main/models.py has an index of a node's host, and one of
    # the node in pci_devices.
    node, device = main_models.ComputeNode, main_models.PciDevice
    extra = main_models.InstanceExtra
    query = (
        context.session.query(
            node.host,
            node.hypervisor_hostname,
            device.status,
            device.instance_uuid,
            device.request_id,
            device.address,
            device.parent_addr,
            device.vendor_id,
            device.product_id,
            device.dev_type,
            device.numa_node,
            device.extra_info,
            extra.pci_requests,
        )
        .join(device, device.compute_node_id == node.id)
        .outerjoin(extra, extra.instance_uuid == device.instance_uuid)
    )
    return query.filter(
        node.deleted == 0,
        node.host.in_(hosts),
        device.deleted == 0,
        device.status.in_(_IN_USE + _BLOCKED),
    ).all()


def _device_of(row: typing.Any) -> host_parts.Device:
    is_in_use = row.status in _IN_USE
    return host_parts.Device(
        row.instance_uuid if is_in_use else None,
        row.address,
        row.parent_addr,
        row.vendor_id,
        row.product_id,
        row.dev_type,
        row.numa_node,
        _tags_of(row),
    )


def _tags_of(row: typing.Any) -> tuple[tuple[str, str], ...]:
    """Return what the device's pool says of it, as its server asked for it.

    Only the configuration of the compute tells all of that.  nova gives a
    server no device that is remote managed unless the server asks for it.
    """
    asked: dict[str, str] = {}
    for request in json.loads(row.pci_requests or '[]'):
        # Where a request names several sorts, it does not tell which it is.
        if request['request_id'] == row.request_id and (
            len(request['spec']) == 1
        ):
            asked = request['spec'][0]
    tags = {
        name: value
        for name, value in asked.items()
        if name not in _NOT_OF_POOLS
    }
    tags.setdefault(_REMOTE_MANAGED, 'false')
    if row.extra_info and _PROVIDER in row.extra_info:
        tags[_PROVIDER] = json.loads(row.extra_info)[_PROVIDER]
    return tuple(sorted(tags.items()))
