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
from urllib import parse

from nova import context as nova_context
from nova import objects
import nova.conf
from nova.scheduler import utils as scheduler_utils

from opie.preemption import amounts
from opie.preemption import errors as core_errors
from opie.preemption import model
from opie.preemption.trees import asked as asked_of_trees
from opie.preemption.trees import query as tree_query
from opie.scheduler import errors
from opie.scheduler import host_manager as host_managers
from opie.scheduler import host_parts

CONF = nova.conf.CONF

# NOTE: nova's drivers report these on the root.  Others, as VGPU, they report
# where a device is; operators' own may be anywhere.
_OF_ROOTS = frozenset(['VCPU', 'PCPU', 'MEMORY_MB', 'DISK_GB'])


@dataclasses.dataclass(frozen=True)
class Requirements:
    """What a request asks for.

    :ivar context: of the requester, elevated.
    :ivar spec: the RequestSpec, as nova's request filters left it.
    :ivar request: what the planner is given of it.
    :ivar query: what placement is asked for hosts, but for the amounts: pairs
        of key and value of GET /resource_providers.
    :ivar is_move: whether the preemptor has, or had, a host already.
    :ivar asked: the groups of a request that is spread over the trees of
        hosts; None for one that asks for nothing but what roots have.
    """

    context: nova_context.RequestContext
    spec: objects.RequestSpec
    request: model.Request
    query: tuple[tuple[str, str], ...]
    is_move: bool = False
    asked: asked_of_trees.Request | None = None

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
    _check_shape(spec, resource_request)
    asked = _read_groups(resource_request)
    spec.instance_uuid = preemptors[0]
    # As in nova's own scheduling, this is not to be saved.
    spec.obj_reset_changes(['instance_uuid'])
    request = model.Request(
        tuple(preemptors),
        amounts.total(group.resources for group in asked.groups.values()),
        most_victims=CONF.opie.max_victims_per_request or None,
        is_spread=_is_spread(asked),
        **_group_rules(spec, host_manager.enabled_filters),
    )
    group = resource_request.get_request_group(None)
    query = tuple(_query(spec, group, request.is_spread))
    return Requirements(
        context,
        spec,
        request,
        query,
        is_move,
        asked if request.is_spread else None,
    )


def _check_shape(
    spec: objects.RequestSpec,
    resource_request: scheduler_utils.ResourceRequest,
) -> None:
    """Check that room can be made for all that is asked for.

    :raises errors.UnsupportedRequest: if that is not so.
    """
    if any(map(_is_of_cyborg, spec.requested_resources or ())):
        raise errors.UnsupportedRequest('it asks for a device profile')
    if _has_bandwidth(spec) and any(
        request.source == request.NEUTRON_PORT
        for request in host_parts.asked_devices(spec)
    ):
        # The compute takes a virtual function of the card whose bandwidth it
        # is, and nova's filters do not ask for that.
        raise errors.UnsupportedRequest(
            'it asks for an SR-IOV port and for bandwidth'
        )
    group = resource_request.get_request_group(None)
    if not group.resources:
        raise errors.UnsupportedRequest('it asks for no resources')
    if not {'VCPU', 'PCPU'} & group.resources.keys():
        # The flavor of a node has an own resource class in place of them.
        raise errors.UnsupportedRequest(
            'it asks for no CPUs, as requests for bare metal do'
        )


def _is_of_cyborg(group: objects.RequestGroup) -> bool:
    # NOTE: nova/accelerator/cyborg.py names its groups so.
    return (group.requester_id or '').startswith('device_profile_')


def _has_bandwidth(spec: objects.RequestSpec) -> bool:
    return any(
        name.startswith('NET_BW_')
        for group in spec.requested_resources or ()
        for name in group.resources
    )


def _read_groups(
    resource_request: scheduler_utils.ResourceRequest,
) -> asked_of_trees.Request:
    """Return all groups, as placement reads them.

    :raises errors.UnsupportedRequest: if placement would refuse them.
    """
    pairs = parse.parse_qsl(
        resource_request.to_querystring(), keep_blank_values=True
    )
    try:
        return tree_query.read(pairs)
    except core_errors.InvalidRequest as exc:
        raise errors.UnsupportedRequest(str(exc)) from exc


def _is_spread(asked: asked_of_trees.Request) -> bool:
    """Tell whether other providers than roots may have to serve a request."""
    if asked.groups.keys() != {''}:
        return True
    return not asked.groups[''].resources.keys() <= _OF_ROOTS


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
    spec: objects.RequestSpec, group: objects.RequestGroup, is_spread: bool
) -> list[tuple[str, str]]:
    """Return what the root of a host has to match.

    :param is_spread: whether any provider of a tree may have what its group
        requires; the tree tells, once it is read.
    """
    query = [
        (key, value)
        for key, value in group.to_queryparams()
        if key in ('member_of', 'in_tree')
    ]
    required, forbidden = spec.root_required, spec.root_forbidden
    if not is_spread:
        required = required | group.required_traits
        forbidden = forbidden | group.forbidden_traits
    traits = sorted(required)
    traits += ['!' + trait for trait in sorted(forbidden)]
    if traits:
        query.append(('required', ','.join(traits)))
    return query
