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

"""Placement."""

from opie.sandbox import programs
from opie.sandbox.services import keystone
from opie.sandbox.services import service
from opie.sandbox.services import web

NAME = 'placement'


def make_service(site, sections=None, **workers):
    """Return the service.

    :param sections: what differs in its configuration, section to option to
        value.
    :param workers: as :func:`web.serve` takes them.
    """
    conf = {
        'placement_database': {'connection': site.database_url(NAME)},
        # With the default, concurrent claims may take more than there is.
        'placement': {'allocation_conflict_retry_count': 1},
        **(sections or _with_keystone(site)),
    }
    return web.serve(
        site,
        NAME,
        'placement.wsgi.api:application',
        {_folder(site) / 'placement.conf': service.ini(conf)},
        {'OS_PLACEMENT_CONFIG_DIR': str(_folder(site))},
        ('placement database', 'mariadb'),
        **workers,
    )


def preparation(site):
    """Return what fills its database."""
    command = (
        programs.script('placement-manage'),
        '--config-dir=%s' % _folder(site),
        'db',
        'sync',
    )
    return service.Preparation(
        'placement database', (command,), ('databases',)
    )


def _with_keystone(site):
    return {
        'api': {'auth_strategy': 'keystone'},
        'keystone_authtoken': keystone.auth_token(site, NAME),
    }


def _folder(site):
    return site.home.etc / NAME
