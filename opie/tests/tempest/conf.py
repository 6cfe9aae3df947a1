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

"""The settings of tempest for a sandbox."""

from opie.sandbox import credentials
from opie.sandbox import site as site_module
from opie.sandbox.services import service
from opie.sandbox.stand_ins import glance
from opie.sandbox.stand_ins.neutron import extensions
from opie.sandbox.stand_ins.neutron import networks

_FLAVOR = 'small'
_BIGGER_FLAVOR = 'medium'


def text(site, folder):
    """Return the text of tempest.conf.

    :param folder: for the locks of tempest's processes.
    """
    image, other_image = glance.IMAGES
    return service.ini(
        {
            'DEFAULT': {
                'use_stderr': False,
                # tox has a folder named log in that of an environment.
                'log_file': folder / 'tempest.log',
            },
            'oslo_concurrency': {'lock_path': folder / 'locks'},
            'auth': {
                'admin_username': credentials.ADMIN,
                'admin_project_name': credentials.ADMIN,
                'admin_password': site.password(credentials.ADMIN),
                'create_isolated_networks': False,
            },
            'identity': {
                'uri_v3': site.auth_url,
                'region': site_module.REGION,
            },
            'compute': {
                'image_ref': image,
                'image_ref_alt': other_image,
                'flavor_ref': _FLAVOR,
                'flavor_ref_alt': _BIGGER_FLAVOR,
                'fixed_network_name': networks.SHARED_NAME,
                'min_compute_nodes': site.settings.hosts,
                'max_microversion': 'latest',
                'hypervisor_type': 'fake',
            },
            'compute-feature-enabled': {
                'change_password': True,
                'hostname_fqdn_sanitization': True,
                'personality': True,
                'resize': True,
                'shelve_migrate': True,
                'live_migrate_back_and_forth': True,
                'block_migration_for_live_migration': True,
                'scheduler_enabled_filters': 'all',
                'nova_policy_roles': 'admin,manager,member,reader,service',
            },
            'network-feature-enabled': {
                'api_extensions': ','.join(extensions.NAMES),
                'floating_ips': False,
            },
            'enforce_scope': {'nova': True},
            # No packet reaches a guest.
            'validation': {'run_validation': False},
            'service_available': {
                'cinder': False,
                'swift': False,
                'horizon': False,
            },
        }
    )
