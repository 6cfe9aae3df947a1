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

"""keystone, and how the other services authenticate to it."""

import grp
import os
import pwd

from opie.sandbox import programs
from opie.sandbox import site as site_module
from opie.sandbox.services import service
from opie.sandbox.services import web

NAME = 'keystone'
ADMIN = 'admin'


def make_service(site):
    """Return the service."""
    return web.serve(
        site,
        NAME,
        'keystone.wsgi.api:application',
        files(site),
        {'OS_KEYSTONE_CONFIG_DIR': str(site.home.etc / NAME)},
        ('keystone database', 'mariadb'),
    )


def files(site):
    """Return the configuration file, path to content."""
    token_keys, credential_keys = _key_folders(site)
    return {
        site.home.etc / NAME / 'keystone.conf': service.ini(
            {
                'database': {'connection': site.database_url(NAME)},
                'fernet_tokens': {'key_repository': token_keys},
                'credential': {'key_repository': credential_keys},
                'token': {'expiration': 86400},
                # Without a cache keystone reads a user's roles and the
                # catalog several times for each command.  One process serves
                # all requests, so that none sees an outdated answer.
                'cache': {'backend': 'dogpile.cache.memory_pickle'},
                # The least that there is: these passwords are not attacked.
                'identity': {'password_hash_rounds': 4},
                'DEFAULT': {'public_endpoint': site.url(NAME)},
            }
        )
    }


def preparations(site):
    """Return what makes its keys, and what fills its database."""
    owner = (
        '--keystone-user=' + pwd.getpwuid(os.getuid()).pw_name,
        '--keystone-group=' + grp.getgrgid(os.getgid()).gr_name,
    )
    keys = service.Preparation(
        'keystone keys',
        (
            _manage(site, 'fernet_setup', *owner),
            _manage(site, 'credential_setup', *owner),
        ),
        folders=_key_folders(site),
    )
    database = service.Preparation(
        'keystone database',
        (
            _manage(site, 'db_sync'),
            _manage(
                site,
                'bootstrap',
                '--bootstrap-username=' + ADMIN,
                '--bootstrap-project-name=' + ADMIN,
                '--bootstrap-region-id=' + site_module.REGION,
                '--bootstrap-public-url=' + site.auth_url,
                '--bootstrap-internal-url=' + site.auth_url,
                '--bootstrap-admin-url=' + site.auth_url,
            ),
        ),
        ('databases', keys.name),
        # Every user of the machine can read command lines.
        {'OS_BOOTSTRAP_PASSWORD': site.password(ADMIN)},
    )
    return keys, database


def _key_folders(site):
    """Return where its keys are: those of tokens, those of credentials."""
    data = site.home.data / NAME
    return data / 'fernet-keys', data / 'credential-keys'


def _manage(site, *arguments):
    return (
        programs.script('keystone-manage'),
        '--config-file=%s' % (site.home.etc / NAME / 'keystone.conf'),
        *arguments,
    )


def auth_token(site, user):
    """Return the section [keystone_authtoken] of a service of that user."""
    return {
        **as_service(site, user),
        'www_authenticate_uri': site.auth_url,
        'service_token_roles': 'service',
        'service_token_roles_required': 'True',
        # Asking keystone about each request would be its main work.
        'token_cache_time': 300,
    }


def as_service(site, user):
    """Return how a service's user authenticates, as a section's options."""
    return {
        'auth_type': 'password',
        'auth_url': site.auth_url,
        'username': user,
        'password': site.password(user),
        'user_domain_name': 'Default',
        'project_name': 'service',
        'project_domain_name': 'Default',
        'region_name': site_module.REGION,
    }
