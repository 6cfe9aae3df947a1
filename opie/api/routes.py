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
"""Which requests are about servers, read from their paths as nova reads them.

nova serves servers under two names: ``os-volumes_boot`` creates them too.
"""

import re

import webob

CREATE = 'create'
INDEX = 'index'
DETAIL = 'detail'
SHOW = 'show'
UPDATE = 'update'
ACTION = 'action'

# NOTE: nova/api/openstack/__init__.py and compute/routes.py.  A ``$`` matches
# before a trailing newline there, so it must here.
_PATH = re.compile(
    r'^(?:/[0-9a-f-]+)?/(?:servers|os-volumes_boot)'
    r'(?:/(?P<id>[^/]+?)(?P<action>/action)?)?$'
)
_OF_COLLECTION = {'POST': CREATE, 'GET': INDEX}
_OF_SERVER = {'GET': SHOW, 'PUT': UPDATE}


def match(environ):
    """Return (operation, server id or None), or None for any other request.

    :param environ: of a request whose PATH_INFO begins where the version ends.
    """
    found = _PATH.match(environ.get('PATH_INFO', ''))
    if found is None:
        return None
    method = _method(environ)
    server_id = found['id']
    if server_id is None:
        operation = _OF_COLLECTION.get(method)
    elif found['action']:
        operation = ACTION if method == 'POST' else None
    elif server_id == 'detail' and method == 'GET':
        operation, server_id = DETAIL, None
    else:
        operation = _OF_SERVER.get(method)
    return (operation, server_id) if operation else None


def _method(environ):
    """Return the method that nova's router goes by.

    NOTE: routes/middleware.py lets the query override the request's method.
    A form may override it too, but nova refuses every form.
    """
    if '_method' in environ.get('QUERY_STRING', ''):
        try:
            override = webob.Request(environ).GET.get('_method')
        except UnicodeDecodeError:
            override = None
        if override:
            return override.upper()
    return environ['REQUEST_METHOD']
