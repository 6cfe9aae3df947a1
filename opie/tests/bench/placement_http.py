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
import os
import subprocess
import sys
import urllib.request

from opie.tests.bench import processes

TOKEN = 'admin'

_CONF = """\
[placement_database]
connection = %s

[api]
auth_strategy = noauth2

[placement]
# Or concurrent claims may take more than there is.
allocation_conflict_retry_count = 1
"""
_OPTIONS = (
    '--workers=2',
    '--worker-class=gthread',
    '--threads=4',
    # Clients keep their connections longer than they rest.
    '--keep-alive=600',
    '--log-level=warning',
)


@contextlib.contextmanager
def running(folder, database_url):
    """Migrate the database and serve placement; yield its URL.

    :param folder: an existing directory for its configuration and log.
    """
    with open(os.path.join(folder, 'placement.conf'), 'w') as conf:
        conf.write(_CONF % database_url)
    env = {**os.environ, 'OS_PLACEMENT_CONFIG_DIR': folder}
    subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), 'placement-manage')]
        + ['--config-dir', folder, 'db', 'sync'],
        check=True,
        env=env,
        stderr=subprocess.DEVNULL,
    )
    address = '127.0.0.1:%d' % processes.free_port()
    log = os.path.join(folder, 'placement.log')
    command = [sys.executable, '-m', 'gunicorn', '--bind', address, *_OPTIONS]
    command.append('placement.wsgi.api:application')
    url = 'http://' + address
    with processes.running(command, log, env=env) as process:
        processes.wait_until(
            'Placement', process, log, lambda: urllib.request.urlopen(url)
        )
        yield url
