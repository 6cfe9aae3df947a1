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

"""Where else a request could go that has got its room, at no server's cost.

nova's conductor tries a build again on an alternate, and a resize or a cold
migration likewise.  Pass 1 has found no room, but other servers may have gone
while victims went, and of several servers some may have had room.  nova is
asked as in pass 1, so that no alternate needs an eviction.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import copy
import typing

from nova import context as nova_context
from nova import objects
import nova.conf
from nova.scheduler import manager as managers
from nova.scheduler import utils as scheduler_utils
from oslo_log import log as logging

if typing.TYPE_CHECKING:
    from opie.scheduler.preempting import attempt as attempts

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

_Candidates = Mapping[str, list[typing.Any]]


def find(
    manager: managers.SchedulerManager,
    context: nova_context.RequestContext,
    attempt: attempts.Attempt,
) -> dict[str, list[objects.Selection]]:
    """Return the alternates of an attempt that was carried out.

    :returns: uuid of a cell to as many Selections as nova would name at the
        most, the best first; empty if they cannot be found.
    """
    found: dict[str, list[objects.Selection]] = {}
    most = CONF.scheduler.max_attempts - 1
    try:
        for selection in _all(manager, context, attempt) if most else ():
            of_cell = found.setdefault(selection.cell_uuid, [])
            if len(of_cell) < most:
                of_cell.append(selection)
    except Exception:
        # The room is made, and it is enough for the request.
        LOG.exception('Cannot find alternates.')
        return {}
    return found


def _all(
    manager: managers.SchedulerManager,
    context: nova_context.RequestContext,
    attempt: attempts.Attempt,
) -> Iterator[objects.Selection]:
    """Yield a Selection for each host with room, but for nominated ones."""
    # NOTE: as nova/scheduler/manager.py does, step by step.
    spec = attempt.shot.spec.obj_clone()
    resources = scheduler_utils.resources_from_request_spec(
        context, spec, manager.host_manager
    )
    answer = manager.placement_client.get_allocation_candidates(
        context, resources
    )
    requests, summaries, version = answer or (None, None, None)
    candidates = _by_provider(requests or ())
    others = {
        provider: summary
        for provider, summary in (summaries or {}).items()
        if provider in candidates and provider not in attempt.providers
    }
    if not others:
        return
    states = list(
        manager._get_all_host_states(context.elevated(), spec, others)
    )
    for state in states:
        state.allocation_candidates = copy.deepcopy(candidates[state.uuid])
    for state in manager._get_sorted_hosts(spec, states, 0):
        if state.allocation_candidates:
            yield objects.Selection.from_host_state(
                state,
                allocation_request=state.allocation_candidates[0],
                allocation_request_version=version,
            )


def _by_provider(requests: Iterable[typing.Any]) -> _Candidates:
    """Return provider to the allocation requests that name it."""
    found: dict[str, list[typing.Any]] = {}
    for request in requests:
        for provider in request['allocations']:
            found.setdefault(provider, []).append(request)
    return found
