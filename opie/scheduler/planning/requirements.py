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

"""What a request asks for, as nova's own scheduling reads it from the spec."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
import dataclasses
import typing

from nova import context as nova_context
from nova import objects
import nova.conf
from nova.scheduler import utils as scheduler_utils

from opie.preemption import model
from opie.scheduler import errors
from opie.scheduler import host_manager as host_managers

CONF = nova.conf.CONF


@dataclasses.dataclass(frozen=True)
class Requirements:
    """What a request asks for.

    :ivar context: of the requester, elevated.
    :ivar spec: the RequestSpec, as nova's request filters left it.
    :ivar request: what the planner is given of it.
    :ivar query: what placement is asked for hosts, but for the amounts: pairs
        of key and value of GET /resource_providers.
    :ivar is_move: whether the preemptor has, or had, a host already.
    """

    context: nova_context.RequestContext
    spec: objects.RequestSpec
    request: model.Request
    query: tuple[tuple[str, str], ...]
    is_move: bool = False

    @property
    def only_cell(self) -> str | None:
        """The uuid of the cell that nova restricts it to; None for any."""
        destination = (
            self.spec.requested_destination
            if 'requested_destination' in self.spec
            else None
        )
        if not destination or 'cell' not in destination:
            return None
        return destination.cell.uuid if destination.cell else None


def read(
    context: nova_context.RequestContext,
    spec: objects.RequestSpec,
    preemptors: Sequence[str],
    host_manager: host_managers.HostManager,
    is_move: bool = False,
) -> Requirements:
    """Read the requirements of a request.

    :param context: an elevated context.
    :param spec: a RequestSpec that has been through nova's request filters;
        it is changed as nova's own scheduling does.
    :param preemptors: their uuids, in order.
    :param is_move: whether the preemptor has, or had, a host already.
    :raises errors.UnsupportedRequest: if its shape is one that pass 2 leaves
        alone.
    :raises nova.exception.NoValidHost: if it names a host that does not exist.
    """
    resource_request = scheduler_utils.resources_from_request_spec(
        context, spec, host_manager
    )
    group = _only_group(spec, resource_request)
    spec.instance_uuid = preemptors[0]
    # As in nova's own scheduling, this is not to be saved.
    spec.obj_reset_changes(['instance_uuid'])
    request = model.Request(
        tuple(preemptors),
        dict(group.resources),
        most_victims=CONF.opie.max_victims_per_request or None,
        **_group_rules(spec, host_manager.enabled_filters),
    )
    query = tuple(_query(spec, group))
    return Requirements(context, spec, request, query, is_move)


def _only_group(
    spec: objects.RequestSpec,
    resource_request: scheduler_utils.ResourceRequest,
) -> objects.RequestGroup:
    """Return the request group that everything is asked for in."""
    for is_so, shape in (
        (
            spec.requested_resources,
            'what a port with bandwidth, a device profile or a PCI device in '
            'placement takes',
        ),
        (
            resource_request.get_num_of_suffixed_groups(),
            'granular request groups',
        ),
    ):
        if is_so:
            raise errors.UnsupportedRequest('it asks for %s' % shape)
    group = resource_request.get_request_group(None)
    if not group.resources:
        raise errors.UnsupportedRequest('it asks for no resources')
    if not {'VCPU', 'PCPU'} & group.resources.keys():
        # The flavor of a node has an own resource class in place of them.
        raise errors.UnsupportedRequest(
            'it asks for no CPUs, as requests for bare metal do'
        )
    return group


def _group_rules(
    spec: objects.RequestSpec, filters: Iterable[typing.Any]
) -> dict[str, typing.Any]:
    """Return what the request's server group says of hosts in common.

    The group says nothing where its filter is not enabled.
    """
    group = spec.instance_group
    policies = {getattr(item, 'policy_name', None) for item in filters}
    if group is None or group.policy not in policies:
        return {}
    if group.policy == 'affinity':
        return {'is_together': True}
    # NOTE: as nova/scheduler/filters/affinity_filter.py counts.
    rules = group.rules if 'rules' in group else None
    return {'most_per_host': int((rules or {}).get('max_server_per_host', 1))}


def _query(
    spec: objects.RequestSpec, group: objects.RequestGroup
) -> list[tuple[str, str]]:
    query = [
        (key, value)
        for key, value in group.to_queryparams()
        if key in ('member_of', 'in_tree')
    ]
    traits = sorted(group.required_traits | spec.root_required)
    traits += [
        '!' + trait
        for trait in sorted(group.forbidden_traits | spec.root_forbidden)
    ]
    if traits:
        query.append(('required', ','.join(traits)))
    return query
