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

"""Host states that note what filters read of that which victims change.

Most of nova's filters look at what a host is, and not at who is on it.  Such a
filter gives the same answer with any servers gone.  A thin state has what
lasts, and makes the rest when a filter reads it.  So it costs little, and
shows whether an answer could have been another one without these victims.
"""

from __future__ import annotations

from collections.abc import Callable
import typing

from opie.scheduler import host_state

# NOTE: of nova/scheduler/host_manager.py.  No server that comes or goes
# changes these.  What is not listed here counts as changed.
LASTING = (
    '_lock_name',
    'aggregates',
    'cell_uuid',
    'cpu_allocation_ratio',
    'cpu_info',
    'disk_allocation_ratio',
    'failed_builds',
    'host',
    'host_ip',
    'hypervisor_hostname',
    'hypervisor_type',
    'hypervisor_version',
    'metrics',
    'nodename',
    'ram_allocation_ratio',
    'service',
    'stats',
    'supported_instances',
    'total_usable_disk_gb',
    'total_usable_ram_mb',
    'uuid',
    'vcpus_total',
)


class ThinState(host_state.HostState):
    """A host's state as if servers were gone, made as far as it is read.

    :ivar read: the names of what was read of that which victims change.
    """

    def __init__(
        self,
        state: host_state.HostState,
        make: Callable[[], host_state.HostState],
    ) -> None:
        """Have what lasts.

        :param state: the host as it is.
        :param make: returns the copy of it from which the servers are gone.
        """
        known = state.__dict__
        self.__dict__.update(
            {name: known[name] for name in LASTING if name in known}
        )
        self._state = state
        self._make = make
        self._made: host_state.HostState | None = None
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> typing.Any:
        # Python calls this for what is not there yet.
        if name.startswith('_') or not hasattr(self._state, name):
            raise AttributeError(name)
        self.read.add(name)
        value = getattr(self._whole(), name)
        setattr(self, name, value)
        return value

    def __repr__(self) -> str:
        # What is only logged is not read.
        return '(%s, %s)' % (self.host, self.nodename)

    def whole(self) -> host_state.HostState:
        """Return the whole state, of which all counts as read then."""
        self.read |= vars(self._state).keys()
        return self._whole()

    def _whole(self) -> host_state.HostState:
        if self._made is None:
            self._made = self._make()
        return self._made
