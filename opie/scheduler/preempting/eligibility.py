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

"""Which requests may preempt: boots and moves of servers that are normal.

Both come through the same call of the scheduler.  Only a boot has build
requests, and nova's records tell which move of a server is under way; see
nova_db/moves.py.  A rebuild says itself that it is one.
"""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses

from nova import context as nova_context
from nova import exception
from nova import objects
import nova.conf

from opie import policy
from opie.conf import operations
from opie.conf import policies
from opie.preemption import marks
from opie.scheduler import errors
from opie.scheduler import steps
from opie.scheduler.nova_db import moves

CONF = nova.conf.CONF


@dataclasses.dataclass(frozen=True)
class Preemptors:
    """The servers of a request that may preempt.

    :ivar uuids: in order.
    :ivar moving: the move of the one server; None for a boot.
    """

    uuids: Sequence[str]
    moving: moves.Moving | None = None

    @property
    def operation(self) -> str:
        """Which of conf/operations.py the request is part of."""
        return self.moving.move.operation if self.moving else operations.BOOT


def may_preempt(
    spec: objects.RequestSpec, uuids: Sequence[str], return_objects: bool
) -> bool:
    """Tell, without asking any database, whether a request could preempt."""
    return bool(
        uuids
        and return_objects
        and isinstance(spec, objects.RequestSpec)
        and not _hints(spec).get('_nova_check_type')
        and not _is_marked(spec)
    )


def requester_of(
    context: nova_context.RequestContext, spec: objects.RequestSpec
) -> tuple[str, str]:
    """Return (project id, user id) of the preemptors of a request."""
    # NOTE: as nova/scheduler/utils.py, for specs older than Rocky.
    has_user_id = 'user_id' in spec and spec.user_id
    return spec.project_id, spec.user_id if has_user_id else context.user_id


def check_policy(
    context: nova_context.RequestContext, spec: objects.RequestSpec
) -> None:
    """Check that the policy lets the requester preempt.

    :raises errors.NoRoomMade: naming the rule.
    """
    project_id, user_id = requester_of(context, spec)
    if not policy.allows(policies.PREEMPT, context, project_id, user_id):
        raise errors.NoRoomMade(
            'policy %s does not allow it to project %s'
            % (policies.PREEMPT, project_id)
        )


@steps.step('sees whether to preempt')
def preemptors(
    context: nova_context.RequestContext, uuids: Sequence[str]
) -> Preemptors | None:
    """Return those of a request's servers that wait for a host.

    The others were deleted since the request was made.

    :returns: None if there are none, if nova's records do not tell what they
        wait for, or if they are preemptible.
    """
    mappings = objects.InstanceMappingList.get_by_instance_uuids(
        context, list(uuids)
    )
    cells = [one.cell_mapping for one in mappings if one.cell_mapping]
    if cells:
        return _moved(context, uuids, cells)
    builds = {uuid: _build(context, uuid) for uuid in uuids}
    if any(build and _has_mark(build.instance) for build in builds.values()):
        return None
    waiting = [uuid for uuid in uuids if builds[uuid]]
    return Preemptors(waiting) if waiting else None


def _moved(
    context: nova_context.RequestContext,
    uuids: Sequence[str],
    cells: Sequence[objects.CellMapping],
) -> Preemptors | None:
    # nova moves one server at a time.
    if len(uuids) > 1 or cells[0].is_cell0():
        return None
    moving = moves.find(context.elevated(), cells[0], uuids[0])
    if moving is None or _has_mark(moving.server):
        return None
    # The flavor that it has: the request may be for another one.
    if marks.is_marked(extra_specs=moving.server.flavor.extra_specs):
        return None
    return Preemptors(uuids, moving)


def check_operation(found: Preemptors) -> None:
    """Check that the operator lets requests of this kind preempt.

    :raises errors.NoRoomMade: naming the option.
    """
    try:
        allowed = CONF.opie.preempt_for
    except ValueError as exc:
        # It was changed to this since the scheduler has started.
        raise errors.NoRoomMade('[opie] preempt_for: %s' % exc) from exc
    if found.operation not in allowed:
        raise errors.NoRoomMade(
            '[opie] preempt_for does not list %s' % found.operation
        )


def _is_marked(spec: objects.RequestSpec) -> bool:
    has_extra_specs = 'flavor' in spec and 'extra_specs' in spec.flavor
    return marks.is_marked(
        hints=_hints(spec),
        extra_specs=spec.flavor.extra_specs if has_extra_specs else None,
    )


def _build(
    context: nova_context.RequestContext, uuid: str
) -> objects.BuildRequest | None:
    """Return a server's build request, or None if it has none any more."""
    try:
        return objects.BuildRequest.get_by_instance_uuid(context, uuid)
    except exception.BuildRequestNotFound:
        return None


def _has_mark(instance: objects.Instance) -> bool:
    return 'system_metadata' in instance and marks.is_marked(
        system_metadata=instance.system_metadata
    )


def _hints(spec: objects.RequestSpec) -> dict:
    return (spec.scheduler_hints if 'scheduler_hints' in spec else None) or {}
