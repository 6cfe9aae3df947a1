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

"""nova-compute, with a stand-in for the hypervisor: many hosts in a process.

The last processes may run one host each, so that it can be stopped alone.
"""

import datetime
import functools
import sys

import pymysql

from opie.sandbox import ports
from opie.sandbox import site as site_module
from opie.sandbox.services import nova
from opie.sandbox.services import rabbitmq
from opie.sandbox.services import service

_PROCESS = 'opie.sandbox.services.compute_process'


def name(number):
    """Return the name of one process: they are counted from 1."""
    return 'nova-compute-%d' % number


def make_services(site):
    """Return the services, a process each."""
    return [
        _one(site, name(i + 1), hosts)
        for i, hosts in enumerate(site.settings.host_groups())
    ]


def _one(site, name, hosts):
    sections = {
        'DEFAULT': {
            'reserved_host_memory_mb': 0,
            'cpu_allocation_ratio': 1.0,
            'ram_allocation_ratio': 1.0,
            'disk_allocation_ratio': 1.0,
        },
    }
    return service.Service(
        name,
        (
            sys.executable,
            '-m',
            _PROCESS,
            '--state-path=%s' % (site.home.data / 'nova'),
            '--vcpus=%d' % site.settings.vcpus,
            '--ram-mb=%d' % site.settings.ram_mb,
            '--destroy-seconds=%d' % site.settings.destroy_seconds,
            *('--host=' + host for host in hosts),
            '--',
            *nova.arguments(site, name),
        ),
        functools.partial(_check, site, hosts),
        files=nova.files(site, name, sections),
        environment=nova.environment(),
        needs=(
            'nova-conductor',
            'placement',
            'rabbitmq',
            'nova-scheduler-1',
            'users',
        ),
    )


def _check(site, hosts, since):
    """:raises: until all hosts listen, report that, and are mapped."""
    rabbitmq.check_readers(site, ['compute.' + host for host in hosts])
    moment = datetime.datetime.fromtimestamp(since, datetime.UTC)
    # The database keeps whole seconds.
    reported = _query(
        site,
        nova.CELL_DATABASE,
        "SELECT host FROM services WHERE `binary` = 'nova-compute' "
        'AND deleted = 0 AND last_seen_up >= %s',
        moment.replace(tzinfo=None, microsecond=0),
    )
    mapped = _query(site, nova.API_DATABASE, 'SELECT host FROM host_mappings')
    missing = set(hosts) - (reported & mapped)
    if missing:
        raise service.NotYet('not up: ' + ', '.join(sorted(missing)))


def _query(site, database, statement, *values):
    with (
        pymysql.connect(
            host=ports.LOOPBACK,
            port=site.ports['mariadb'],
            user=site_module.DATABASE_USER,
            password=site.password('mariadb'),
            database=database,
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, values)
        return {row[0] for row in cursor.fetchall()}
