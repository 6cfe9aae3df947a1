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

"""Serves a WSGI application: gunicorn, with threads.

gunicorn's settings are in a file in its working directory, because nova reads
the command line as its own.
"""

import sys
import urllib.error
import urllib.request

from opie.sandbox import ports
from opie.sandbox.services import service

_ANSWER_SECONDS = 3
_FIRST_SERVER_ERROR = 500

_CONF = """\
bind = '%(address)s:%(port)d'
wsgi_app = '%(application)s'
proc_name = '%(name)s'
workers = %(workers)d
worker_class = 'gthread'
threads = %(threads)d
# Clients keep their connections longer than they rest.
keepalive = 600
timeout = 300
graceful_timeout = 3
# nova asks neutron for the ports of hundreds of servers in one line.
limit_request_line = 0
# It would be in the home of the user.
control_socket_disable = True
"""


def serve(
    site, name, application, files, environment, needs, workers=1, threads=8
):
    """Return the service.

    :param application: ``module:attribute``.
    """
    folder = site.home.etc / name
    conf = _CONF % {
        'address': ports.LOOPBACK,
        'port': site.ports[name],
        'application': application,
        'name': name,
        'workers': workers,
        'threads': threads,
    }
    return service.Service(
        name,
        (sys.executable, '-m', 'gunicorn'),
        lambda since: check(site.url(name)),
        files={**files, folder / 'gunicorn.conf.py': conf},
        environment=environment,
        needs=needs,
        folder=folder,
    )


def check(url):
    """:raises: if nothing answers there, or only with an error of its own."""
    try:
        urllib.request.urlopen(url, timeout=_ANSWER_SECONDS).close()
    except urllib.error.HTTPError as error:
        if error.code >= _FIRST_SERVER_ERROR:
            raise
