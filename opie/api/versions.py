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
"""The version of opie's API that a request names, beside that of nova's.

A request names ``opie 1.0`` in the header ``OpenStack-API-Version``, which all
services of OpenStack share.  nova reads only what is for ``compute`` in it.
The rules are those of OpenStack's microversion specification.
"""

import microversion_parse
from nova.api.openstack import wsgi
from oslo_middleware import request_id
from oslo_serialization import jsonutils
import webob

SERVICE = 'opie'
MIN_VERSION = MAX_VERSION = '1.0'

_HEADER = wsgi.API_VERSION_REQUEST_HEADER
_SAID = '%s %s' % (SERVICE, MAX_VERSION)


class NotAcceptable(ValueError):
    """A request names a version that there is not."""


def is_named(req):
    """Tell whether a request names a version of opie's API.

    :raises NotAcceptable: if it names one that there is not.
    """
    version = microversion_parse.get_version(req.headers, SERVICE)
    if version not in (None, MAX_VERSION, 'latest'):
        raise NotAcceptable(
            "Version %s of the service '%s' is not supported. Minimum is %s "
            'and maximum is %s.' % (version, SERVICE, MIN_VERSION, MAX_VERSION)
        )
    return version is not None


def name_in(response):
    """Name the version in an answer, where nova names its own."""
    of_nova = response.headers.get(_HEADER)
    if of_nova is not None:
        response.headers[_HEADER] = '%s, %s' % (of_nova, _SAID)


def refusal(req, error):
    """Return the answer to a request that names no version there is.

    :param error: a :class:`NotAcceptable`.
    """
    fault = {
        'request_id': req.environ.get(request_id.ENV_REQUEST_ID, ''),
        'code': SERVICE + '.microversion-unsupported',
        'status': 406,
        'title': 'Requested microversion is unsupported',
        'detail': str(error),
        'min_version': MIN_VERSION,
        'max_version': MAX_VERSION,
        'links': [],
    }
    return webob.Response(
        jsonutils.dump_as_bytes({'errors': [fault]}),
        406,
        [
            ('Content-Type', 'application/json'),
            (_HEADER, _SAID),
            ('Vary', _HEADER),
        ],
    )
