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

"""Which hosts nova's filters refuse, whatever victims go.

A host may pass if it does with its victims gone, or as it is, because some
filters ask for a server that must stay.  A host that would pass only in
between, because two filters want opposite things, is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
import copy

from nova import objects

from opie.scheduler import host_manager as host_managers
from opie.scheduler.planning import inputs

_Without = Callable[[str], host_managers.HostState]


def why_unfit(
    worker: inputs.Worker,
    spec: objects.RequestSpec,
    states: Mapping[str, host_managers.HostState],
    without_victims: _Without,
    as_it_is: _Without,
) -> dict[str, str]:
    """Return provider to reason, of the hosts that cannot pass.

    :param states: provider to state.
    :param without_victims: returns a copy of a provider's state without any
        server that may go.
    :param as_it_is: returns a copy with all servers.
    """
    manager = worker.host_manager
    passing, filters = manager.filter_hosts(
        [without_victims(uuid) for uuid in states], spec
    )
    kept = {state.uuid for state in passing}
    refused: dict[str, list[str]] = {}
    for uuid, state in states.items():
        if uuid not in kept:
            reason = filters[state.host, state.nodename]
            refused.setdefault(reason, []).append(uuid)
    for reason, uuids in refused.items():
        as_is, _ = _asking_first(manager, reason).filter_hosts(
            [as_it_is(uuid) for uuid in uuids], spec
        )
        kept |= {state.uuid for state in as_is}
    reasons = {}
    for uuid, state in states.items():
        if uuid not in kept:
            reasons[uuid] = filters[state.host, state.nodename]
        elif not worker.servicegroup.service_is_up(state.service):
            reasons[uuid] = 'its compute service is down'
    return reasons


def _asking_first(
    manager: host_managers.HostManager, name: str
) -> host_managers.HostManager:
    """Return a host manager that asks one filter before the others.

    Most often it refuses the hosts again, and the others need not be asked.

    :param name: of the filter's class.
    """
    own = copy.copy(manager)
    own.enabled_filters = sorted(
        manager.enabled_filters, key=lambda one: type(one).__name__ != name
    )
    return own
