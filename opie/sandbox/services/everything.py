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

"""All services of a cloud, and the preparations of their databases."""

from opie.sandbox.services import compute
from opie.sandbox.services import conductor
from opie.sandbox.services import glance
from opie.sandbox.services import keystone
from opie.sandbox.services import mariadb
from opie.sandbox.services import neutron
from opie.sandbox.services import nova
from opie.sandbox.services import nova_api
from opie.sandbox.services import placement
from opie.sandbox.services import rabbitmq
from opie.sandbox.services import scheduler

WEB = (
    keystone.NAME,
    placement.NAME,
    nova_api.NAME,
    glance.NAME,
    neutron.NAME,
)
PORTS = (
    mariadb.NAME,
    rabbitmq.NAME,
    rabbitmq.DISTRIBUTION,
    rabbitmq.MAPPER,
    *WEB,
)
DATABASES = (
    keystone.NAME,
    placement.NAME,
    glance.NAME,
    nova.API_DATABASE,
    nova.CELL0_DATABASE,
    nova.CELL_DATABASE,
)


def make_services(site):
    """Return the services."""
    return [
        mariadb.make_service(site),
        *rabbitmq.make_services(site),
        keystone.make_service(site),
        placement.make_service(site),
        glance.make_service(site),
        neutron.make_service(site),
        conductor.make_service(site),
        *scheduler.make_services(site),
        nova_api.make_service(site),
        *compute.make_services(site),
    ]


def preparations(site):
    """Return the preparations that a new cloud needs once."""
    return [
        mariadb.preparation(site),
        *keystone.preparations(site),
        placement.preparation(site),
        nova.preparation(site),
    ]
