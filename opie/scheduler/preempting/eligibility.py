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

"""Which requests may preempt: boots of servers that are not preemptible.

Moves of existing servers come through the same call of the scheduler, and an
unshelve looks much like a boot; only a boot has build requests.
"""

from __future__ import annotations

from collections.abc import Sequence

from nova import context as nova_context
from nova import exception
from nova import objects

from opie import policy
from opie.conf import policies
from opie.preemption import marks
from opie.scheduler import errors
from opie.scheduler import steps


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
) -> list[str]:
    """Return those of a request's servers that wait for their first host.

    The others were deleted since the request was made.

    :returns: empty if the request is no boot, or its servers are to be
        preemptible by their system metadata.
    """
    mappings = objects.InstanceMappingList.get_by_instance_uuids(
        context, list(uuids)
    )
    if any(mapping.cell_mapping is not None for mapping in mappings):
        return []
    builds = {uuid: _build(context, uuid) for uuid in uuids}
    if any(build and _is_marked_build(build) for build in builds.values()):
        return []
    return [uuid for uuid in uuids if builds[uuid]]


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


def _is_marked_build(build: objects.BuildRequest) -> bool:
    instance = build.instance
    return 'system_metadata' in instance and marks.is_marked(
        system_metadata=instance.system_metadata
    )


def _hints(spec: objects.RequestSpec) -> dict:
    return (spec.scheduler_hints if 'scheduler_hints' in spec else None) or {}
