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

"""The WSGI application that the stand-ins share.

It asks keystone who calls, and has the service answer one request at a time.
"""

import os
import pathlib
import threading

from opie.sandbox.stand_ins import answers
from opie.sandbox.stand_ins import requests
from opie.sandbox.stand_ins import store as store_module
from opie.sandbox.stand_ins import tokens

# What the process finds in its environment.
AUTH_URL = 'OPIE_SANDBOX_AUTH_URL'
FOLDER = 'OPIE_SANDBOX_DATA'


class Application:
    """A WSGI application.

    :param service: has ``answer(request)``, ``refuse(refusal)`` and
        ``versions(url)``, all of which return an :class:`answers.Answer`.
    :param callers: as :class:`tokens.Tokens`.
    """

    def __init__(self, service, callers):
        self._service = service
        self._callers = callers
        self._lock = threading.Lock()

    def __call__(self, environ, start_response):
        try:
            answer = self._answer(environ)
        except answers.Refusal as refusal:
            answer = self._service.refuse(refusal)
        return answers.send(answer, start_response)

    def _answer(self, environ):
        path = requests.path(environ)
        if not path:
            return self._service.versions(requests.url(environ))
        caller = self._callers.caller(environ.get('HTTP_X_AUTH_TOKEN', ''))
        request = requests.read(environ, caller)
        with self._lock:
            return self._service.answer(request)


def application(service_class):
    """Return the application of a process that the sandbox has started.

    :param service_class: is called with a :class:`store.Store`.
    """
    folder = pathlib.Path(os.environ[FOLDER])
    folder.mkdir(parents=True, exist_ok=True)
    return Application(
        service_class(store_module.Store(folder / 'documents')),
        tokens.Tokens(os.environ[AUTH_URL]),
    )
