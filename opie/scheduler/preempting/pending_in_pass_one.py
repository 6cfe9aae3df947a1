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

"""Lets pass 1 see pending preemptors, where it looks at who is where.

Only requests with a server group, or with a hint for or against the host of
another server, pay for that: one call to placement.  While there are
preemptions in flight, such a request pays for a few queries as well.  For all
other requests the resources in placement say enough.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable
from collections.abc import Iterator

from nova import context as nova_context
from nova import objects
from oslo_log import log as logging

from opie.scheduler import host_manager as host_managers
from opie.scheduler import host_state
from opie.scheduler import steps
from opie.scheduler.claims import journal
from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.placement import client as placement
from opie.scheduler.planning import companions
from opie.scheduler.planning import pending

LOG = logging.getLogger(__name__)


@steps.step('sees whether to preempt')
def find(
    client: placement.Client,
    context: nova_context.RequestContext,
    spec: objects.RequestSpec,
    host_manager: host_managers.HostManager,
) -> pending.Pending | None:
    """Find the pending companions of a request, before hosts are read.

    The hosts of the request's group, in the spec, become those of today.

    :returns: None if there are none, or if that cannot be seen.
    """
    try:
        if companions.matter_to(spec):
            return _find(client, context, spec, host_manager)
    except Exception:
        # No boot fails because opie is in trouble.
        LOG.exception(
            'Cannot see which preemptors are pending; scheduling without them.'
        )
    return None


def _find(
    client: placement.Client,
    context: nova_context.RequestContext,
    spec: objects.RequestSpec,
    host_manager: host_managers.HostManager,
) -> pending.Pending | None:
    preemptions = journal.in_flight(client)
    if not preemptions:
        return None
    companions.read_members(context, spec)
    wanted = companions.of(spec)
    of_companions = [one for one in preemptions if one.preemptor in wanted]
    nominated = pending.nominated_by(of_companions)
    found = pending.find(context, of_companions)
    # nova's conductor may have read the group's hosts before these had one.
    companions.add_hosts(spec, found.hosts.values())
    if not found.without_host:
        return None
    nodes, _ = compute_nodes.read(host_manager.enabled_cells)
    seen = pending.Pending(
        {preemptor: nominated[preemptor] for preemptor in found.without_host},
        {uuid: node.host for uuid, node in nodes.items()},
        {},
    )
    companions.add_pending(spec, seen)
    return seen


def count(
    states: Iterable[host_state.HostState], seen: pending.Pending
) -> Iterator[host_state.HostState]:
    """Yield host states on which pending preemptors count as servers.

    What the preemptors take is not counted, because placement has counted it.

    NOTE: nova/scheduler/manager.py notes the members of a group that it has
    placed in a state's instances, which other requests share.  So what is
    written goes there, and what is read is both.
    """
    for state in states:
        stubs = {
            preemptor: objects.Instance(uuid=preemptor)
            for preemptor in seen.on(state.uuid)
        }
        if stubs:
            state.instances = collections.ChainMap(state.instances, stubs)
        yield state
