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

"""nova-api, with opie's filter or without."""

import pathlib

from opie.sandbox import paste
from opie.sandbox.services import nova
from opie.sandbox.services import web

NAME = 'nova-api'


def make_service(site):
    """Return the service."""
    folder = site.home.etc / NAME
    pipeline = pathlib.Path(paste.of_nova())
    files = nova.files(site, NAME)
    files[folder / 'api-paste.ini'] = (
        paste.with_filter(pipeline)
        if site.settings.has_opie
        else pipeline.read_text()
    )
    return web.serve(
        site,
        NAME,
        'nova.wsgi.osapi_compute:application',
        files,
        {
            **nova.environment(),
            'OS_NOVA_CONFIG_DIR': str(folder),
            'OS_NOVA_CONFIG_FILES': 'api-paste.ini;%s' % nova.conf(site),
        },
        ('nova database', 'mariadb', 'rabbitmq'),
    )
