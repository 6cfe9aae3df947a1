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
"""Adds the member ``preemptible`` to nova's answers about servers."""

import urllib.parse

from nova.api.openstack import wsgi
from oslo_serialization import jsonutils

from opie.api import lookup

MEMBER = 'preemptible'
_SUCCESSES = (200, 202)


def add_to_created(response, is_preemptible):
    """Say of a new server whether it is preemptible.

    An answer that names no server stays as it is: the request was refused, or
    asked for the id of a reservation only.
    """
    body = _decode(response)
    if body is not None and isinstance(body.get('server'), dict):
        body['server'][MEMBER] = is_preemptible
        _encode(response, body)


def add_to_server(response):
    """Say whether the server that an answer shows is preemptible.

    :raises oslo_db.exception.DBError: when nova's databases do not answer.
    """
    body = _decode(response)
    if body is None or not isinstance(body.get('server'), dict):
        return
    server = body['server']
    known = _look_up([server])
    _add(server, known)
    _encode(response, body)


def add_to_page(response):
    """Say of each server of a page whether it is preemptible.

    :raises oslo_db.exception.DBError: when nova's databases do not answer.
    """
    body = _decode(response)
    if body is None or 'servers' not in body:
        return
    known = _look_up(body['servers'])
    for server in body['servers']:
        _add(server, known)
    _encode(response, body)


def keep_choice(response, wanted):
    """Have the link to the next page choose what this page has chosen.

    :param wanted: True for preemptible servers, False for normal ones.
    """
    body = _decode(response)
    if body is None or 'servers_links' not in body:
        return
    for link in body['servers_links']:
        link['href'] = _with_parameter(link['href'], wanted)
    _encode(response, body)


def _look_up(servers):
    return lookup.find([server['id'] for server in servers])


def _is_preemptible(server, known):
    found = known.get(server['id'])
    return found.is_preemptible if found else None


def _add(server, known):
    is_preemptible = _is_preemptible(server, known)
    if is_preemptible is not None:
        server[MEMBER] = is_preemptible


def _with_parameter(url, wanted):
    """Return the URL of the next page, with the parameter of this request."""
    parts = urllib.parse.urlsplit(url)
    parameter = '%s=%s' % (MEMBER, str(wanted).lower())
    query = '&'.join(filter(None, (parts.query, parameter)))
    return parts._replace(query=query).geturl()


def _decode(response):
    """Return the object in a successful answer, None for any other."""
    if (
        response.status_code not in _SUCCESSES
        or response.content_type not in wsgi.get_supported_content_types()
    ):
        return None
    body = jsonutils.loads(response.body)
    return body if isinstance(body, dict) else None


def _encode(response, body):
    response.body = jsonutils.dump_as_bytes(body)
