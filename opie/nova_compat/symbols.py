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

"""All of nova that opie leans on, opie-sandbox apart; private names above all.

``opie-status upgrade check`` and a unit test for each look whether it is there
and takes what opie gives it, and another test whether this list is complete.
"""

# (what opie needs it for, as in "opie needs it to ...", a module or class, and
# what of it).  What is read is in one text, names apart by spaces; what is
# called is a text for each call, with positional arguments by any name and
# keywords by theirs: 'find(self, context, limit=)'.
USED = (
    (
        'to start the scheduler service with its own classes',
        'nova',
        'service.SERVICE_MANAGERS',
        'cmd.scheduler.main()',
        'conf.CONF.clear()',
        'config.parse_args(argv, configure_db=, init_rpc=)',
    ),
    (
        'to have commands of its own, and to read options again',
        'nova',
        'conf.CONF.mutate_config_files()',
        'conf.CONF.register_cli_opt(option)',
        'config.parse_args(argv)',
        'scheduler.client.report.report_client_singleton()',
        'servicegroup.API()',
    ),
    (
        'to schedule as nova does first',
        'nova.scheduler.manager.SchedulerManager',
        '_select_destinations _sentinel host_manager notifier '
        'placement_client servicegroup_api',
        '__init__(self)',
        'init_host(self, service_ref)',
        'select_destinations('
        'self, context, request_spec=, filter_properties=, spec_obj=, '
        'instance_uuids=, return_objects=, return_alternates=)',
        '_consume_selected_host(state, spec, instance_uuid=)',
    ),
    (
        'to know the hosts and to ask filters about them',
        'nova.scheduler.host_manager.HostManager',
        'aggs_by_id cells enabled_cells enabled_filters filter_handler '
        'host_aggregates_map weighers',
        '__init__(self)',
        'get_filtered_hosts(self, states, spec)',
        'get_host_states_by_uuids(self, context, uuids, spec)',
        'get_weighed_hosts(self, states, spec)',
        '_get_computes_for_cells(self, context, cells, compute_uuids=)',
        '_init_aggregates(self)',
    ),
    (
        'to know on which hosts nobody is evicted',
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
        'allocation_candidates cell_uuid disk_mb_used free_disk_mb '
        'free_ram_mb host instances limits nodename num_instances num_io_ops '
        'service vcpus_used',
        '__init__(self, host, node, cell)',
        'consume_from_request(self, spec)',
    ),
    (
        'to weigh hosts by their preemptible servers',
        'nova',
        'scheduler.weights.BaseHostWeigher.maxval weights.WeighedObject.obj '
        'conf.CONF.filter_scheduler.weight_classes',
        'conf.CONF.get_location(name, group)',
        'conf.CONF.set_override(name, value, group)',
    ),
    ('to check all this', 'nova.objects', 'register_all()'),
    (
        'to know what a request needs',
        'nova',
        'scheduler.utils.ResourceRequest.cpu_pinning_requested '
        'objects.request_spec.RequestGroup.forbidden_traits '
        'objects.request_spec.RequestGroup.required_traits '
        'objects.request_spec.RequestGroup.resources',
        'scheduler.request_filter.process_reqspec(context, spec)',
        'scheduler.utils.resources_from_request_spec(context, spec, hosts)',
        'scheduler.utils.ResourceRequest.get_num_of_suffixed_groups(self)',
        'scheduler.utils.ResourceRequest.get_request_group(self, suffix)',
        'objects.request_spec.RequestGroup.to_queryparams(self)',
    ),
    (
        'to know what a request is about',
        'nova.objects.RequestSpec',
        'flavor force_hosts force_nodes instance_group instance_uuid '
        'numa_topology pci_requests project_id requested_resources '
        'root_forbidden root_required scheduler_hints user_id',
        'obj_clone(self)',
        'obj_reset_changes(self, fields)',
        'to_legacy_request_spec_dict(self)',
    ),
    (
        'to keep the policy of a server group',
        'nova.objects.InstanceGroup',
        'hosts members policy rules',
        'obj_reset_changes(self, fields)',
    ),
    (
        'to tell boots from moves',
        'nova.objects',
        'BuildRequest.instance InstanceMapping.cell_mapping '
        'InstanceMapping.instance_uuid Instance.system_metadata '
        'Instance.uuid Flavor.extra_specs',
        'BuildRequest.get_by_instance_uuid(context, uuid)',
        'InstanceMappingList.get_by_instance_uuids(context, uuids)',
    ),
    (
        'to find hosts, their services and their cells',
        'nova.objects',
        'CellMapping.id CellMapping.uuid ComputeNode.host '
        'HostMapping.cell_mapping Service.disabled Service.host',
        'CellMappingList.get_all(context)',
        'ComputeNodeList.get_all_by_uuids(context, uuids)',
        'HostMapping.get_by_host(context, host)',
        'InstanceMapping.get_by_instance_uuid(context, uuid)',
        'Service.get_by_compute_host(context, host)',
        'ServiceList.get_by_binary(context, binary, include_disabled=)',
    ),
    (
        'to weigh hosts as their aggregates say',
        'nova.scheduler.utils',
        'get_weight_multiplier(state, name, default)',
    ),
    (
        'to look into cells',
        'nova.context',
        'CELL_TIMEOUT RequestContext.cell_uuid RequestContext.session',
        'get_admin_context()',
        'is_cell_failure_sentinel(result)',
        'scatter_gather_cells(context, cells, timeout, function)',
        'target_cell(context, cell)',
    ),
    (
        'to know who asks',
        'nova.context.RequestContext',
        'global_id is_admin project_id user_id',
        'elevated(self)',
        'to_policy_values(self)',
    ),
    (
        'to enforce its policy rules among those of nova',
        'nova.policy',
        'register_rules(enforcer)',
    ),
    (
        'to read the databases',
        'nova.db',
        'api.api.context_manager.reader main.api.pick_context_manager_reader '
        'main.api.pick_context_manager_writer',
    ),
    (
        'to know who is preemptible',
        'nova.db.api.models',
        'BuildRequest.id BuildRequest.instance BuildRequest.instance_uuid '
        'InstanceMapping.cell_id InstanceMapping.instance_uuid '
        'InstanceMapping.project_id InstanceMapping.user_id '
        'RequestSpec.instance_uuid RequestSpec.spec',
    ),
    (
        'to know who is preemptible, on which host, and who must not go',
        'nova.db.main.models',
        'Instance.deleted Instance.disable_terminate Instance.ephemeral_gb '
        'Instance.hidden Instance.host Instance.launched_at '
        'Instance.locked_by Instance.memory_mb Instance.node '
        'Instance.project_id Instance.root_gb Instance.task_state '
        'Instance.updated_at Instance.uuid Instance.vcpus Instance.vm_state '
        'InstanceAction.action InstanceAction.instance_uuid '
        'InstanceExtra.flavor '
        'InstanceExtra.instance_uuid InstanceSystemMetadata.deleted '
        'InstanceSystemMetadata.instance_uuid InstanceSystemMetadata.key '
        'InstanceSystemMetadata.value Migration.deleted '
        'Migration.id Migration.instance_uuid Migration.migration_type '
        'Migration.source_compute Migration.source_node Migration.status '
        'Migration.uuid',
    ),
    (
        'to estimate what a host has',
        'nova.db.main.models',
        'ComputeNode.cpu_allocation_ratio ComputeNode.deleted '
        'ComputeNode.disk_allocation_ratio ComputeNode.host '
        'ComputeNode.hypervisor_hostname ComputeNode.local_gb '
        'ComputeNode.local_gb_used ComputeNode.memory_mb '
        'ComputeNode.memory_mb_used ComputeNode.ram_allocation_ratio '
        'ComputeNode.uuid ComputeNode.vcpus ComputeNode.vcpus_used',
    ),
    (
        'to estimate what a host has',
        'nova.conf.CONF',
        'cpu_allocation_ratio disk_allocation_ratio '
        'initial_cpu_allocation_ratio initial_disk_allocation_ratio '
        'initial_ram_allocation_ratio ram_allocation_ratio',
    ),
    (
        'to plan within the limits of nova',
        'nova.conf.CONF',
        'host long_rpc_timeout scheduler.max_placement_results',
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
        'set_default(name, default, group)',
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
        'compute.api.API()',
        'compute.api.API.delete(self, context, instance)',
        'servicegroup.api.API.service_is_up(self, service)',
        'objects.Instance.get_by_uuid(context, uuid)',
        'objects.InstanceAction.action_start('
        'context, uuid, action, want_result=)',
    ),
    (
        'to know what has become of a preemptor',
        'nova.objects',
        'Instance.deleted Instance.launched_at',
        'CellMapping.is_cell0(self)',
        'Instance.get_by_uuid(context, uuid, expected_attrs=)',
    ),
    (
        'to ask again for deletions that were lost',
        'nova',
        'compute.rpcapi.ComputeAPI()',
        'compute.rpcapi.ComputeAPI.terminate_instance('
        'self, context, instance, bdms)',
        'objects.BlockDeviceMappingList.get_by_instance_uuid(context, uuid)',
    ),
    (
        'to know in which state a victim is',
        'nova.compute.task_states',
        'DELETING IMAGE_BACKUP IMAGE_SNAPSHOT MIGRATING REBUILDING RESCUING '
        'RESIZE_CONFIRMING RESIZE_FINISH RESIZE_MIGRATED RESIZE_MIGRATING '
        'RESIZE_PREP RESIZE_REVERTING SOFT_DELETING UNSHELVING',
    ),
    (
        'to know in which state a victim is',
        'nova.compute.vm_states',
        'BUILDING DELETED ERROR RESIZED SHELVED_OFFLOADED SOFT_DELETED',
    ),
    (
        'to answer as nova does',
        'nova',
        'objects.fields.NotificationAction.SELECT_DESTINATIONS '
        'objects.fields.NotificationPhase.END '
        'objects.fields.NotificationPhase.START',
        'objects.Instance(uuid=)',
        'objects.Selection.from_host_state(state, candidate, version)',
        'compute.utils.notify_about_scheduler_action('
        'context=, request_spec=, action=, phase=)',
    ),
    (
        'to know what went wrong',
        'nova.exception',
        'BuildRequestNotFound ComputeHostNotFound FlavorNotFound '
        'InstanceMappingNotFound InstanceNotFound InvalidAPIVersionString '
        'InvalidContentType InvalidGlobalAPIVersion NotFound NoValidHost '
        'RequestFilterFailed',
    ),
    (
        'to filter requests to the API',
        'nova',
        'api.validation.parameter_types.boolean',
        'api.openstack.common.get_id_from_href(href)',
        'api.openstack.compute.APIRouterV21.factory(global_conf)',
        'api.openstack.wsgi.Fault(error)',
        'api.openstack.wsgi.Request.get_content_type(self)',
        'api.openstack.wsgi.Request.set_api_version_request(self)',
        'api.openstack.wsgi.get_supported_content_types()',
        'exception.PolicyNotAuthorized(action=)',
        'objects.Flavor.get_by_flavor_id(context, id, read_deleted=)',
    ),
    (
        'to have the API check its extra spec',
        'nova.api.validation.extra_specs.base',
        'ExtraSpecValidator(name=, description=, value=)',
    ),
)
