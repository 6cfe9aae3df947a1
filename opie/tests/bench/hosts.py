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

"""Hosts made by nova's and placement's own code, one by one.

The hosts of the population are copied from these, and compared with them.
"""

from nova import context as nova_context
from nova import objects
from nova.scheduler.client import report
from nova.virt import fake
import os_traits
from oslo_utils import timeutils
from oslo_utils import uuidutils

from opie.tests.bench import layout
from opie.tests.bench import tenant


class _Driver(fake.SmallFakeDriver):
    """nova's own stand-in for a hypervisor, in our size."""

    vcpus = layout.HOST_VCPUS
    memory_mb = layout.HOST_VCPUS * layout.MEMORY_MB_PER_VCPU
    local_gb = layout.HOST_VCPUS * layout.DISK_GB_PER_VCPU


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
        'num_proj_%s' % tenant.context().project_id: str(number),
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
