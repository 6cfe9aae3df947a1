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

"""What nova's filters say of a host from which exactly the victims are gone.

The servers that stay count: members of the request's server group, the number
of servers on the host, and the preemptors that this plan or another one has
already nominated for it.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import typing

from nova import objects

from opie.preemption import model
from opie.scheduler import host_manager as host_managers
from opie.scheduler import host_state
from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.placement import client as placement
from opie.scheduler.planning import planned


class Cloud(typing.Protocol):
    """What the trial reads of a :class:`cloud_snapshot.CloudSnapshot`."""

    @property
    def nodes(self) -> Mapping[str, compute_nodes.Compute]: ...

    def state_without(
        self, provider: str, gone: Collection[str]
    ) -> host_state.HostState: ...


class FilterTrial:
    """Asks the filters for one request.

    :param spec: a copy of the RequestSpec, as nova's request filters left it;
        the trial changes it.
    :param request: what was made from the spec.
    :param cloud: has the states of the hosts that are asked about.
    """

    def __init__(
        self,
        spec: objects.RequestSpec,
        request: model.Request,
        cloud: Cloud,
        host_manager: host_managers.HostManager,
    ) -> None:
        self._spec = spec
        self._request = request
        self._cloud = cloud
        self._host_manager = host_manager
        self._group_hosts = tuple(
            spec.instance_group.hosts if _has_group_hosts(spec) else ()
        )

    def why_failed(
        self,
        provider: str,
        gone: Collection[str],
        nominations: Sequence[model.Nomination],
        taking: model.Taking | None = None,
    ) -> str | None:
        """Return why a host fails; see LiveCloud.why_refused."""
        state = self._state(provider, gone, nominations, taking)
        if self._is_alone():
            return 'no member of its affinity group would be left'
        return self._host_manager.why_filtered(state, self._spec)

    def why_plan_failed(self, plan: model.Plan) -> str | None:
        """Return why any nominated host of a plan fails, None if none does."""
        for one, gone, before in _in_order(plan):
            reason = self.why_failed(one.provider, gone, before, one.taking)
            if reason:
                return reason
        return None

    def select(self, plan: model.Plan) -> list[typing.Any]:
        """Return nova's Selection for each nomination of a plan."""
        selections = []
        for one, gone, before in _in_order(plan):
            state = self._state(one.provider, gone, before, one.taking)
            # The filters set the limits.
            self._host_manager.why_filtered(state, self._spec)
            selections.append(
                objects.Selection.from_host_state(
                    state, self._allocation(one), placement.VERSION
                )
            )
        return selections

    def _state(
        self,
        provider: str,
        gone: Collection[str],
        nominations: Sequence[model.Nomination],
        taking: model.Taking | None,
    ) -> host_state.HostState:
        """Return a host's state, and make the spec fit for its filters.

        :param gone: uuids of the servers that would be gone from the host.
        :param nominations: those that come before, in order.
        :param taking: see LiveCloud.why_refused.
        """
        spec = self._spec
        state = self._cloud.state_without(provider, gone)
        spec.instance_uuid = self._request.preemptors[len(nominations)]
        # As in nova's own scheduling, nothing of this is to be saved.
        spec.obj_reset_changes(['instance_uuid'])
        for nomination in nominations:
            if nomination.provider == provider:
                state.add(
                    nomination.preemptor, spec, self._allocation(nomination)
                )
        if spec.instance_group is not None:
            self._set_group_hosts(state, gone, nominations)
        state.limits = {}
        state.allocation_candidates = [
            planned.candidate(provider, self._request, taking)
        ]
        return state

    def _allocation(self, one: model.Nomination) -> dict[str, typing.Any]:
        """Return what placement would list as an allocation candidate."""
        return planned.candidate(one.provider, self._request, one.taking)

    def _is_alone(self) -> bool:
        """Tell whether an affinity group would lose its last member."""
        group = self._spec.instance_group
        # NOTE: nova/scheduler/filters/affinity_filter.py lets every host pass
        # when a group is on none.
        return bool(
            self._group_hosts
            and group.policy == 'affinity'
            and not group.hosts
        )

    def _set_group_hosts(
        self,
        state: host_state.HostState,
        gone: Collection[str],
        nominations: Sequence[model.Nomination],
    ) -> None:
        """Set the hosts of the spec's group as they would be then.

        A host whose only members are victims is no host of the group.
        """
        group = self._spec.instance_group
        hosts = [
            host
            for host in self._group_hosts
            if host != state.host
            or not gone
            or set(group.members) & set(state.instances)
        ]
        hosts += [
            self._cloud.nodes[nomination.provider].host
            for nomination in nominations
        ]
        group.hosts = hosts
        group.obj_reset_changes(['hosts'])


def _in_order(
    plan: model.Plan,
) -> Iterator[
    tuple[model.Nomination, frozenset[str], tuple[model.Nomination, ...]]
]:
    """Yield what the filters are asked with for each nomination of a plan.

    :returns: (nomination, uuids of those gone from its host, nominations
        before).
    """
    gone: dict[str, frozenset[str]] = {}
    for index, nomination in enumerate(plan.nominations):
        provider = nomination.provider
        gone[provider] = gone.get(provider, frozenset()) | {
            server.uuid for server in nomination.victims
        }
        yield nomination, gone[provider], plan.nominations[:index]


def _has_group_hosts(spec: objects.RequestSpec) -> bool:
    group = spec.instance_group
    return bool(group is not None and 'hosts' in group and group.hosts)
