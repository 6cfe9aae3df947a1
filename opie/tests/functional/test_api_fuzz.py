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
"""Requests of any bytes: the filter alone, before a stand-in of nova's API.

The stand-in gets the request that nova would get.  The databases are real.
Requests name opie's version, or do not.
"""

import copy
import io
import json

import hypothesis
from hypothesis import strategies as st
from nova import context as nova_context
from nova import test
from oslo_serialization import jsonutils

from opie.api import preemptible
from opie.api import routes
from opie.tests.functional import test_api_routes

NAMED = 'HTTP_OPENSTACK_API_VERSION'
HINTS = ('os:scheduler_hints', 'OS-SCH-HNT:scheduler_hints')

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.floats(),
    st.sampled_from(('true', 'True', 'no', 'OFF', 'y', ' yes ', '1', '')),
    st.text(max_size=5),
)
values = st.one_of(
    odd, st.lists(odd, max_size=3), st.dictionaries(st.text(), odd, max_size=2)
)
named = st.sampled_from(
    ({}, *({NAMED: name} for name in ('opie 1.0', 'compute 2.96,opie latest')))
)
plain = st.sampled_from((True, False, 'yes', 'no', ['true'], [], None))


def maybe(strategy):
    """Return lists of one value or none, half of each."""
    return st.one_of(st.just([]), strategy.map(lambda value: [value]))


@st.composite
def bodies_with(draw, marks, others):
    """Draw a body in which each mark is there or is not."""
    server = {}
    for name, strategy in (
        ('preemptible', marks),
        ('flavorRef', others),
        ('x', others),
    ):
        server.update((name, value) for value in draw(maybe(strategy)))
    body = {'server': server}
    for spelling in HINTS:
        marked = marks.map(lambda mark: {'x': 1, 'preemptible': mark})
        hints = st.one_of(marked, marked, odd, st.just({}))
        body.update((spelling, value) for value in draw(maybe(hints)))
    return body


bodies = st.one_of(bodies_with(plain, plain), bodies_with(values, values))


class Nova:
    """A WSGI application that keeps what it got and says little."""

    def __init__(self):
        self.requests = []

    def __call__(self, environ, start_response):
        length = int(environ.get('CONTENT_LENGTH') or 0)
        self.requests.append((environ, environ['wsgi.input'].read(length)))
        start_response('404 Not Found', [('Content-Type', 'text/plain')])
        return [b'']


class FuzzTest(test.TestCase):
    """A test case of nova's, for its databases."""

    def ask(self, method, path, body, **environ):
        """Return (status, what the stand-in got or None, environment)."""
        nova = Nova()
        environ = {
            'REQUEST_METHOD': method,
            'PATH_INFO': path,
            'SCRIPT_NAME': '/v2.1',
            'SERVER_NAME': 'localhost',
            'SERVER_PORT': '80',
            'wsgi.url_scheme': 'http',
            'wsgi.input': io.BytesIO(body),
            'CONTENT_LENGTH': str(len(body)),
            'nova.context': nova_context.RequestContext('user', 'project'),
            **environ,
        }
        statuses = []
        list(
            preemptible.PreemptibleFilter(nova)(
                environ, lambda status, headers, *args: statuses.append(status)
            )
        )
        got = nova.requests[0] if nova.requests else None
        return int(statuses[0][:3]), got, environ

    @hypothesis.given(
        body=st.one_of(st.binary(), st.text().map(str.encode)), version=named
    )
    def test_what_is_no_create_request_is_not_touched(self, body, version):
        for path in ('/servers', '/0a/servers', '/servers/x/action'):
            _, (_, got), _ = self.ask('POST', path, body, **version)
            self.assertEqual(body, got)

    @hypothesis.given(
        body=st.recursive(
            values,
            lambda inner: st.dictionaries(st.text(), inner, max_size=3),
        ).map(lambda value: json.dumps(value).encode()),
        indent=st.sampled_from((b'', b' ', b'\n\t')),
        version=named,
    )
    def test_a_body_without_a_mark_passes_byte_for_byte(
        self, body, indent, version
    ):
        body = indent + body + indent
        hypothesis.assume(b'preemptible' not in body)
        _, (_, got), _ = self.ask('POST', '/servers', body, **version)
        self.assertEqual(body, got)

    @hypothesis.given(
        method=test_api_routes.methods,
        path=test_api_routes.paths,
        body=st.binary(max_size=20),
        version=named,
    )
    def test_a_request_for_something_else_is_not_even_read(
        self, method, path, body, version
    ):
        hypothesis.assume(
            routes.match(test_api_routes.request(method, path)) is None
        )
        stream = io.BytesIO(body)
        _, (got, _), environ = self.ask(
            method, path, body, **{'wsgi.input': stream}, **version
        )
        self.assertIs(environ, got)
        self.assertIs(stream, got['wsgi.input'])
        self.assertNotIn('opie.api.has_passed', got)

    @hypothesis.given(
        version=st.text(
            alphabet=st.one_of(
                st.sampled_from('opiecompute ,.012latest'),
                st.characters(max_codepoint=255),
            ),
        ),
        other=st.sampled_from(('', ',opie 1.0', ', opie latest', ',opie 2.0')),
        method=st.sampled_from(('GET', 'PUT')),
    )
    def test_any_version_is_passed_on_or_refused(self, version, other, method):
        header = version + other
        status, got, _ = self.ask(method, '/servers/x', b'', **{NAMED: header})
        if status == 406:
            self.assertIsNone(got)
            self.assertRegex(header.lower(), r'opie\s')
            return
        self.assertEqual(404, status)
        self.assertEqual(header, got[0][NAMED])
        self.assertNotEqual(',opie 2.0', other)

    @hypothesis.given(body=bodies, version=named)
    def test_no_malformed_mark_passes_for_anything(self, body, version):
        expected = _expected(body)
        status, got, _ = self.ask(
            'POST', '/servers', json.dumps(body).encode(), **version
        )
        if expected is None:
            self.assertEqual(400, status, body)
            self.assertIsNone(got)
            return
        self.assertIsNotNone(got, status)
        received = jsonutils.loads(got[1])
        self.assertNotIn('preemptible', received['server'])
        read = _read_by_nova(received)
        if isinstance(read, dict):
            self.assertEqual(expected, _says(read.get('preemptible', [])))
            before = _read_by_nova(body)
            self.assertEqual(before.get('x'), read.get('x'))
        self.assertEqual(_bare(body), _bare(received))

    @hypothesis.given(
        body=bodies, content_type=st.sampled_from(('a/b', 'application/json'))
    )
    def test_a_body_in_chunks_is_as_good_as_one_in_a_piece(
        self, body, content_type
    ):
        data = json.dumps(body).encode()
        whole = self.ask('POST', '/servers', data, CONTENT_TYPE=content_type)
        chunked = self.ask(
            'POST',
            '/servers',
            data,
            CONTENT_TYPE=content_type,
            CONTENT_LENGTH='',
            HTTP_TRANSFER_ENCODING='chunked',
            **{'wsgi.input_terminated': True},
        )
        self.assertEqual(whole[0], chunked[0])
        self.assertEqual(whole[1] is None, chunked[1] is None)
        if whole[1] is not None and content_type == 'application/json':
            self.assertEqual(whole[1][1], chunked[1][1])

    @hypothesis.given(query=st.text(alphabet='premtibl=&%41+truefas;'))
    def test_other_parameters_pass_as_they_are(self, query):
        status, got, _ = self.ask('GET', '/servers', b'', QUERY_STRING=query)
        if status == 404:
            parts = [p for p in query.split('&') if 'pre' not in p]
            kept = [
                p
                for p in got[0]['QUERY_STRING'].split('&')
                # What the filter adds where it has found a choice.
                if 'pre' not in p and p != 'sort_dir=desc'
            ]
            self.assertEqual(parts, kept)

    def test_a_body_too_deep_or_cut_short_is_left_to_nova(self):
        deep = b'[' * 100_000 + b']' * 100_000
        _, (_, got), _ = self.ask('POST', '/servers', deep)
        self.assertEqual(deep, got)
        status, _, _ = self.ask(
            'POST', '/servers', b'{"server": {', CONTENT_LENGTH='500'
        )
        self.assertEqual(404, status)


def _expected(body):
    """Return what a create request says: True, False, or None if malformed.

    Written from the documentation alone, and not from opie's code.
    """
    said = []
    if 'preemptible' in body['server']:
        member = body['server']['preemptible']
        said.append(None if isinstance(member, list) else _says(member))
    for spelling in HINTS:
        read = body.get(spelling)
        if isinstance(read, dict) and 'preemptible' in read:
            said.append(_says(read['preemptible']))
    if None in said or len(set(said)) > 1:
        return None
    return said[0] if said else False


def _read_by_nova(body):
    return body.get(HINTS[0] if HINTS[0] in body else HINTS[1], {})


def _says(value):
    """Return what a hint says, None when it is malformed."""
    items = value if isinstance(value, list) else [value]
    said = [_boolean(item) for item in items]
    return None if None in said else bool(said) and all(said)


def _boolean(value):
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        return None
    if value not in (value.lower(), value.upper(), value.title()):
        return None
    return {
        **dict.fromkeys(('true', 'yes', 'on', '1'), True),
        **dict.fromkeys(('false', 'no', 'off', '0'), False),
    }.get(value.lower())


def _bare(body):
    """Return a body without marks, as text, so that NaN equals NaN."""
    bare = copy.deepcopy(body)
    bare['server'].pop('preemptible', None)
    for spelling in HINTS:
        if isinstance(bare.get(spelling), dict):
            bare[spelling].pop('preemptible', None)
            if not bare[spelling]:
                del bare[spelling]
    return json.dumps(bare, sort_keys=True)
