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

"""How nova's filters are asked, so that their reasons are kept."""

from __future__ import annotations

from collections.abc import Iterator
import typing

from nova import objects
from nova.scheduler.filters import numa_topology_filter
from nova.scheduler.filters import pci_passthrough_filter

from opie.scheduler import host_parts


class HandlerWithReasons:
    """Stands in for nova's HostFilterHandler, and keeps each host's reason.

    nova's handler logs at INFO whenever no host is left, which is no news when
    the filters are asked about one host.
    """

    def __init__(self, reasons):
        self._reasons = reasons

    def get_filtered_objects(self, filters, objs, spec_obj, index=0):
        left = list(objs)
        for one_filter in filters:
            if not is_of_nova(one_filter):
                left = [state.whole() for state in left]
            passed = list(one_filter.filter_all(left, spec_obj) or ())
            kept = {(state.host, state.nodename) for state in passed}
            for state in left:
                if (state.host, state.nodename) not in kept:
                    self._reasons[(state.host, state.nodename)] = type(
                        one_filter
                    ).__name__
            left = passed
        return left


def asked_by_compute(
    host_state: typing.Any, spec_obj: objects.RequestSpec
) -> Iterator[typing.Any]:
    """Return the filters that say whether the compute will accept a server.

    NOTE: nova/compute/claims.py asks the same again, but for the NUMA cells of
    a host that tells of none.
    """
    if host_parts.asked_cells(spec_obj) and host_state.numa_topology:
        yield numa_topology_filter.NUMATopologyFilter()
    if host_parts.asked_devices(spec_obj):
        yield pci_passthrough_filter.PciPassthroughFilter()


def is_of_nova(one_filter: typing.Any) -> bool:
    """Tell whether a filter is one that nova has."""
    return type(one_filter).__module__.startswith('nova.scheduler.filters.')
