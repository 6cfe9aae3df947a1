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

"""The stand-in for glance, or glance itself."""

from importlib import util
import os
import sys

from opie.sandbox import errors
from opie.sandbox import programs
from opie.sandbox.services import keystone
from opie.sandbox.services import service
from opie.sandbox.services import stand_in
from opie.sandbox.services import web

NAME = 'glance'

# Section to the directory where it keeps files.
_STORES = {
    'files': 'images',
    'os_glance_tasks_store': 'tasks',
    'os_glance_staging_store': 'staging',
}


def make_service(site):
    """Return the service.

    :raises errors.Missing: if the real one is wanted and is not installed.
    """
    if not site.settings.has_glance:
        return stand_in.make_service(site, NAME)
    check(site.settings)
    return web.serve(
        site,
        NAME,
        'glance.wsgi.api:application',
        files(site),
        {'OS_GLANCE_CONFIG_DIR': str(site.home.etc / NAME)},
        ('glance database', 'mariadb'),
    )


def check(settings):
    """:raises errors.Missing: if glance is wanted and not installed."""
    if settings.has_glance and util.find_spec('glance') is None:
        raise errors.Missing(
            'There is no glance here. Install it: %s -m pip install glance'
            % sys.executable
        )


def files(site):
    """Return the configuration file, path to content."""
    stores = {
        section: {'filesystem_store_datadir': site.home.data / NAME / name}
        for section, name in _STORES.items()
    }
    return {
        site.home.etc / NAME / 'glance-api.conf': service.ini(
            {
                'DEFAULT': {
                    'enabled_backends': 'files:file',
                    'enabled_import_methods': '[]',
                },
                'database': {'connection': site.database_url(NAME)},
                'keystone_authtoken': keystone.auth_token(site, NAME),
                'glance_store': {'default_backend': 'files'},
                'paste_deploy': {
                    'flavor': 'keystone',
                    'config_file': _paste_file(),
                },
                **stores,
            }
        ),
    }


def _paste_file():
    """Return the path of the glance-api-paste.ini of glance's wheel."""
    return os.path.join(sys.prefix, 'etc', 'glance', 'glance-api-paste.ini')


def preparation(site):
    """Return what fills its database, which may be filled already."""
    command = (
        programs.script('glance-manage'),
        '--config-file=%s' % (site.home.etc / NAME / 'glance-api.conf'),
        'db_sync',
    )
    return service.Preparation(
        'glance database',
        (command,),
        ('databases', 'mariadb'),
        folders=tuple(
            site.home.data / NAME / name for name in _STORES.values()
        ),
    )
