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

"""What is checked of a request for a server that moves, before it has a plan.

nova's own scheduling has looked for room already, within the rules of the
move.  Servers are evicted within narrower ones.
"""

from __future__ import annotations

from nova import context as nova_context
from nova import objects
from nova.scheduler import utils as scheduler_utils

from opie.conf import operations
from opie.scheduler import errors
from opie.scheduler import resources
from opie.scheduler import steps
from opie.scheduler.claims import journal
from opie.scheduler.nova_db import hypervisors
from opie.scheduler.nova_db import moves
from opie.scheduler.planning import inputs


def narrow(spec: objects.RequestSpec, moving: moves.Moving) -> None:
    """Leave out hosts for which no server is evicted.

    NOTE: a cold migration to the host that the server is on fails in
    nova/compute/manager.py with most drivers.  A resize to another cell is a
    move of another kind, with a record of the server in either cell.

    :param spec: the request's, before nova's request filters.
    """
    if moving.move.operation == operations.COLD_MIGRATE:
        spec.ignore_hosts = [*(spec.ignore_hosts or ()), moving.server.host]
    if 'requested_destination' not in spec or not spec.requested_destination:
        spec.requested_destination = objects.Destination()
    spec.requested_destination.allow_cross_cell_move = False
    spec.requested_destination.cell = moving.cell


@steps.step('sees whether to preempt')
def check(
    context: nova_context.RequestContext,
    spec: objects.RequestSpec,
    move: moves.Move,
    sources: inputs.Sources,
) -> str | None:
    """Check whether room may be made for a move.

    :param spec: as nova's request filters left it.
    :returns: why no server may be evicted; None if some may.
    :raises errors.NoRoomMade: if not even room that is free may be taken.
    """
    if move.is_held_by_migration:
        assert move.migration
        held = sources.placement.consumer(move.migration).allocations
        if not held:
            raise errors.NoRoomMade(
                'its migration %s does not hold the place that the server has'
                % move.migration
            )
        if move.operation == operations.RESIZE:
            _check_growth(context, spec, held, sources)
    if move.operation == operations.LIVE_MIGRATE:
        return _why_no_more(move, sources)
    return None


@steps.step('sees whether to preempt')
def excluded(moving: moves.Moving) -> dict[str, str]:
    """Return provider to why nova would refuse a move to its host."""
    if moving.move.operation != operations.LIVE_MIGRATE:
        return {}
    context = nova_context.get_admin_context()
    with nova_context.target_cell(context, moving.cell) as cell_context:
        return hypervisors.unfit_ones(
            cell_context, moving.server.host, moving.server.node
        )


def _check_growth(
    context: nova_context.RequestContext,
    spec: objects.RequestSpec,
    held: resources.Allocations,
    sources: inputs.Sources,
) -> None:
    """Check that a resize asks for more of anything than the server has."""
    asked = scheduler_utils.resources_from_request_spec(
        context.elevated(), spec.obj_clone(), sources.worker.host_manager
    )
    has = resources.total(held.values())
    wanted = asked.merged_resources().items()
    if all(amount <= has[name] for name, amount in wanted):
        raise errors.NoRoomMade(
            'the resize asks for no more of anything than the server has'
        )


def _why_no_more(move: moves.Move, sources: inputs.Sources) -> str | None:
    """Return why a live migration may evict no more servers.

    NOTE: nova/conductor/tasks/live_migrate.py asks for another host when one
    does not pass its checks.  The journal of the first one stays as long as
    the migration goes on.
    """
    if any(
        one.move == move and one.began is not None
        for one in journal.in_flight(sources.placement)
    ):
        return (
            'servers were evicted for the migration %s already, for a host '
            'that nova could not use' % move.migration
        )
    return None
