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

"""Sees every I/O call of opie/scheduler, at the lowest layer.

HTTP requests, statements of SQL and messages are seen where they leave the
process, no matter which code of nova sends them.  They belong to the functions
of opie/scheduler that are on the stack.  So a new call is seen without being
listed anywhere.  This works in any process that runs a scheduler.
"""

import concurrent.futures
import dataclasses
import functools
import pathlib
import re
import sys
import threading
import types
import typing

import futurist
from keystoneauth1 import session
import oslo_messaging.transport
import sqlalchemy as sa

import opie.scheduler
from opie.scheduler import steps

_FOLDER = str(pathlib.Path(opie.scheduler.__file__).parent)
_UUID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
_STATEMENT = re.compile(
    r'\s*(SELECT\b.*?\bFROM|INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)', re.DOTALL
)
# All that passes through the one module that talks to placement.
_CLIENT = 'client.Client.'

_here = threading.local()
_listener = None


@dataclasses.dataclass(frozen=True)
class Call:
    """An I/O call.

    :ivar path: the functions of opie/scheduler that lead to it, such as
        ``eviction.Eviction._send``, outermost first.
    :ivar site: (function, last line, last column) of the expression in the
        last of them that calls something else; the client of placement does
        not count.
    :ivar what: such as ``POST /allocations`` or ``UPDATE instances``.
    :ivar step: of the innermost of them that is marked with one, or None; see
        :mod:`opie.scheduler.steps`.
    :ivar is_polled: whether time decides how often it is made.
    :ivar is_remembered: whether it is made only for what was not asked yet.
    """

    path: tuple
    site: tuple
    what: str
    step: str | None
    is_polled: bool = False
    is_remembered: bool = False

    @property
    def is_write(self):
        """Whether it changes anything that counts outside the process."""
        return self.what.split()[0] not in ('GET', 'SELECT', 'NOTIFY')

    def __str__(self):
        return '%s: %s' % (' > '.join(self.path), self.what)


class _Place(typing.NamedTuple):
    """Where a function of opie/scheduler is.

    :ivar line, column: the end of the expression that it evaluates.
    """

    function: str
    line: int
    column: int
    code: types.CodeType


def listen(listener):
    """Let a function hear of all calls.

    :param listener: None to stop, or called with a :class:`Call` and a
        function that lets it happen, whose answer is to be returned.  A
        statement of SQL happens after the listener has returned.
    """
    global _listener
    _install()
    _listener = listener


@functools.cache
def _install():
    wrap(session.Session, 'request', _of_http)
    transport = oslo_messaging.transport.Transport
    wrap(transport, '_send', _of_message)
    wrap(transport, '_send_notification', _of_notification)
    for executor in (
        concurrent.futures.ThreadPoolExecutor,
        futurist.ThreadPoolExecutor,
        futurist.GreenThreadPoolExecutor,
    ):
        _inherit(executor, 'submit')
    if green := sys.modules.get('eventlet.greenpool'):
        # NOTE: nova 31, nova/utils.py, spawn.
        _inherit(green.GreenPool, 'spawn')
    sa.event.listen(sa.engine.Engine, 'before_cursor_execute', _execute)


def wrap(owner, name, describe):
    """Let calls of a method be heard.

    :param describe: called with its arguments, tells what it is.
    """
    real = getattr(owner, name)

    @functools.wraps(real)
    def call(*args, **kwargs):
        return report(
            lambda: describe(*args, **kwargs), lambda: real(*args, **kwargs)
        )

    setattr(owner, name, call)


def _of_http(_, url, method, **kwargs):
    path = re.sub('^https?://[^/]*', '', url).partition('?')[0]
    return '%s %s' % (method, _UUID.sub('*', path))


def _of_message(_, target, context, message, *args, **kwargs):
    is_call = kwargs.get('wait_for_reply')
    return '%s %s' % ('CALL' if is_call else 'SEND', message['method'])


def _of_notification(_, target, context, message, *args, **kwargs):
    return 'NOTIFY %s' % message['event_type']


def _execute(connection, cursor, statement, *args):
    match = _STATEMENT.match(statement)
    if match:
        verb, table = match.groups()
        report(lambda: '%s %s' % (verb.split()[0], table), lambda: None)


def _inherit(pool, name):
    """Let threads of a pool know the functions that gave them work.

    :param name: of the method that is given work.
    """
    real = getattr(pool, name)

    @functools.wraps(real)
    def submit(self, function, *args, **kwargs):
        sender = _stack()

        def run(*args, **kwargs):
            _here.sender = sender
            try:
                return function(*args, **kwargs)
            finally:
                _here.sender = ()

        return real(self, run if sender else function, *args, **kwargs)

    setattr(pool, name, submit)


def report(describe, go):
    """Tell the listener of a call, and return its answer.

    What happens within it is not told: a fake of a service may run in the
    same thread.

    :param describe: returns what it is.
    :param go: lets it happen.
    """
    listener = _listener
    stack = _stack() if listener and not is_within() else ()
    if not stack:
        return go()
    call = _call(stack, describe())
    _here.is_within = True
    try:
        return listener(call, go)
    finally:
        _here.is_within = False


def _call(stack, what):
    functions = tuple(place.function for place in stack)
    *_, site = [
        place for place in stack if not place.function.startswith(_CLIENT)
    ] or stack
    codes = [place.code for place in stack]
    marked = [steps.STEPS[code] for code in codes if code in steps.STEPS]
    return Call(
        _without_client(functions),
        (site.function, site.line, site.column),
        what,
        marked[-1] if marked else None,
        is_polled=not steps.POLLING.isdisjoint(codes),
        is_remembered=not steps.REMEMBERING.isdisjoint(codes),
    )


def is_within():
    """Tell whether this thread is amid a call."""
    return getattr(_here, 'is_within', False)


def _without_client(functions):
    """Return functions, of those of the client only the one called."""
    return tuple(
        function
        for before, function in zip(
            (None, *functions[:-1]), functions, strict=True
        )
        if not (
            function.startswith(_CLIENT)
            and before
            and before.startswith(_CLIENT)
        )
    )


def _stack():
    """Return places in opie/scheduler that led here, outermost first."""
    places = []
    frame = sys._getframe(1)
    while frame:
        code = frame.f_code
        if code.co_filename.startswith(_FOLDER):
            module = pathlib.Path(code.co_filename).stem
            name = code.co_qualname.partition('.<locals>')[0]
            places.append(
                _Place(
                    '%s.%s' % (module, name), *_end(code, frame.f_lasti), code
                )
            )
        frame = frame.f_back
    return (*getattr(_here, 'sender', ()), *reversed(places))


def _end(code, index):
    """Return (line, column) of the end of what is being evaluated."""
    positions = list(code.co_positions())[index // 2]
    return positions[1], positions[3]
