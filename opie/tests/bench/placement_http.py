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

"""Placement as a service: an own process with two workers, over HTTP.

Tokens are placement's own for tests: ``admin`` is an administrator's.
"""

import contextlib

from opie.sandbox import launcher
from opie.sandbox import steps
from opie.sandbox.services import placement

NAME = placement.NAME
TOKEN = 'admin'


@contextlib.contextmanager
def running(site):
    """Migrate the database and serve placement; yield its URL.

    :param site: a :class:`opie.sandbox.site.Site`.
    """
    service = placement.make_service(
        site, {'api': {'auth_strategy': 'noauth2'}}, workers=2, threads=4
    )
    launcher.write_files([service])
    launcher.run(site.home, placement.preparation(site), steps.Stop())
    with launcher.running(site.home, service):
        yield site.url(NAME)
