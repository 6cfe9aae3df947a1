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

"""What it costs to refuse requests that cannot be served.

They are measured beside a preemption, on the same cloud and by turns.  On each
host one small server is locked by an administrator, so that it stays: there
are requests that fit an empty host, and fit none.  All filters are enabled
that the requests need.
"""

import contextlib

import nova.conf
from oslo_utils import uuidutils
import sqlalchemy as sa

# NOTE: chooses nova's threading, so before the rest of nova.
from opie.tests.bench import cloud  # isort: skip

from opie.tests.bench import arms
from opie.tests.bench import computes
from opie.tests.bench import layout
from opie.tests.bench import managers
from opie.tests.bench import profiling
from opie.tests.bench import report
from opie.tests.bench import stack
from opie.tests.bench import tenant

CONF = nova.conf.CONF

_PREEMPT = 'preempt'
KINDS = {
    _PREEMPT: 'c  preempts, until evictions start',
    'larger_than_hosts': 'more than any host has',
    'larger_than_room': 'more than any host has without its victims',
    'no_such_hypervisor': 'a filter refuses all hosts, whatever is on them',
    'beside_no_server': 'same_host of a server that does not exist',
    'no_more_servers': 'a filter of numbers refuses all hosts, even empty',
    'too_many_victims': 'a filter wants more victims gone than may go',
}
_MORE_FILTERS = ['SameHostFilter', 'NumInstancesFilter']


def measure(options):
    """Measure clouds of some sizes; return lines of JSON with ratios."""
    lines = []
    with cloud.running() as people:
        flavors = create_flavors()
        for size in sorted(options.hosts):
            people.grow(size)
            lines += measure_on(
                people, flavors, options.rounds, options.profile
            )
    return lines


def measure_on(people, flavors, number, is_profiled=False):
    """Measure one cloud, on which servers are locked then.

    :param people: a :class:`population.Population`.
    :param flavors: those of :func:`create_flavors`.
    :param number: of rounds.
    :returns: lines of JSON with ratios.
    """
    _lock_one_server_on_each_host(people.databases['cell'])
    people.analyze()
    kinds = _Kinds(people, flavors)
    first, times = _run(kinds, number)
    report.table(
        '%d hosts, %d rounds' % (len(people.hosts), number),
        [(KINDS[kind], times[kind], first[kind]) for kind in KINDS],
    )
    if is_profiled:
        for kind in KINDS:
            profiling.tell_of(KINDS[kind], getattr(kinds, kind))
    return [
        report.ratio(
            'refused/preempt',
            times[kind],
            times[_PREEMPT],
            hosts=len(people.hosts),
            kind=kind,
        )
        for kind in KINDS
        if kind != _PREEMPT
    ]


def _run(kinds, number):
    """Return kind to its first Stopwatch, and to the list of the others."""
    first = {kind: getattr(kinds, kind)() for kind in KINDS}
    times = {kind: [] for kind in KINDS}
    for index in range(number):
        step = -1 if index % 2 else 1
        depth = stack.depth(index, number)
        for kind in list(KINDS)[::step]:
            times[kind].append(stack.call(depth, getattr(kinds, kind)))
    return first, times


def _lock_one_server_on_each_host(cell_engine):
    """Lock the last server, which is one of the smallest."""
    with cell_engine.begin() as connection:
        connection.execute(
            sa.text(
                'UPDATE instances JOIN (SELECT MAX(id) AS id FROM instances '
                'WHERE deleted = 0 GROUP BY host) AS last USING (id) '
                "SET locked = 1, locked_by = 'admin'"
            )
        )


class _Kinds:
    """The requests that are measured."""

    def __init__(self, people, flavors):
        with _options(
            enabled_filters=[
                *CONF.filter_scheduler.enabled_filters,
                *_MORE_FILTERS,
            ]
        ):
            stock, opies = managers.make(
                {host.name: host.servers for host in people.hosts}
            )
        self._arms = arms.Arms(
            people,
            stock,
            opies,
            computes.Computes(people.cell, [stock, opies]),
        )
        self._usual = people.flavors[layout.PREEMPTOR_VCPUS]
        self._flavors = flavors

    def preempt(self, profiler=None):
        return self._arms.preempt(self._usual, profiler)

    def larger_than_hosts(self, profiler=None):
        return self._refuse('larger_than_hosts', profiler=profiler)

    def larger_than_room(self, profiler=None):
        return self._refuse('larger_than_room', profiler=profiler)

    def no_such_hypervisor(self, profiler=None):
        return self._refuse('no_such_hypervisor', profiler=profiler)

    def beside_no_server(self, profiler=None):
        hints = {'same_host': [uuidutils.generate_uuid()]}
        return self._refuse(hints=hints, profiler=profiler)

    def no_more_servers(self, profiler=None):
        with _options(max_instances_per_host=1):
            return self._refuse(profiler=profiler)

    def too_many_victims(self, profiler=None):
        most = layout.SERVERS_PER_HOST - 2
        with (
            _options(max_instances_per_host=most),
            _options('opie', max_victims_per_request=2),
        ):
            return self._refuse(profiler=profiler)

    def _refuse(self, flavor=None, hints=None, profiler=None):
        # A refusal that is remembered is no measure.
        with _options('opie', refusal_cache_seconds=0):
            return self._arms.refuse(
                self._flavors.get(flavor, self._usual), hints, profiler
            )


def create_flavors():
    """Create the flavors that are refused, once for a cloud."""
    return {
        'larger_than_hosts': tenant.create_flavor(2 * layout.HOST_VCPUS),
        'larger_than_room': tenant.create_flavor(layout.HOST_VCPUS - 1),
        'no_such_hypervisor': tenant.create_flavor(
            layout.PREEMPTOR_VCPUS,
            **{'capabilities:hypervisor_type': 'none such'},
        ),
    }


@contextlib.contextmanager
def _options(group='filter_scheduler', **values):
    for name, value in values.items():
        CONF.set_override(name, value, group)
    try:
        yield
    finally:
        for name in values:
            CONF.clear_override(name, group)
