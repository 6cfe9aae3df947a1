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

"""The stand-in for neutron, or neutron itself.

The real one has no agents: a mechanism driver of the sandbox binds each port
to its host, and no packet is moved.
"""

from importlib import util
import pathlib
import sys

from opie.sandbox import errors
from opie.sandbox import programs
from opie.sandbox.services import keystone
from opie.sandbox.services import mariadb
from opie.sandbox.services import service
from opie.sandbox.services import stand_in
from opie.sandbox.services import web

NAME = 'neutron'
EMPTY_DATABASE = 'empty neutron database'
DATABASE = 'neutron database'

_PASTE = 'api-paste.ini'
# What a project may have that neutron counts.
_COUNTED = (
    'network',
    'subnet',
    'port',
    'router',
    'floatingip',
    'security_group',
    'security_group_rule',
    'rbac_policy',
)


def make_service(site):
    """Return the service.

    :raises errors.Missing: if the real one is wanted and is not installed.
    """
    if not site.settings.has_neutron:
        return stand_in.make_service(site, NAME)
    check(site.settings)
    return web.serve(
        site,
        NAME,
        'neutron.wsgi.api:application',
        {
            _conf(site): service.ini(_sections(site)),
            # neutron finds it beside its neutron.conf.
            _conf(site).with_name(_PASTE): _paste_file().read_text(),
        },
        {'OS_NEUTRON_CONFIG_FILES': str(_conf(site))},
        (DATABASE, 'mariadb', 'rabbitmq', 'keystone', 'users'),
    )


def check(settings):
    """:raises errors.Missing: if neutron is wanted and not installed."""
    if settings.has_neutron and util.find_spec('neutron') is None:
        raise errors.Missing(
            'There is no neutron here. Install it: %s -m pip install neutron'
            % sys.executable
        )


def create_database(site):
    """Create its database, which may be there already."""
    mariadb.execute(
        mariadb.connect(mariadb.folder(site)),
        'CREATE DATABASE IF NOT EXISTS %s CHARSET utf8mb3' % NAME,
    )


def preparation(site):
    """Return what fills its database, which may be filled already."""
    command = (
        programs.script('neutron-db-manage'),
        '--config-file=%s' % _conf(site),
        'upgrade',
        'heads',
    )
    return service.Preparation(DATABASE, (command,), (EMPTY_DATABASE,))


def _conf(site):
    return site.home.etc / NAME / 'neutron.conf'


def _sections(site):
    state = site.home.data / NAME
    return {
        'DEFAULT': {
            'core_plugin': 'ml2',
            'service_plugins': 'router',
            'transport_url': site.transport_url,
            'state_path': state,
            # There are no agents.
            'dhcp_agent_notification': False,
        },
        'ml2': {
            'type_drivers': 'local',
            'project_network_types': 'local',
            'mechanism_drivers': 'opie_sandbox',
            'extension_drivers': 'port_security',
        },
        'quotas': {'quota_%s' % name: -1 for name in _COUNTED},
        'database': {'connection': site.database_url(NAME)},
        'keystone_authtoken': keystone.auth_token(site, NAME),
        # Of ports that change neutron tells nova.
        'nova': keystone.as_service(site, NAME),
        'oslo_concurrency': {'lock_path': state / 'locks'},
    }


def _paste_file():
    """Return the path of the api-paste.ini of neutron's wheel."""
    return pathlib.Path(sys.prefix, 'etc', NAME, _PASTE)
