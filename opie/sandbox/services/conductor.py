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

"""nova-conductor."""

from opie.sandbox import programs
from opie.sandbox.services import nova
from opie.sandbox.services import rabbitmq
from opie.sandbox.services import service

NAME = 'nova-conductor'


def make_service(site):
    """Return the service."""
    return service.Service(
        NAME,
        (programs.script(NAME), *nova.arguments(site, NAME)),
        lambda since: rabbitmq.check_readers(site, ['conductor.controller']),
        files=nova.files(site, NAME),
        environment=nova.environment(),
        needs=nova.NEEDS,
    )
