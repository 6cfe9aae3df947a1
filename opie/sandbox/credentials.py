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

"""The users of the cloud, and their variables for the openstack command."""

import shlex

from opie.sandbox import errors
from opie.sandbox import site as site_module
from opie.sandbox.services import keystone

# User to project; each is a member of a project of its own.
MEMBERS = {'demo': 'demo', 'other': 'other'}
ADMIN = keystone.ADMIN

_PROJECTS = {**MEMBERS, ADMIN: ADMIN}
_OTHERS = (
    'OS_CLOUD',
    'OS_TOKEN',
    'OS_USER_ID',
    'OS_USER_DOMAIN_ID',
    'OS_PROJECT_ID',
    'OS_PROJECT_DOMAIN_ID',
    'OS_TENANT_NAME',
    'OS_DOMAIN_NAME',
    'OS_SYSTEM_SCOPE',
    'OS_ENDPOINT',
    'OS_CACERT',
)


def variables_for(site, user):
    """Return the variables of the environment for a user.

    :raises errors.SandboxError: if there is no such user.
    """
    if user not in _PROJECTS:
        raise errors.SandboxError(
            'There is no user %s: choose %s.' % (user, ', '.join(_PROJECTS))
        )
    return {
        'OS_AUTH_TYPE': 'password',
        'OS_AUTH_URL': site.auth_url,
        'OS_IDENTITY_API_VERSION': '3',
        'OS_USERNAME': user,
        'OS_PASSWORD': site.password(user),
        'OS_USER_DOMAIN_NAME': 'Default',
        'OS_PROJECT_NAME': _PROJECTS[user],
        'OS_PROJECT_DOMAIN_NAME': 'Default',
        'OS_REGION_NAME': site_module.REGION,
    }


def exports(variables):
    """Return the lines that a shell evaluates.

    They also unset the variables that another cloud may have left there.
    """
    lines = ['unset %s;' % ' '.join(_OTHERS)]
    lines += [
        'export %s=%s;' % (name, shlex.quote(value))
        for name, value in variables.items()
    ]
    return '\n'.join(lines)
