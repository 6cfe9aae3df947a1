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

"""A scheduler that dies in the middle of a preemption, or of a repair.

The scheduler dies once for each state that it can leave behind.  With
``tox -e faults`` it dies at every one of its I/O calls, and amid a request for
several servers.
"""

from opie.scheduler import steps
from opie.tests.functional import base
from opie.tests.interruptions import crash_points
from opie.tests.interruptions import killer
from opie.tests.interruptions import scenarios
from opie.tests.interruptions import sites

# No scenario comes to these: name of the call to why that can be.  None of
# them changes anything that a crash could leave behind.
_NOT_MET = {
    # Read where something is not as it usually is.
    'aggregates.reread: own._init_aggregates': 'a host that is protected late',
    'claim.Claim.is_evicted_by_another: self.client.consumer': (
        'a victim that another preemption has not sent away yet'
    ),
    'claim.Claim.read_again: self.client.consumers': (
        'claims that could not be written together'
    ),
    'claim.Claim.is_released: self.client.consumer': 'failed deletion',
    'builds.waiting: session.query': 'pending preemptors of the project',
    'compute_services._rows: session.query': 'several refusals by filters',
    'dropping._left: client.providers': (
        'a preemptor that moves and keeps its old place'
    ),
    'ended_migrations._read: session.query': 'a resized victim',
    'ended_migrations.among: objects.CellMappingList.get_all': (
        'a resized victim'
    ),
    'flavors._read: session.query': 'a flavor that marks its servers',
    'hindrances._read_tasks: session.query': 'a task that lasts',
    'hindrances._read_timeouts: session.query': 'once an hour',
    'host_manager._nodes_and_services: objects.ServiceList.get_by_binary': (
        'many hosts'
    ),
    'instances.resized_from: session.query': 'a resized victim',
    'live_cloud.NovaCloud.with_free: self._sources.placement.providers': (
        'a refusal'
    ),
    'unread_trees.UnreadTrees.least_victims: client.providers': (
        'several devices'
    ),
    'old_places._read: session.query': 'a resized victim',
    'quota.Quota._held: self.client.consumers': (
        'quota is exceeded, and nova counts claims'
    ),
    'quota_drivers._UnifiedLimits._enforce: '
    'placement_limits.enforce_num_instances_and_resources': 'unified limits',
    'refusals._guilty: client.inventories': 'a refused claim',
    'refusals._have_changed: client.consumers': 'a refused claim',
    'refusals._guilty: client.provider_allocations': 'a refused claim',
    'restoring._restoring: client.consumer': 'a victim amid a migration',
    'snapshot.Snapshot.still_matches: client.providers': 'a changed host',
    'verification.problems: client.inventories': 'a changed host',
    # Read for a request that looks at which servers are where.
    'companion_check._companions_there: client.provider_allocations': (
        'companions'
    ),
    'companion_check._hosts_by_claim: '
    'attempt.sources.placement.consumers': 'companions',
    'companions.read_members: objects.InstanceGroup.get_by_uuid': (
        'a server group'
    ),
    # Read of preemptors of other requests.
    'whereabouts._hosts_in_cell: session.query': 'others that arrive',
    'whereabouts._with_build_request: session.query': 'others that wait',
    'whereabouts.specs_of: session.query': 'others that wait',
    # Read for a request that asks for NUMA cells or PCI devices.
    'held_parts._device_rows: session.query': 'PCI devices',
    'held_parts._topology_rows: session.query': 'NUMA cells',
    'held_parts.topologies: objects.InstanceNUMATopology.obj_from_primitive': (
        'no I/O: a value'
    ),
    'host_parts._freed: hardware.numa_usage_from_instance_numa': (
        'no I/O: a value'
    ),
    'host_parts._freed: objects.InstanceNUMATopology': 'no I/O: a value',
    'host_parts.limits: objects.NUMATopologyLimits': 'no I/O: a value',
    'filter_reasons.asked_by_compute: '
    'numa_topology_filter.NUMATopologyFilter': 'no I/O',
    'filter_reasons.asked_by_compute: '
    'pci_passthrough_filter.PciPassthroughFilter': 'no I/O',
    # nova's own way of a request, before there is a plan.
    'filter_scheduler.FilterScheduler._get_all_host_states: '
    'super()._get_all_host_states': 'pass 1',
    'filter_scheduler.FilterScheduler._select_destinations: '
    'super()._select_destinations': 'pass 1',
    'filter_scheduler.FilterScheduler.select_destinations: '
    'super().select_destinations': 'pass 1',
    'host_manager.HostManager._get_computes_for_cells: '
    'super()._get_computes_for_cells': 'pass 1',
    'host_manager.HostManager.get_weighed_hosts: '
    'super().get_weighed_hosts': 'no I/O with the weighers of nova',
    'move_checks.narrow: objects.Destination': 'no I/O: a value',
    'pass_two.PassTwo._request: request_filter.process_reqspec': (
        'no I/O with the usual options'
    ),
    'alternates._all: scheduler_utils.resources_from_request_spec': (
        'no I/O but for a server group or a host that is asked for'
    ),
    'move_checks._check_growth: scheduler_utils.resources_from_request_spec': (
        'no I/O but for a server group or a host that is asked for'
    ),
    'requirements.read: scheduler_utils.resources_from_request_spec': (
        'no I/O but for a server group or a host that is asked for'
    ),
    # Others.
    'marks.system_metadata: session.query': 'read by nova-api',
    'filter_scheduler.FilterScheduler.init_host: super().init_host': 'start',
    'lost_deletions.LostDeletions._compute_rpc: rpcapi.ComputeAPI': (
        'versions of services'
    ),
}


class EveryCallTest(crash_points.CrashMixin, base.CloudTestCase):
    def test_every_call_is_a_crash_point(self):
        found = sites.Sites()
        met, said = set(), set()
        for scenario in scenarios.ALL:
            one = scenario(self)
            one.arrange()
            points = self.interrupt(one).points
            self.recover()
            for point in points:
                said.add(self.step_of(point.call))
                if point.call.what != 'ANSWER':
                    met.add(self.name_of(found, point))
        self.assertEqual(
            [],
            sorted(found.names - met - _NOT_MET.keys()),
            'No scenario of scenarios.py comes to these calls, so no crash '
            'there is tested. Add one; if they only read, name them here.',
        )
        self.assertEqual([], sorted(_NOT_MET.keys() - found.names))
        self.assertEqual(
            set(steps.STEPS.values()),
            said,
            'No scenario of scenarios.py comes to these steps. Add one.',
        )

    def step_of(self, call):
        self.assertIsNotNone(
            call.step,
            'Mark the step that makes this call with opie/scheduler/steps.py, '
            'and tell in doc/source/protocol.rst what a crash before the call '
            'leaves behind, and who repairs it: %s' % call,
        )
        return call.step

    def name_of(self, found, point):
        name = found.name_of(*point.call.site)
        self.assertIsNotNone(
            name,
            'opie/tests/interruptions/sites.py does not see that %s, line %d, '
            'makes I/O. Teach it to.' % point.call.site[:2],
        )
        return name


globals().update(
    crash_points.one_case_each(
        __name__,
        base.CloudTestCase,
        scenarios.QUICK,
        killer.one_for_each_state,
    )
)
