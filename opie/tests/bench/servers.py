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

"""Servers made by nova's and placement's own code, one by one.

The servers of the population are copied from these, and compared with them.
They are also what fills a host again from which servers were evicted.
"""

from nova import context as nova_context
from nova import objects
from nova import utils
from nova.compute import power_state
from nova.compute import vm_states
from nova.network import model as network_model
from nova.scheduler.client import report
from oslo_utils import uuidutils

from opie.tests.bench import layout
from opie.tests.bench import tenant

_HINTS = {'preemptible': ['True']}
_VERSION = '1.36'  # of placement's API, as nova asks for candidates


def create_server(cell, node, flavor, launched_at):
    """Create the records of a running preemptible server.

    :param node: the ComputeNode that it is on.
    :returns: its Instance.
    """
    user = tenant.context()
    spec = request_spec(user, uuidutils.generate_uuid(), flavor, _HINTS)
    spec.create()
    _claim(user, spec, node)
    with nova_context.target_cell(user, cell) as cell_context:
        server = new_instance(cell_context, spec, flavor)
        server.create()
        # As nova does, later than it creates the record: schedulers read what
        # was updated lately.
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
        server.save()
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
        tenant.IMAGE,
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
            'image_ref': tenant.IMAGE['id'],
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
                tenant.IMAGE, flavor
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
