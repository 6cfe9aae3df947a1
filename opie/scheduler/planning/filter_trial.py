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

Everybody else counts: members of the request's server group, the number of
servers on the host, and the preemptors that the same plan has already put
there.
"""

from nova import objects

from opie.scheduler.placement import client as placement


class FilterTrial:
    """Asks the filters for one request.

    It works on the spec that it is given; nobody else may use that meanwhile.

    :param spec: the RequestSpec, as nova's request filters left it.
    :param request: the :class:`model.Request` that was made from it.
    :param states: provider uuid to host state; it may grow.
    :param host_manager: opie's HostManager.
    """

    def __init__(self, spec, request, states, host_manager):
        self._spec = spec
        self._request = request
        self._states = states
        self._host_manager = host_manager
        self._group_hosts = tuple(
            spec.instance_group.hosts if _has_group_hosts(spec) else ()
        )

    def __call__(self, host, gone, nominations):
        """See :meth:`opie.preemption.model.LiveCloud.why_refused`."""
        state = self.state(host, gone, nominations)
        if self._is_alone():
            return 'no member of its affinity group would be left'
        return self._host_manager.why_filtered(state, self._spec)

    def state(self, host, gone, nominations):
        """Return the host's state, and make the spec fit for its filters.

        :param host: uuid of its provider.
        :param gone: uuids of the servers that would be gone from it.
        :param nominations: the nominations that come before, in order.
        """
        spec = self._spec
        state = self._states[host].without(gone)
        spec.instance_uuid = self._request.preemptors[len(nominations)]
        # As in nova's own scheduling, nothing of this is to be saved.
        spec.obj_reset_changes(['instance_uuid'])
        for nomination in nominations:
            if nomination.provider == host:
                state.allocation_candidates = [self.candidate(host)]
                state.consume_from_request(spec)
                state.instances[nomination.preemptor] = objects.Instance(
                    uuid=nomination.preemptor
                )
        if spec.instance_group is not None:
            self._set_group_hosts(state, gone, nominations)
        state.limits = {}
        state.allocation_candidates = [self.candidate(host)]
        return state

    def candidate(self, host):
        """Return what placement would offer as an allocation candidate."""
        return {
            'allocations': {
                host: {'resources': dict(self._request.resources)}
            },
            # The group without a suffix.
            'mappings': {'': [host]},
        }

    def select(self, plan):
        """Return a list with one Selection for each nomination of a plan."""
        gone = {}
        selections = []
        for index, nomination in enumerate(plan.nominations):
            host = nomination.provider
            gone[host] = gone.get(host, frozenset()) | {
                server.uuid for server in nomination.victims
            }
            state = self.state(host, gone[host], plan.nominations[:index])
            # The filters set the limits.
            self._host_manager.why_filtered(state, self._spec)
            selections.append(
                objects.Selection.from_host_state(
                    state, self.candidate(host), placement.VERSION
                )
            )
        return selections

    def _is_alone(self):
        """Tell whether an affinity group would lose its last member."""
        group = self._spec.instance_group
        # NOTE: nova/scheduler/filters/affinity_filter.py lets every host pass
        # when a group is on none.
        return bool(
            self._group_hosts
            and group.policy == 'affinity'
            and not group.hosts
        )

    def _set_group_hosts(self, state, gone, nominations):
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
            self._states[nomination.provider].host
            for nomination in nominations
        ]
        group.hosts = hosts
        group.obj_reset_changes(['hosts'])


def _has_group_hosts(spec):
    group = spec.instance_group
    return group is not None and 'hosts' in group and group.hosts
