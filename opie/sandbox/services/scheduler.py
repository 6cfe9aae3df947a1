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

"""The schedulers, one process or more; all read the same queue."""

import functools

from opie.sandbox import programs
from opie.sandbox.services import nova
from opie.sandbox.services import rabbitmq
from opie.sandbox.services import service

_DISCOVERY_SECONDS = 2


def name(number):
    """Return the name of one: they are counted from 1."""
    return 'nova-scheduler-%d' % number


def make_services(site):
    """Return the services."""
    return [_one(site, i + 1) for i in range(site.settings.schedulers)]


def _one(site, number):
    host = 'scheduler%d' % number
    sections = {'DEFAULT': {'host': host}}
    if number == 1:
        # It maps new hosts to the cell.  Two that did would get in each
        # other's way.
        sections['scheduler'] = {
            'discover_hosts_in_cells_interval': _DISCOVERY_SECONDS
        }
    program = 'nova-scheduler'
    if site.settings.has_opie:
        program = 'opie-nova-scheduler'
    return service.Service(
        name(number),
        (
            programs.script(program),
            *nova.arguments(site, name(number)),
        ),
        functools.partial(_check, site, 'scheduler.' + host),
        files=nova.files(site, name(number), sections),
        environment=nova.environment(),
        needs=nova.NEEDS,
    )


def _check(site, queue, since):
    rabbitmq.check_readers(site, [queue])
