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
from collections.abc import Iterable
from collections.abc import Mapping
import copy
import functools
import typing

from nova import objects

from opie.scheduler import host_manager as host_managers
from opie.scheduler import host_state
from opie.scheduler.planning import inputs
from opie.scheduler.planning import thin_states

_States = Mapping[str, host_state.HostState]
_Without = Callable[[str], host_state.HostState]
_Candidates = Callable[[str], list[dict[str, typing.Any]]]


class _WithoutSome(typing.Protocol):
    def __call__(self, uuid: str, number: int) -> host_state.HostState: ...


# Of what victims change, the one thing that only their number changes.
_NUMBER = frozenset(['num_instances'])


def why_unfit(
    worker: inputs.Worker,
    spec: objects.RequestSpec,
    states: _States,
    candidates_of: _Candidates,
    without_victims: _Without,
    as_it_is: _Without,
    first: str = '',
) -> dict[str, str]:
    """Return provider to reason, of the hosts that cannot pass.

    The reason is the name of the first filter that refuses a host.

    :param states: provider to state.
    :param candidates_of: returns what placement would list as the candidates
        of a provider; some of nova's filters choose among them.
    :param without_victims: returns a copy of a provider's state without any
        server that may go.
    :param as_it_is: returns a copy with all servers.
    :param first: the name of the filter to ask first.
    """
    manager = _asking_first(worker.host_manager, first)
    asked = functools.partial(_with_candidates, candidates_of)
    thin = _thin(states, states, asked(without_victims))
    passing, filters = manager.filter_hosts(thin.values(), spec)
    kept = {state.uuid for state in passing}
    refused: dict[str, list[str]] = {}
    for uuid, state in states.items():
        # What reads nothing that victims change refuses the host as it is.
        if uuid not in kept and thin[uuid].read:
            reason = filters[state.host, state.nodename]
            refused.setdefault(reason, []).append(uuid)
    for reason, uuids in refused.items():
        as_is, _ = _asking_first(manager, reason).filter_hosts(
            _thin(uuids, states, asked(as_it_is)).values(), spec
        )
        kept |= {state.uuid for state in as_is}
    reasons = {}
    for uuid, state in states.items():
        if uuid not in kept:
            reasons[uuid] = filters[state.host, state.nodename]
        elif not worker.servicegroup.service_is_up(state.service):
            reasons[uuid] = 'its compute service is down'
    return reasons


def with_too_few_gone(
    manager: host_managers.HostManager,
    spec: objects.RequestSpec,
    states: _States,
    most: Mapping[str, int],
    without_some: _WithoutSome,
) -> set[str]:
    """Return the providers of hosts that one filter refuses for a number.

    It refuses the host whether none, one or as many servers are gone as may
    be, and looks at nothing but their number, so any others are alike.

    :param states: provider to state.
    :param most: provider to how many servers may be gone, of some hosts.
    :param without_some: returns a copy of a provider's state without so many
        servers.
    """
    thin = _thin(most, states, lambda uuid: without_some(uuid, most[uuid]))
    _, filters = manager.filter_hosts(thin.values(), spec)
    refused: dict[str, set[str]] = {}
    for uuid in most:
        reason = filters.get((states[uuid].host, states[uuid].nodename))
        if reason:
            refused.setdefault(reason, set()).add(uuid)
    found: set[str] = set()
    for reason, left in refused.items():
        alone = _asking_only(manager, reason)
        for number in range(max(most[uuid] for uuid in left) + 1):
            thin = _thin(
                [uuid for uuid in left if most[uuid] >= number],
                states,
                functools.partial(without_some, number=number),
            )
            passing, _ = alone.filter_hosts(thin.values(), spec)
            left -= {state.uuid for state in passing}
            left -= {
                uuid for uuid, state in thin.items() if state.read - _NUMBER
            }
        found |= left
    return found


def _with_candidates(candidates_of: _Candidates, make: _Without) -> _Without:
    """Let a state say what placement would list as its candidates."""

    def asked(uuid: str) -> host_state.HostState:
        state = make(uuid)
        state.allocation_candidates = candidates_of(uuid)
        return state

    return asked


def _thin(
    uuids: Iterable[str], states: _States, make: _Without
) -> dict[str, thin_states.ThinState]:
    """Return provider to thin state, of some hosts."""
    return {
        uuid: thin_states.ThinState(
            states[uuid], functools.partial(make, uuid)
        )
        for uuid in uuids
    }


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


def _asking_only(
    manager: host_managers.HostManager, name: str
) -> host_managers.HostManager:
    """Return a host manager that asks one filter."""
    own = copy.copy(manager)
    own.enabled_filters = [
        one for one in manager.enabled_filters if type(one).__name__ == name
    ]
    return own
