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
"""The ``preemptible`` parameter of requests for lists of servers."""

import urllib.parse

from nova.api.validation import parameter_types
from oslo_utils import strutils

PARAMETER = 'preemptible'

# NOTE: nova/api/openstack/compute/servers.py, and common.py for the default.
_ORDERS = ('sort_key', 'sort_dir', 'limit', 'marker')
_ORDER_OF_NOVA = 'sort_dir=desc'
_TEXTS = [
    value
    for value in parameter_types.boolean['enum']
    if isinstance(value, str)
]


class InvalidParameter(ValueError):
    """The parameter is no boolean; the text is in nova's words."""


def take(query_string):
    """Return (the query string without the parameter, its value or None).

    Of several values the last one counts, as in nova.

    :param query_string: a request's QUERY_STRING; all else in it stays as it
        is, byte for byte.
    :raises InvalidParameter: when a value is none of nova's booleans.
    """
    rest, wanted = [], None
    for part in query_string.split('&'):
        name, _, value = part.partition('=')
        if urllib.parse.unquote_plus(name) == PARAMETER:
            wanted = _read(urllib.parse.unquote_plus(value))
        else:
            rest.append(part)
    return '&'.join(rest), wanted


def with_order(query_string):
    """Return a query string that says in which order to list servers."""
    names = {
        urllib.parse.unquote_plus(part.partition('=')[0])
        for part in query_string.split('&')
    }
    if names.intersection(_ORDERS):
        return query_string
    return '&'.join(filter(None, (query_string, _ORDER_OF_NOVA)))


def _read(value):
    if value not in _TEXTS:
        raise InvalidParameter(
            'Invalid input for query parameters %s. Value: %s. It must be '
            'one of %s.' % (PARAMETER, value, ', '.join(_TEXTS))
        )
    return strutils.bool_from_string(value, strict=True)
