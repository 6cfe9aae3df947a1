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

"""A stand-in for a service of OpenStack."""

from opie.sandbox.services import web
from opie.sandbox.stand_ins import serving


def make_service(site, name):
    """Return the service.

    :param name: of the service and of its package in opie.sandbox.stand_ins.
    """
    return web.serve(
        site,
        name,
        'opie.sandbox.stand_ins.%s.wsgi:application' % name,
        {},
        {
            serving.AUTH_URL: site.auth_url,
            serving.FOLDER: str(site.home.data / ('stand-in-%s' % name)),
        },
        (),
    )
