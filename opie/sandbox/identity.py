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

"""Registers users, projects, services and their endpoints in keystone.

Registering may be repeated: all that is there already stays, and endpoints
that have moved to another port are corrected.
"""

from opie.sandbox import credentials
from opie.sandbox import site as site_module
from opie.sandbox.services import nova

_SERVICE_PROJECT = 'service'
# Type of a service to (its name, its path); the name is that of its port.
_SERVICES = {
    'compute': ('nova-api', '/v2.1'),
    'placement': ('placement', ''),
    'image': ('glance', ''),
    'network': ('neutron', ''),
}
_SERVICE_USERS = (nova.USER, 'placement', 'glance', 'neutron')


def connect(site, user=credentials.ADMIN):
    """Return a connection of the SDK."""
    # It takes a second to import, which few commands have to wait for.
    import openstack

    variables = credentials.variables_for(site, user)
    return openstack.connection.Connection(
        auth_type='password',
        auth={
            name.removeprefix('OS_').lower(): variables[name]
            for name in (
                'OS_AUTH_URL',
                'OS_USERNAME',
                'OS_PASSWORD',
                'OS_USER_DOMAIN_NAME',
                'OS_PROJECT_NAME',
                'OS_PROJECT_DOMAIN_NAME',
            )
        },
        region_name=variables['OS_REGION_NAME'],
        identity_api_version='3',
        # The catalog may still have the endpoint of the last start.
        identity_endpoint_override=site.auth_url,
    )


def register(site):
    """Create in keystone all that is not there, and correct endpoints."""
    identity = connect(site).identity
    _register_users(identity, site)
    _register_services(identity, site)


def _register_users(identity, site):
    roles = {role.name: role for role in identity.roles()}
    projects = {project.name: project for project in identity.projects()}
    users = {user.name: user for user in identity.users()}
    wanted = [
        (user, project, ('member',))
        for user, project in credentials.MEMBERS.items()
    ]
    wanted += [
        (user, _SERVICE_PROJECT, ('admin', 'service'))
        for user in _SERVICE_USERS
    ]
    for user, project, role_names in wanted:
        if project not in projects:
            projects[project] = identity.create_project(
                name=project, domain_id='default'
            )
        if user not in users:
            users[user] = identity.create_user(
                name=user,
                password=site.password(user),
                domain_id='default',
                default_project_id=projects[project].id,
            )
        for name in role_names:
            identity.assign_project_role_to_user(
                projects[project], users[user], roles[name]
            )


def _register_services(identity, site):
    urls = {'identity': site.auth_url}
    services = {service.type: service for service in identity.services()}
    for kind, (name, path) in _SERVICES.items():
        urls[kind] = site.url(name) + path
        if kind not in services:
            services[kind] = identity.create_service(name=name, type=kind)
    kinds = {service.id: kind for kind, service in services.items()}
    found = set()
    for endpoint in identity.endpoints():
        kind = kinds.get(endpoint.service_id)
        found.add(kind)
        if kind in urls and endpoint.url != urls[kind]:
            identity.update_endpoint(endpoint, url=urls[kind])
    for kind in urls.keys() - found:
        identity.create_endpoint(
            service_id=services[kind].id,
            interface='public',
            region_id=site_module.REGION,
            url=urls[kind],
        )
