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
"""A scheduler service in a process of its own: nova's manager and opie's.

Each manager has as many threads for requests as its service has, and hears and
says over a pipe what a service hears and says over RPC.  What it wants deleted
is deleted by the process that has started it, which stands in for the hosts.
"""

import concurrent.futures
import contextlib
import dataclasses
import logging
import os
import signal
import threading
import time
import traceback

# NOTE: chooses nova's threading, so before the rest of nova.
from opie.tests.bench import nova_process  # isort: skip

from nova import context as nova_context
import nova.conf
from nova.objects import base
import oslo_messaging as messaging

from opie.tests.bench import layout
from opie.tests.bench import managers
from opie.tests.bench import scheduler_watch

CONF = nova.conf.CONF

# What is said over the pipe; the first of each tuple.
READY, ANSWER, EVENT, TERMINATE = 'ready', 'answer', 'event', 'terminate'
# What may come of a call.
DONE, NO_HOST, BROKEN = 'done', 'no host', 'broken'
# What happens in a scheduler, beside what scheduler_watch.py tells of.
SERVED = 'served'

# The managers of each service.
STOCK, OPIES = 'stock', 'opies'

# Source: oslo_messaging/server.py, the default of executor_thread_pool_size.
_NOVAS_THREADS = 64
# A plan over thousands of hosts may take longer in other benchmarks; here the
# default of the option counts.
_TIMEOUT_SECONDS = 120


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that has happened in a scheduler.

    :ivar at: when, by the monotonic clock, which all processes share.
    :ivar uuid: of the server that it has happened to, None for a void plan.
    """

    kind: str
    at: float
    uuid: str | None = None


def serve(pipe, conf_path, host, servers_on):
    """Serve what comes over a pipe until its other end is closed.

    :param host: name of the scheduler host.
    :param servers_on: see :func:`managers.make`.
    """
    # Who presses Ctrl-C speaks to the process that has started this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nova_process.configure(conf_path)
    _log_to(log_path(conf_path, host))
    CONF.set_override('host', host)
    for name, value in (
        ('preemption_timeout_seconds', _TIMEOUT_SECONDS),
        ('billing_period_seconds', layout.BILLING_PERIOD_SECONDS),
    ):
        CONF.set_override(name, value, 'opie')
    stock, opies = managers.make(servers_on)
    service = _Service(pipe, {STOCK: stock, OPIES: opies})
    with service.watch.on():
        service.run()
    # Threads that wait for something must not keep the process.
    os._exit(0)


def log_path(conf_path, host):
    """Return where the scheduler on a host logs."""
    return os.path.join(os.path.dirname(conf_path), host + '.log')


def _log_to(path):
    """Log to a file, as a service does, and from INFO on what opie says."""
    logging.getLogger('opie').setLevel(logging.INFO)
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter('%(asctime)s %(message)s'))
    logging.getLogger().handlers[:] = [handler]


class _Service:
    """Serves requests, each in one of a number of threads."""

    def __init__(self, pipe, its_managers):
        self._pipe = pipe
        self._lock = threading.Lock()
        self._managers = its_managers
        self._serializer = base.NovaObjectSerializer()
        # opie's manager makes the pool of its own service larger.
        self._pools = {
            name: concurrent.futures.ThreadPoolExecutor(threads)
            for name, threads in (
                (STOCK, _NOVAS_THREADS),
                (OPIES, CONF.executor_thread_pool_size),
            )
        }
        self.watch = scheduler_watch.Watch(
            self._tell, lambda uuid: self._say(TERMINATE, uuid)
        )

    def run(self):
        self._say(READY)
        # It ends with the other process, too.
        with contextlib.suppress(EOFError, OSError):
            while message := self._pipe.recv():
                self._receive(*message)

    def _receive(self, call, manager, *rest):
        for name in [manager] if manager else self._managers:
            self._pools[name].submit(self._serve, call, name, *rest)

    def _say(self, *message):
        with self._lock, contextlib.suppress(OSError):
            self._pipe.send(message)

    def _tell(self, kind, uuid=None):
        self._say(EVENT, Event(kind, time.monotonic(), uuid))

    def _serve(self, call, manager, method, context, kwargs):
        """Serve one message, and answer it if it is a call.

        :param call: its number, None for a cast.
        :param manager: name of one of the managers.
        """
        try:
            outcome, answer = (
                DONE,
                self._execute(manager, method, context, kwargs),
            )
        except messaging.ExpectedException:
            uuids = ', '.join(kwargs['instance_uuids'])
            outcome, answer = NO_HOST, self.watch.reason(uuids)
        except Exception:
            outcome, answer = BROKEN, traceback.format_exc()
        if call is not None:
            self._say(ANSWER, call, outcome, answer)
        elif outcome == BROKEN:
            self._say(ANSWER, None, outcome, answer)

    def _execute(self, manager, method, context, kwargs):
        context = nova_context.RequestContext.from_dict(context)
        arguments = {
            name: self._serializer.deserialize_entity(context, value)
            for name, value in kwargs.items()
        }
        answer = getattr(self._managers[manager], method)(context, **arguments)
        if 'instance_uuids' in kwargs:
            self._tell(SERVED, kwargs['instance_uuids'][0])
        return self._serializer.serialize_entity(context, answer)
