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

"""nova.conf for all of nova's services, and more files for some of them."""

import json
import sys

from opie.sandbox.services import keystone
from opie.sandbox.services import service

API_DATABASE = 'nova_api'
CELL0_DATABASE = 'nova_cell0'
CELL_DATABASE = 'nova_cell1'
CELL = 'cell1'
USER = 'nova'
# The needs of a service that asks placement as it starts.  It starts without
# an answer of placement, but not with a refusal.
NEEDS = ('nova database', 'mariadb', 'rabbitmq', 'keystone', 'users')

_WEIGHERS = (
    'nova.scheduler.weights.all_weighers',
    'opie.scheduler.weights.preemptible.PreemptibleDurationWeigher',
    'opie.scheduler.weights.preemptible.PreemptibleCountWeigher',
)
# Nova wants servers without a disk of their own to have a volume.
_POLICY = {
    'os_compute_api:servers:create:zero_disk_flavor': (
        'rule:project_member_or_admin'
    ),
}


def preparation(site):
    """Return what fills its databases."""
    command = (
        sys.executable,
        '-m',
        'opie.sandbox.services.nova_database',
        '--config-file=%s' % conf(site),
    )
    return service.Preparation(
        'nova database', (command,), ('databases',), environment()
    )


def folder(site):
    return site.home.etc / 'nova'


def conf(site):
    """Return the path of nova.conf."""
    return folder(site) / 'nova.conf'


def arguments(site, name):
    """Return what a command of nova's is told to read its settings from."""
    return (
        '--config-file=%s' % conf(site),
        '--config-file=%s' % _own_conf(site, name),
    )


def files(site, name, sections=()):
    """Return the configuration files of a service, path to content.

    :param sections: what it reads besides nova.conf, section to option to
        value.
    """
    return {
        conf(site): service.ini(_all_sections(site)),
        _policy(site): json.dumps({**_POLICY, **site.settings.policy}),
        _own_conf(site, name): service.ini(dict(sections)),
    }


def environment():
    """Return what makes nova run its services in threads, in each release."""
    return {'OS_NOVA_DISABLE_EVENTLET_PATCHING': 'True'}


def _own_conf(site, name):
    return site.home.etc / name / (name + '.conf')


def _policy(site):
    return folder(site) / 'policy.yaml'


def _all_sections(site):
    merged = _sections(site)
    more = [site.settings.nova_options]
    if site.settings.has_opie:
        more.insert(0, _opie_sections(site.settings))
    for sections in more:
        for name, options in sections.items():
            merged[name] = {**merged.get(name, {}), **options}
    return merged


def _sections(site):
    settings = site.settings
    user = keystone.as_service(site, USER)
    return {
        'DEFAULT': {
            'my_ip': '127.0.0.1',
            'host': 'controller',
            'state_path': site.home.data / 'nova',
            'transport_url': site.transport_url,
            'report_interval': settings.report_seconds,
            'service_down_time': settings.down_seconds,
            'update_resources_interval': settings.update_seconds,
            'periodic_fuzzy_delay': 0,
            **_plugging(settings),
            # Nothing here is worth waiting for when it stops.
            'graceful_shutdown_timeout': 10,
            'manager_shutdown_timeout': 1,
        },
        'api_database': {'connection': site.database_url(API_DATABASE)},
        'database': {'connection': site.database_url(CELL_DATABASE)},
        'quota': {'instances': -1, 'cores': -1, 'ram': -1},
        'scheduler': {'workers': 1},
        'conductor': {'workers': 1},
        'keystone_authtoken': keystone.auth_token(site, USER),
        'service_user': {**user, 'send_service_user_token': 'True'},
        'keystone': user,
        'placement': user,
        'neutron': user,
        'glance': {**user, 'num_retries': 1},
        # There is no cinder.
        'cinder': {**user, 'catalog_info': 'volumev3::publicURL'},
        'oslo_concurrency': {'lock_path': site.home.data / 'nova' / 'locks'},
        'oslo_messaging_rabbit': {
            'rabbit_retry_interval': 1,
            'rabbit_interval_max': 2,
        },
        'oslo_policy': {'policy_file': _policy(site)},
    }


def _plugging(settings):
    if settings.has_neutron:
        return {}
    # The stand-in for neutron tells nova nothing of its own accord.
    return {'vif_plugging_timeout': 0, 'vif_plugging_is_fatal': False}


def _opie_sections(settings):
    return {
        'DEFAULT': {
            'scheduler_driver': (
                'opie.scheduler.filter_scheduler.FilterScheduler'
            ),
            'scheduler_host_manager': (
                'opie.scheduler.host_manager.HostManager'
            ),
            'preemptible_count_weight_multiplier': 1000.0,
            'preemptible_duration_weight_multiplier': 1000.0,
        },
        'opie': {
            'preemption_timeout_seconds': settings.preemption_timeout_seconds
        },
        'filter_scheduler': {'weight_classes': ', '.join(_WEIGHERS)},
    }
