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

"""A request as the stand-ins read it."""

import dataclasses
import json
import urllib.parse

from opie.sandbox.stand_ins import answers
from opie.sandbox.stand_ins import tokens


@dataclasses.dataclass(frozen=True)
class Request:
    """A request of a caller that keystone knows.

    :ivar path: the segments behind the version.
    :ivar query: name to values.
    :ivar url: of the service.
    """

    method: str
    path: tuple[str, ...]
    query: dict[str, list[str]]
    data: bytes
    caller: tokens.Caller
    url: str

    def json(self):
        """Return the value of the body.

        :raises answers.Refusal: if it is no JSON.
        """
        try:
            return json.loads(self.data)
        except ValueError as error:
            raise answers.Refusal(
                400, 'The body is no JSON: %s.' % error
            ) from error

    def member(self, name, kind=dict):
        """Return a member of the body.

        :raises answers.Refusal: if it is not there, or of another type.
        """
        body = self.json()
        value = body.get(name) if isinstance(body, dict) else None
        if not isinstance(value, kind):
            raise answers.Refusal(400, "Unable to find '%s' in body" % name)
        return value


def read(environ, caller):
    """Return the :class:`Request` of WSGI's environment."""
    size = environ.get('CONTENT_LENGTH')
    return Request(
        environ['REQUEST_METHOD'],
        path(environ)[1:],
        urllib.parse.parse_qs(environ['QUERY_STRING'], keep_blank_values=True),
        # Without a length the body is in chunks, and gunicorn knows its end.
        environ['wsgi.input'].read(*([int(size)] if size else [])),
        caller,
        url(environ),
    )


def path(environ):
    """Return the segments of the path, the version first."""
    text = environ['PATH_INFO'].strip('/').removesuffix('.json')
    return tuple(text.split('/')) if text else ()


def url(environ):
    return 'http://' + environ['HTTP_HOST']
