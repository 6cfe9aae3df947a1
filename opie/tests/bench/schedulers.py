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
"""Some scheduler services, each a process, and the RPC that reaches them.

A request goes to the next service in turn, as RabbitMQ delivers to consumers
of one queue.
"""

import concurrent.futures
import contextlib
import itertools
import multiprocessing
import threading
import time

import nova.conf
from nova.objects import base

from opie.tests.bench import scheduler_process

CONF = nova.conf.CONF

_START_SECONDS = 180
_STOP_SECONDS = 10


class Refused(Exception):
    """A scheduler has answered NoValidHost, and says why."""


class Broken(Exception):
    """A scheduler does not work."""


class Fleet:
    """The services that there are.

    :param services: a list of :class:`Service`.
    :ivar events: the :class:`scheduler_process.Event` of all services, in
        the order in which they were heard of.
    """

    def __init__(self, services, events):
        self._services = services
        self.events = events

    def managers(self, name, number):
        """Return what stands for the managers of a number of services.

        :param name: of the managers of one kind.
        """
        return Managers(name, self._services[:number])

    def log_lines(self, uuids):
        """Return the lines of all logs that name any of some uuids."""
        return [
            line
            for service in self._services
            for line in service.log_lines()
            if any(uuid in line for uuid in uuids)
        ]

    def delete_instance_info(self, context, host, uuid):
        self._cast(
            'delete_instance_info', context, host_name=host, instance_uuid=uuid
        )

    def update_instance_info(self, context, host, servers):
        self._cast(
            'update_instance_info',
            context,
            host_name=host,
            instance_info=servers,
        )

    def _cast(self, method, context, **kwargs):
        for service in self._services:
            service.cast(method, context, kwargs)


class Managers:
    """Stands for the manager of one kind of several services.

    It may be used as the manager of a scheduler, by any number of threads.
    """

    def __init__(self, name, services):
        self._name = name
        self._turns = itertools.cycle(services)
        self._lock = threading.Lock()

    def select_destinations(self, context, **kwargs):
        """See nova's manager.

        :raises Refused: instead of NoValidHost.
        :raises Broken: if the scheduler raises anything else.
        """
        with self._lock:
            service = next(self._turns)
        return service.call(self._name, 'select_destinations', context, kwargs)


class Service:
    """One service.

    :param terminate: called with the uuid of a server to delete.
    :param events: a list to which its events are added.
    """

    def __init__(self, host, servers_on, terminate, events):
        self.host = host
        self._terminate = terminate
        self._events = events
        self._ready = threading.Event()
        self._calls = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._serializer = base.NovaObjectSerializer()
        self._error = None
        # A fork would share this process' connections.
        spawn = multiprocessing.get_context('spawn')
        self._pipe, other_end = spawn.Pipe()
        self._process = spawn.Process(
            target=scheduler_process.serve,
            args=[other_end, CONF.config_file[0], host, servers_on],
            name=host,
            daemon=True,
        )
        self._process.start()
        other_end.close()
        threading.Thread(target=self._listen, daemon=True).start()

    def wait_until_ready(self, deadline):
        """Wait until it serves.

        :param deadline: of the monotonic clock.
        :raises Broken: if it does not.
        """
        if not self._ready.wait(deadline - time.monotonic()) or self._error:
            raise Broken('%s does not start.' % self.host)

    def call(self, manager, method, context, kwargs):
        number = next(self._numbers)
        self._calls[number] = future = concurrent.futures.Future()
        self._send(number, manager, method, context, kwargs)
        outcome, answer = future.result()
        if outcome == scheduler_process.NO_HOST:
            raise Refused(answer)
        if outcome == scheduler_process.BROKEN:
            raise Broken('%s has failed:\n%s' % (self.host, answer))
        return self._serializer.deserialize_entity(context, answer)

    def cast(self, method, context, kwargs):
        self._send(None, None, method, context, kwargs)

    def _send(self, number, manager, method, context, kwargs):
        sent = {
            name: self._serializer.serialize_entity(context, value)
            for name, value in kwargs.items()
        }
        with self._lock:
            if self._error:
                raise Broken(self._error)
            self._pipe.send((number, manager, method, context.to_dict(), sent))

    def _listen(self):
        try:
            while True:
                self._hear(*self._pipe.recv())
        except (EOFError, OSError):
            self._end()

    def _hear(self, what, *said):
        if what == scheduler_process.ANSWER:
            number, outcome, answer = said
            if number is None:
                self._error = '%s has failed:\n%s' % (self.host, answer)
            else:
                self._calls.pop(number).set_result((outcome, answer))
        elif what == scheduler_process.TERMINATE:
            self._terminate(*said)
        elif what == scheduler_process.EVENT:
            self._events += said
        else:
            self._ready.set()

    def _end(self):
        """Let those know that wait for it."""
        with self._lock:
            self._error = self._error or '%s has ended.' % self.host
        self._ready.set()
        while self._calls:
            _, future = self._calls.popitem()
            future.set_result((scheduler_process.BROKEN, self._error))

    def log_lines(self):
        """Return the lines of its log."""
        path = scheduler_process.log_path(CONF.config_file[0], self.host)
        with open(path) as log:
            return log.readlines()

    def stop(self):
        """End the process, by force if need be."""
        with self._lock, contextlib.suppress(OSError):
            self._pipe.send(None)
        for end in (self._process.terminate, self._process.kill):
            self._process.join(_STOP_SECONDS)
            if not self._process.is_alive():
                break
            end()
        self._process.join(_STOP_SECONDS)


@contextlib.contextmanager
def running(number, people, terminate):
    """Run some services, and yield a :class:`Fleet`.

    :param people: the :class:`population.Population` they schedule for.
    :param terminate: called with the uuid of each server to delete.
    :raises Broken: if one does not start.
    """
    servers_on = {host.name: host.servers for host in people.hosts}
    events = []
    services = []
    try:
        for index in range(number):
            host = 'scheduler-%d' % (index + 1)
            services.append(Service(host, servers_on, terminate, events))
        deadline = time.monotonic() + _START_SECONDS
        for service in services:
            service.wait_until_ready(deadline)
        yield Fleet(services, events)
    finally:
        for service in services:
            service.stop()
