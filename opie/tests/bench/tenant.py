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

"""The only project of the benchmark, its image and its flavors."""

from nova import context as nova_context
from nova import objects

from opie.tests.bench import layout

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


def context():
    """Return the context of the benchmark's only user."""
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
    return {vcpus: create_flavor(vcpus) for vcpus in layout.FLAVOR_VCPUS}


def create_flavor(vcpus, **extra_specs):
    """Create a flavor; its name tells what is special about it."""
    name = '-'.join(['vcpu', str(vcpus), *sorted(extra_specs)])
    flavor = objects.Flavor(
        context(),
        flavorid=name,
        name=name,
        vcpus=vcpus,
        memory_mb=vcpus * layout.MEMORY_MB_PER_VCPU,
        root_gb=vcpus * layout.DISK_GB_PER_VCPU,
        ephemeral_gb=0,
        swap=0,
        rxtx_factor=1.0,
        vcpu_weight=0,
        disabled=False,
        is_public=True,
        extra_specs=extra_specs,
        projects=[],
    )
    flavor.create()
    return flavor
