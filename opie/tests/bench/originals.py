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

"""Hosts and servers made by nova's and placement's own code, one by one.

The population is copied from these, and compared with them.  They are also
what fills a host again from which servers were evicted.
"""

from nova import context as nova_context
from nova import objects
from nova import utils
from nova.compute import power_state
from nova.compute import vm_states
import nova.conf
from nova.network import model as network_model
from nova.scheduler.client import report
from nova.virt import fake
import os_traits
from oslo_utils import timeutils
from oslo_utils import uuidutils

from opie.tests.bench import layout

CONF = nova.conf.CONF

IMAGE = {
    'id': '155d900f-4e14-4e4c-a73d-069cbf4541e6',
    'status': 'active',
    'name': 'image',
    'container_format': 'bare',
    'disk_format': 'qcow2',
    'min_ram': 0,
    'min_disk': 0,
    'size': 2**30,
    'properties': {'os_distro': 'debian'},
}
HINTS = {'preemptible': ['True']}
_VERSION = '1.36'  # of placement's API, as nova asks for candidates


class _Driver(fake.SmallFakeDriver):
    """nova's own stand-in for a hypervisor, in our size."""

    vcpus = layout.HOST_VCPUS
    memory_mb = layout.HOST_VCPUS * layout.MEMORY_MB_PER_VCPU
    local_gb = layout.HOST_VCPUS * layout.DISK_GB_PER_VCPU


def context():
    """Return the context of the one user whom everything belongs to."""
    return nova_context.RequestContext(
        user_id='6ad4c4f5f0f44f5ba0a4c1a5f5a6a1c1',
        project_id='6f70656e737461636b20342065766572',
        user_name='user',
        project_name='project',
        is_admin=True,
        roles=['admin'],
    )


def create_flavors():
    """Create the flavors; return VCPU to flavor."""
    flavors = {}
    for vcpus in layout.FLAVOR_VCPUS:
        flavors[vcpus] = flavor = objects.Flavor(
            context(),
            flavorid='vcpu-%d' % vcpus,
            name='vcpu-%d' % vcpus,
            vcpus=vcpus,
            memory_mb=vcpus * layout.MEMORY_MB_PER_VCPU,
            root_gb=vcpus * layout.DISK_GB_PER_VCPU,
            ephemeral_gb=0,
            swap=0,
            rxtx_factor=1.0,
            vcpu_weight=0,
            disabled=False,
            is_public=True,
            extra_specs={},
            projects=[],
        )
        flavor.create()
    return flavors


def create_host(cell, number):
    """Create the records of a host as its nova-compute would.

    :returns: its ComputeNode.
    """
    host = layout.host_name(number)
    admin = nova_context.get_admin_context()
    with nova_context.target_cell(admin, cell) as cell_context:
        service = objects.Service(
            cell_context,
            host=host,
            binary='nova-compute',
            topic='compute',
            report_count=1,
            last_seen_up=timeutils.utcnow(with_timezone=True),
        )
        service.create()
        node = _create_node(cell_context, host, service)
    objects.HostMapping(admin, host=host, cell_mapping=cell).create()
    _create_provider(admin, node)
    return node


def _create_node(cell_context, host, service):
    driver = _Driver(virtapi=None)
    driver.init_host(host)
    resources = driver.get_available_resource(host)
    resources.update(
        uuid=uuidutils.generate_uuid(),
        vcpus_used=resources['vcpus'],
        memory_mb_used=resources['memory_mb'],
        local_gb_used=resources['local_gb'],
        disk_available_least=0,
    )
    node = objects.ComputeNode(
        cell_context,
        host=host,
        service_id=service.id,
        stats=_stats(),
        free_ram_mb=0,
        free_disk_gb=0,
        current_workload=0,
        running_vms=layout.SERVERS_PER_HOST,
        cpu_allocation_ratio=1.0,
        ram_allocation_ratio=1.0,
        disk_allocation_ratio=1.0,
        metrics='[]',
        pci_device_pools=objects.PciDevicePoolList(objects=[]),
    )
    node.update_from_virt_driver(resources)
    node.create()
    return node


def _stats():
    number = layout.SERVERS_PER_HOST
    return {
        'failed_builds': '0',
        'num_instances': str(number),
        'num_vm_active': str(number),
        'num_task_None': str(number),
        'num_os_type_None': str(number),
        'num_proj_%s' % context().project_id: str(number),
        'io_workload': '0',
    }


def _create_provider(admin, node):
    # NOTE: as nova/compute/resource_tracker.py does.
    client = report.report_client_singleton()
    tree = client.get_provider_tree_and_ensure_root(
        admin, node.uuid, name=node.hypervisor_hostname
    )
    driver = _Driver(virtapi=None)
    driver.init_host(node.host)
    driver.update_provider_tree(tree, node.hypervisor_hostname)
    inventory = tree.data(node.uuid).inventory
    for item in inventory.values():
        item.update(allocation_ratio=1.0, reserved=0)
    tree.update_inventory(node.uuid, inventory)
    capabilities = driver.capabilities_as_traits()
    tree.update_traits(
        node.uuid,
        {
            *(name for name, has in capabilities.items() if has),
            os_traits.COMPUTE_NODE,
            os_traits.OWNER_NOVA,
        },
    )
    client.update_from_provider_tree(admin, tree)
    client.clear_provider_cache()


def create_server(cell, node, flavor, launched_at):
    """Create the records of a running preemptible server.

    :param node: the ComputeNode that it is on.
    :returns: its Instance.
    """
    user = context()
    spec = request_spec(user, uuidutils.generate_uuid(), flavor, HINTS)
    spec.create()
    _claim(user, spec, node)
    with nova_context.target_cell(user, cell) as cell_context:
        server = new_instance(cell_context, spec, flavor)
        server.update(
            {
                'vm_state': vm_states.ACTIVE,
                'power_state': power_state.RUNNING,
                'host': node.host,
                'node': node.hypervisor_hostname,
                'compute_id': node.id,
                'launched_on': node.host,
                'launched_at': launched_at,
                'availability_zone': 'nova',
            }
        )
        server.create()
    mapping = objects.InstanceMapping(
        user,
        instance_uuid=server.uuid,
        cell_mapping=cell,
        project_id=user.project_id,
        user_id=user.user_id,
        queued_for_delete=False,
    )
    mapping.create()
    return server


def request_spec(user, uuid, flavor, hints):
    """Return a RequestSpec as nova's API makes it."""
    return objects.RequestSpec.from_components(
        user,
        uuid,
        IMAGE,
        flavor,
        None,
        objects.InstancePCIRequests(requests=[]),
        {'scheduler_hints': hints},
        None,
        None,
        security_groups=objects.SecurityGroupList(),
    )


def new_instance(a_context, spec, flavor):
    """Return an Instance as nova's API makes it, not yet created."""
    server = objects.Instance(a_context)
    server.update(
        {
            'uuid': spec.instance_uuid,
            'user_id': spec.user_id,
            'project_id': spec.project_id,
            'image_ref': IMAGE['id'],
            'display_name': 'server-' + spec.instance_uuid,
            'hostname': 'server-' + spec.instance_uuid,
            'reservation_id': 'r-benchmark',
            'launch_index': 0,
            'memory_mb': flavor.memory_mb,
            'vcpus': flavor.vcpus,
            'root_gb': flavor.root_gb,
            'ephemeral_gb': flavor.ephemeral_gb,
            'instance_type_id': flavor.id,
            'root_device_name': '/dev/vda',
            'config_drive': '',
            'user_data': None,
            'key_name': None,
            'locked': False,
            'progress': 0,
            'auto_disk_config': False,
            'shutdown_terminate': False,
            'vm_state': vm_states.BUILDING,
            'system_metadata': utils.get_system_metadata_from_image(
                IMAGE, flavor
            ),
        }
    )
    server.flavor = flavor
    server.old_flavor = None
    server.new_flavor = None
    server.keypairs = objects.KeyPairList(objects=[])
    server.pci_requests = objects.InstancePCIRequests(requests=[])
    server.info_cache = objects.InstanceInfoCache(
        instance_uuid=server.uuid, network_info=network_model.NetworkInfo()
    )
    return server


def _claim(user, spec, node):
    allocations = {node.uuid: {'resources': layout.resources(spec.vcpus)}}
    if not report.report_client_singleton().claim_resources(
        user,
        spec.instance_uuid,
        {'allocations': allocations, 'mappings': {'': [node.uuid]}},
        user.project_id,
        user.user_id,
        _VERSION,
    ):
        raise RuntimeError('%s has no room for a server.' % node.host)
