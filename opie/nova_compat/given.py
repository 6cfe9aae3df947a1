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

"""Lists by hand what opie uses of the objects that nova gives to it.

No tool finds these in the source, because the source does not say of which
class an argument is.  All other symbols are found; see source.py.
"""

# (what opie needs it for, as in "opie needs it to ...", a module or class, and
# what opie uses of it).  Attributes that opie reads are in one text, with
# spaces between their names.  Each call of a method is a text of its own, with
# positional arguments by any name and keywords by theirs:
# 'find(self, context, limit=)'.
GIVEN = (
    (
        'to schedule as nova does first',
        'nova.scheduler.manager.SchedulerManager',
        '__init__(self)',
        '_consume_selected_host(state, spec, instance_uuid=)',
        '_get_sorted_hosts(self, spec, states, index)',
    ),
    (
        'to know the hosts and to ask filters about them',
        'nova.scheduler.host_manager.HostManager',
        'aggs_by_id filter_handler host_aggregates_map',
        'get_filtered_hosts(self, states, spec)',
        'get_host_states_by_uuids(self, context, uuids, spec)',
        '_init_aggregates(self)',
        'delete_aggregate(self, aggregate)',
        'update_aggregates(self, aggregates)',
    ),
    (
        'to know on which hosts no server is evicted',
        'nova.objects.Aggregate',
        'hosts metadata name',
    ),
    (
        'to learn which filter refuses a host',
        'nova.filters.BaseFilter',
        'filter_all(self, states, spec)',
    ),
    (
        'to tell what a host would be like without its victims',
        'nova.scheduler.host_manager.HostState',
        'aggregates allocation_candidates cell_uuid disk_mb_used free_disk_mb '
        'free_ram_mb host nodename num_instances '
        'num_io_ops service uuid vcpus_used',
        '__init__(self, host, node, cell)',
        'consume_from_request(self, spec)',
    ),
    (
        'to know what is left of NUMA cells and PCI devices',
        'nova',
        'pci.stats.PciDeviceStats.pools objects.NUMATopology.cells '
        'objects.NUMACell.cpu_usage objects.NUMACell.memory_usage '
        'objects.NUMACell.mempages objects.NUMACell.pinned_cpus '
        'objects.NUMAPagesTopology.used '
        'objects.InstancePCIRequests.requests '
        'objects.InstancePCIRequest.source '
        'objects.InstancePCIRequest.NEUTRON_PORT',
        'objects.NUMATopology.obj_clone(self)',
    ),
    (
        'to weigh hosts by their preemptible servers',
        'nova',
        'scheduler.weights.BaseHostWeigher.maxval weights.WeighedObject.obj',
    ),
    (
        'to know what a request needs',
        'nova',
        'objects.request_spec.RequestGroup.forbidden_traits '
        'objects.request_spec.RequestGroup.provider_uuids '
        'objects.request_spec.RequestGroup.required_traits '
        'objects.request_spec.RequestGroup.resources',
        'scheduler.utils.ResourceRequest.get_num_of_suffixed_groups(self)',
        'scheduler.utils.ResourceRequest.get_request_group(self, suffix)',
        'scheduler.utils.ResourceRequest.merged_resources(self)',
        'objects.request_spec.RequestGroup.to_queryparams(self)',
    ),
    (
        'to know what a request is about',
        'nova.objects.RequestSpec',
        'flavor force_hosts force_nodes ignore_hosts instance_group '
        'instance_uuid network_metadata numa_topology pci_requests project_id '
        'requested_destination requested_resources root_forbidden '
        'root_required scheduler_hints user_id',
        'obj_clone(self)',
        'obj_reset_changes(self, fields)',
        'get_scheduler_hint(self, name)',
        'to_legacy_request_spec_dict(self)',
    ),
    (
        'to keep the policy of a server group',
        'nova.objects.InstanceGroup',
        'hosts members policy rules uuid',
        'obj_reset_changes(self, fields)',
    ),
    (
        'to tell boots from moves',
        'nova.objects',
        'BuildRequest.instance InstanceMapping.cell_mapping '
        'InstanceMapping.instance_uuid Instance.system_metadata '
        'Instance.uuid Instance.flavor Flavor.extra_specs',
    ),
    (
        'to tell moves from one another',
        'nova.objects',
        'Destination.allow_cross_cell_move Destination.cell Migration.id '
        'Migration.migration_type Migration.status Migration.uuid',
    ),
    (
        'to find hosts, their services and their cells',
        'nova.objects',
        'CellMapping.id CellMapping.uuid ComputeNode.host '
        'HostMapping.cell_mapping Service.disabled Service.host',
    ),
    (
        'to read cells',
        'nova.context',
        'RequestContext.cell_uuid RequestContext.session',
    ),
    (
        'to list preemptible servers alone',
        'nova.compute.instance_list.InstanceLister',
        'sort_ctx',
        'get_by_filters(self, ctx, filters, limit, marker)',
    ),
    (
        'to know the requester',
        'nova.context.RequestContext',
        'global_id is_admin project_id user_id',
        'elevated(self)',
        'to_policy_values(self)',
    ),
    (
        'to know which servers are preemptible, and which must not go',
        'nova.db.main.models',
        'Instance.disable_terminate Instance.ephemeral_gb '
        'Instance.launched_at Instance.locked_by Instance.memory_mb '
        'Instance.root_gb '
        'Instance.vcpus InstanceAction.action InstanceAction.id '
        'InstanceAction.instance_uuid InstanceAction.start_time '
        'InstanceActionEvent.action_id '
        'InstanceActionEvent.event InstanceActionEvent.finish_time '
        'Migration.id',
    ),
    (
        'to estimate what a host has',
        'nova.db.main.models',
        'ComputeNode.cpu_allocation_ratio '
        'ComputeNode.disk_allocation_ratio ComputeNode.local_gb '
        'ComputeNode.local_gb_used ComputeNode.memory_mb '
        'ComputeNode.memory_mb_used ComputeNode.ram_allocation_ratio '
        'ComputeNode.vcpus ComputeNode.vcpus_used',
    ),
    (
        'to check options when it starts',
        'nova.conf.CONF',
        'conductor.workers periodic_enable scheduler.workers',
    ),
    (
        'to wait for placement a minute at most',
        'nova.conf.CONF',
        'placement.timeout',
    ),
    (
        'to talk to placement',
        'nova.scheduler.client.report.SchedulerReportClient',
        'get(self, url, version=, global_request_id=)',
        'post(self, url, body, version=, global_request_id=)',
        'put(self, url, body, version=, global_request_id=)',
        'delete(self, url, version=, global_request_id=)',
        'get_allocation_candidates(self, context, resources)',
    ),
    (
        'to evict',
        'nova',
        'objects.Instance.disable_terminate objects.Instance.host '
        'objects.Instance.locked_by objects.Instance.node '
        'objects.Instance.project_id objects.Instance.task_state '
        'objects.Instance.vm_state',
        'compute.api.API.delete(self, context, instance)',
        'servicegroup.api.API.service_is_up(self, service)',
    ),
    (
        'to know what has become of a preemptor',
        'nova.objects',
        'Instance.deleted Instance.launched_at',
        'CellMapping.is_cell0(self)',
    ),
    (
        'to ask again for deletions that were lost',
        'nova',
        'compute.rpcapi.ComputeAPI.terminate_instance(self, context, '
        'instance, bdms)',
    ),
    (
        'to filter requests to the API',
        'nova',
        'api.openstack.compute.APIRouterV21.factory(global_conf)',
        'api.openstack.wsgi.Request.get_content_type(self)',
        'api.openstack.wsgi.Request.set_api_version_request(self)',
    ),
)
