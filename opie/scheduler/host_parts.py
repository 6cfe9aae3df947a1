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

"""What servers take of the NUMA cells and the PCI devices of a host.

nova's record of a host tells what of these is in use, and not by which server.
nova's filters ask what is left of them, so this tells what would be left with
some servers gone.  What is not certain to be free then stays in use.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
import contextlib
import copy
import typing

from nova import exception
from nova import objects
from nova.virt import hardware

_Pool = dict[str, typing.Any]

# NOTE: as nova/pci/stats.py makes the pools of a host.
_SAME_IN_A_POOL = ('vendor_id', 'product_id', 'dev_type', 'numa_node')

_NOT_PINNED = (exception.CPUUnpinningInvalid, exception.CPUUnpinningUnknown)


class Device(typing.NamedTuple):
    """A PCI device that no server can get.

    :ivar server: uuid of the server that has it; None for one that cannot be
        used because a part of it, or what it is a part of, is in use.
    :ivar parent: the address of the physical function that it is a virtual
        function of, or None.
    :ivar tags: what its pool says of it besides, as far as that is known;
        pairs of name and value.
    """

    server: str | None
    address: str
    parent: str | None
    vendor_id: str
    product_id: str
    dev_type: str
    numa_node: int | None
    tags: tuple[tuple[str, str], ...] = ()


class HostParts:
    """What of a host's NUMA cells and PCI devices is in use by which server.

    :param topologies: uuid of a server to its InstanceNUMATopology; None if
        they are not known.  Then all that is in use of any cell may be free
        when servers go.
    :param devices: the devices that are in use, and those which that blocks.
    """

    def __init__(
        self,
        topologies: Mapping[str, objects.InstanceNUMATopology] | None,
        devices: Iterable[Device] = (),
    ) -> None:
        self._topologies = topologies
        self._devices = tuple(devices)

    def but(self, gone: Collection[str]) -> HostParts:
        """Return the same without some servers, whose parts are free now."""
        topologies = self._topologies
        if topologies:
            topologies = {
                uuid: topology
                for uuid, topology in topologies.items()
                if uuid not in gone
            }
        freed = set(self._freed(gone))
        return HostParts(
            topologies, (one for one in self._devices if one not in freed)
        )

    def cells_without(
        self, cells: objects.NUMATopology | None, gone: Collection[str]
    ) -> objects.NUMATopology | None:
        """Return a host's NUMA topology as it would be without some servers.

        :param cells: the topology as it is, which is not changed.
        """
        if cells is None:
            return None
        if self._topologies is None:
            return _all_free(cells)
        freed = [
            self._topologies[uuid]
            for uuid in sorted(self._topologies.keys() & set(gone))
        ]
        try:
            # All at once, because each call copies the host's topology.
            return _freed(cells, *freed)
        except _NOT_PINNED:
            # A server whose CPUs are not pinned by the host's record has come
            # since, or has been gone since.
            for topology in freed:
                with contextlib.suppress(*_NOT_PINNED):
                    cells = _freed(cells, topology)
        return cells

    def pools_without(
        self, stats: typing.Any, gone: Collection[str]
    ) -> typing.Any:
        """Return a host's PciDeviceStats as they would be without servers.

        :param stats: the statistics as they are, which are not changed; None
            for a host without any.
        """
        freed = self._freed(gone)
        if stats is None or not freed:
            return stats
        stats = with_own_pools(stats)
        for device in freed:
            _add(stats.pools, device)
        # NOTE: nova/pci/stats.py prefers pools that say less.
        stats.pools.sort(key=len)
        return stats

    def _freed(self, gone: Collection[str]) -> list[Device]:
        """Return the devices that are free when servers are gone."""
        freed = [one for one in self._devices if one.server in gone]
        parents = {one.parent for one in freed} - {None}
        if parents:
            kept = {
                one.parent for one in self._devices if one.server not in gone
            }
            freed += [
                one
                for one in self._devices
                if one.server is None and one.address in parents - kept
            ]
        return freed


def are_asked_for(spec: objects.RequestSpec) -> bool:
    """Tell whether a request asks for NUMA cells or PCI devices."""
    return bool(asked_cells(spec) or asked_devices(spec))


def asked_cells(
    spec: objects.RequestSpec,
) -> objects.InstanceNUMATopology | None:
    """Return the NUMA topology that a request asks for."""
    return spec.numa_topology if 'numa_topology' in spec else None


def asked_devices(spec: objects.RequestSpec) -> list[typing.Any]:
    """Return the PCI devices that a request asks for."""
    asked = spec.pci_requests if 'pci_requests' in spec else None
    return asked.requests if asked else []


def mapped(
    spec: objects.RequestSpec, mappings: Mapping[str, list[str]] | None
) -> objects.RequestSpec:
    """Return a copy of a RequestSpec that says which providers serve it.

    NOTE: as nova/scheduler/manager.py tells before it counts a server.

    :param mappings: request group to providers; None if that is not known.
    """
    copied = spec.obj_clone()
    if 'requested_resources' in copied and mappings is None:
        copied.requested_resources = None
    elif 'requested_resources' in copied:
        for group in copied.requested_resources or ():
            group.provider_uuids = (mappings or {})[group.requester_id]
    return copied


def with_devices_of(
    spec: objects.RequestSpec, units: Mapping[str, int] | None
) -> objects.RequestSpec:
    """Return a copy of a saved RequestSpec whose PCI devices are known.

    NOTE: nova/pci/stats.py reads them from there where no request group tells
    them, and nova does not save the groups.

    :param units: provider to how many units of it the server holds, below the
        root; None or empty if it holds none.  A unit need not be a device: of
        bandwidth a server holds millions.
    """
    if not units or not spec.pci_requests:
        return spec
    copied = spec.obj_clone()
    most = sum(request.count for request in copied.pci_requests.requests)
    providers = ','.join(
        provider
        for provider, number in units.items()
        for _ in range(min(number, most))
    )
    for request in copied.pci_requests.requests:
        request.spec = [{**one, 'rp_uuids': providers} for one in request.spec]
    return copied


def limits(
    host_state: typing.Any, spec_obj: objects.RequestSpec
) -> objects.NUMATopologyLimits:
    """Return up to where a host's NUMA cells may be used.

    NOTE: as nova/scheduler/filters/numa_topology_filter.py tells the compute.
    """
    found = objects.NUMATopologyLimits(
        cpu_allocation_ratio=host_state.cpu_allocation_ratio,
        ram_allocation_ratio=host_state.ram_allocation_ratio,
    )
    if 'network_metadata' in spec_obj and spec_obj.network_metadata:
        found.network_metadata = spec_obj.network_metadata
    return found


def with_own_pools(stats: typing.Any) -> typing.Any:
    """Return a copy of PciDeviceStats whose pools can be changed.

    A host without any has none.
    """
    if stats is None:
        return None
    own = copy.copy(stats)
    own.pools = [dict(pool) for pool in stats.pools]
    return own


def _freed(
    cells: objects.NUMATopology, *topologies: objects.InstanceNUMATopology
) -> objects.NUMATopology:
    """Return a host's NUMA topology without what some servers take."""
    if not topologies:
        return cells
    whole = objects.InstanceNUMATopology(
        cells=[cell for topology in topologies for cell in topology.cells]
    )
    return hardware.numa_usage_from_instance_numa(cells, whole, free=True)


def _add(pools: list[_Pool], device: Device) -> None:
    """Add a device to the pool that it belongs to.

    The compute takes an empty pool away, so there may be none.
    """
    address = device.parent or device.address
    wanted = {name: getattr(device, name) for name in _SAME_IN_A_POOL}
    for pool in pools:
        # NOTE: a pool without an address is of a compute before nova 27.
        if pool.get('address') == address and wanted.items() <= pool.items():
            pool['count'] += 1
            return
    pools.append(
        {**dict(device.tags), **wanted, 'address': address, 'count': 1}
    )


def _all_free(cells: objects.NUMATopology) -> objects.NUMATopology:
    """Return a host's NUMA topology as it would be without any server."""
    copied = cells.obj_clone()
    for cell in copied.cells:
        cell.cpu_usage = cell.memory_usage = 0
        cell.pinned_cpus = set()
        for pages in cell.mempages:
            pages.used = 0
    return copied
