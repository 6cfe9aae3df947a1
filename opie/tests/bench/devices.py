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

"""What it costs to preempt for a device, beside nova's own scheduling.

Each host has eight GPUs, each a provider of its own, and each of its eight
preemptible servers holds one.  The request is for one GPU, or for two of
different providers, and for no more of anything else than the smallest server
has.  So one victim is enough on each host, or two are, and the cheapest on any
of them are to be found.
"""

import contextlib

from nova.scheduler.client import report as report_client
from oslo_utils import uuidutils
from placement.db.sqlalchemy import models
import sqlalchemy as sa

# NOTE: chooses nova's threading, so before the rest of nova.
from opie.tests.bench import cloud  # isort: skip

from opie.tests.bench import arms
from opie.tests.bench import computes
from opie.tests.bench import layout
from opie.tests.bench import managers
from opie.tests.bench import profiling
from opie.tests.bench import report
from opie.tests.bench import ring
from opie.tests.bench import room
from opie.tests.bench import stack
from opie.tests.bench import tenant

_GPU = 'CUSTOM_GPU'
_VERSION = '1.36'  # of placement's API
_ARMS = {
    'stock': 'nova, with room and as many GPUs again',
    'preempt': 'opie, full cloud, until evictions start',
    'cold': 'the same, where no tree is known',
}
_FULL = ('preempt', 'cold')
_NUMBERS = (1, 2)


def measure(options):
    """Measure clouds of some sizes; return lines of JSON with ratios."""
    lines = []
    with cloud.running() as people:
        gpus = _Gpus(people.databases['placement'])
        flavors = {number: _flavor(number) for number in _NUMBERS}
        for size in sorted(options.hosts):
            people.grow(size)
            gpus.add(people.hosts)
            people.analyze()
            requests = _Requests(people, gpus)
            for number, flavor in flavors.items():
                requests.flavor = flavor
                lines += _lines(requests, options, size, number)
            if options.profile:
                profiling.tell_of('a preemption for GPUs', requests.preempt)
    return lines


def _flavor(number):
    """Create a flavor with some GPUs, each of a provider of its own."""
    asked = {'resources%d:%s' % (n + 1, _GPU): '1' for n in range(number)}
    return tenant.create_flavor(
        min(layout.FLAVOR_VCPUS), group_policy='isolate', **asked
    )


def _lines(requests, options, size, number):
    first, times = _run(requests, options.rounds)
    report.table(
        '%d hosts of %d GPUs, %d asked for, %d rounds'
        % (size, layout.SERVERS_PER_HOST, number, options.rounds),
        [(name, times[arm], first[arm]) for arm, name in _ARMS.items()],
    )
    return [
        report.ratio(
            'preempt/stock',
            times[arm],
            times['stock'],
            hosts=size,
            gpus_per_host=layout.SERVERS_PER_HOST,
            gpus=number,
            are_trees_known=arm == 'preempt',
        )
        for arm in _FULL
    ]


def _run(requests, number):
    """Return arm to its first Stopwatch, and to the list of the others."""
    first = {}
    with requests.room():
        first['stock'] = requests.stock()
    first['cold'] = requests.cold()
    first['preempt'] = requests.preempt()
    requests.learn()
    times = {arm: [] for arm in _ARMS}
    for index in range(number):
        depth = stack.depth(index, number)
        with requests.room():
            times['stock'].append(stack.call(depth, requests.stock))
        times['preempt'].append(stack.call(depth, requests.preempt))
    # It lets what the others know be forgotten.
    for index in range(number):
        depth = stack.depth(index, number)
        times['cold'].append(stack.call(depth, requests.cold))
    return first, times


class _Requests:
    """The same request on the cloud with room and on the full one.

    :ivar flavor: what is asked for.
    """

    flavor = None

    def __init__(self, people, gpus):
        stock, self._opies = managers.make(
            {host.name: host.servers for host in people.hosts}
        )
        self._arms = arms.Arms(
            people,
            stock,
            self._opies,
            computes.Computes(people.cell, [stock, self._opies]),
        )
        self._databases = people.databases
        self._gpus = gpus

    @contextlib.contextmanager
    def room(self):
        """Let each host have as much of everything again in the block."""
        with room.on_every_host(self._databases), self._gpus.doubled():
            yield

    def stock(self):
        return self._arms.stock(self.flavor)

    def preempt(self, profiler=None):
        return self._arms.preempt(self.flavor, profiler)

    def learn(self):
        """Preempt until no request reads a tree that is not known."""
        known = 0
        while known < ring.known_trees(self._opies):
            known = ring.known_trees(self._opies)
            self.preempt()

    def cold(self):
        ring.forget_trees(self._opies)
        return self.preempt()


class _Gpus:
    """The GPUs of all hosts, as placement has them.

    :param engine: of placement's database.
    """

    def __init__(self, engine):
        self._engine = engine
        client = report_client.report_client_singleton()
        client.put('/resource_classes/' + _GPU, None, version=_VERSION)
        classes = models.ResourceClass.__table__
        with engine.connect() as connection:
            self._class_id = connection.scalar(
                sa.select(classes.c.id).where(classes.c.name == _GPU)
            )
        self._done = 0

    def add(self, hosts):
        """Give GPUs to the hosts that have none, one for each server.

        :param hosts: all hosts, a list of :class:`population.Host`.
        """
        new = [
            (host.provider, server)
            for host in hosts[self._done :]
            for server in host.servers
        ]
        self._done = len(hosts)
        providers = models.ResourceProvider.__table__
        with self._engine.begin() as connection:
            roots, last = _ids(connection, providers)
            ids = range(last + 1, last + 1 + len(new))
            connection.execute(
                providers.insert(),
                [
                    {
                        'id': number,
                        'uuid': uuidutils.generate_uuid(),
                        'name': 'gpu-%d' % number,
                        'generation': 1,
                        'root_provider_id': roots[provider],
                        'parent_provider_id': roots[provider],
                    }
                    for number, (provider, _) in zip(ids, new, strict=True)
                ],
            )
            connection.execute(
                models.Inventory.__table__.insert(),
                [self._inventory(number) for number in ids],
            )
            connection.execute(
                models.Allocation.__table__.insert(),
                [
                    {
                        'resource_provider_id': number,
                        'consumer_id': server,
                        'resource_class_id': self._class_id,
                        'used': 1,
                    }
                    for number, (_, server) in zip(ids, new, strict=True)
                ],
            )

    def _inventory(self, provider_id):
        return {
            'resource_provider_id': provider_id,
            'resource_class_id': self._class_id,
            'total': 1,
            'reserved': 0,
            'min_unit': 1,
            'max_unit': 1,
            'step_size': 1,
            'allocation_ratio': 1.0,
        }

    @contextlib.contextmanager
    def doubled(self):
        """Let half of the GPUs be free until the end of the block."""
        self._set_total(2)
        try:
            yield
        finally:
            self._set_total(1)

    def _set_total(self, total):
        inventories = models.Inventory.__table__
        with self._engine.begin() as connection:
            connection.execute(
                inventories.update()
                .where(inventories.c.resource_class_id == self._class_id)
                .values(total=total)
            )


def _ids(connection, providers):
    """Return provider to its id, and the greatest id."""
    ids = dict(
        connection.execute(sa.select(providers.c.uuid, providers.c.id)).all()
    )
    return ids, max(ids.values())
