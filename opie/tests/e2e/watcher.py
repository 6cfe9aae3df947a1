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

"""Reads the databases of a cloud, which tell more than its APIs.

A watch reads them all the time while a test does something else.
"""

import contextlib
import threading

import sqlalchemy as sa

from opie.scheduler.claims import journal_names

_SAMPLE_SECONDS = 0.2

_PLACED = sa.text(
    'SELECT uuid FROM instances WHERE deleted = 0 AND host IS NOT NULL'
)
_STATES = sa.text('SELECT uuid, vm_state FROM instances WHERE deleted = 0')
_TASKS = sa.text(
    'SELECT uuid, task_state FROM instances '
    'WHERE deleted = 0 AND task_state IS NOT NULL'
)
_DELETIONS = sa.text(
    'SELECT instance_uuid, COUNT(*) FROM instance_actions '
    "WHERE action = 'delete' GROUP BY instance_uuid"
)
# A server whose record nova is about to remove is none any more.
_SIZES = sa.text(
    'SELECT host, SUM(vcpus), SUM(memory_mb) FROM instances WHERE deleted = 0 '
    "AND vm_state != 'deleted' AND host IN (SELECT host FROM instances "
    "WHERE deleted = 0 AND vm_state = 'active' AND display_name LIKE :name) "
    'GROUP BY host'
)
_ALLOCATIONS = sa.text(
    'SELECT allocations.consumer_id, resource_providers.name, '
    'allocations.resource_class_id, allocations.used FROM allocations '
    'JOIN resource_providers '
    'ON resource_providers.id = allocations.resource_provider_id'
)
_OVER = sa.text(
    'SELECT resource_providers.name, inventories.resource_class_id, '
    'SUM(allocations.used) AS used, (inventories.total - inventories.reserved)'
    ' * inventories.allocation_ratio AS capacity FROM allocations '
    'JOIN inventories '
    'ON inventories.resource_provider_id = allocations.resource_provider_id '
    'AND inventories.resource_class_id = allocations.resource_class_id '
    'JOIN resource_providers '
    'ON resource_providers.id = allocations.resource_provider_id '
    'GROUP BY inventories.id HAVING used > capacity'
)
_PROVIDERS = sa.text(
    "SELECT name FROM resource_providers WHERE name LIKE 'opie:%'"
)


class Watcher:
    """Reads the databases of a :class:`opie.sandbox.cloud.SandboxCloud`."""

    def __init__(self, cloud):
        self._engines = {
            name: sa.create_engine(cloud.database_url(name))
            for name in ('nova_cell1', 'placement')
        }

    def close(self):
        for engine in self._engines.values():
            engine.dispose()

    def _read(self, database, query, **values):
        with self._engines[database].connect() as connection:
            return connection.execute(query, values).all()

    def placed(self):
        """Return the uuids of the servers that are on a host."""
        return {row[0] for row in self._read('nova_cell1', _PLACED)}

    def state_of(self):
        """Return uuid to vm_state of all servers in the cell."""
        return dict(map(tuple, self._read('nova_cell1', _STATES)))

    def states(self, uuids):
        """Return the vm_states of some servers; None for one not there."""
        states = self.state_of()
        return {states.get(uuid) for uuid in uuids}

    def tasks(self, uuids):
        """Return uuid to task_state of those servers that have one.

        A server whose deletion was lost is ``active`` and ``deleting``.
        """
        tasks = dict(map(tuple, self._read('nova_cell1', _TASKS)))
        return {uuid: tasks[uuid] for uuid in tasks.keys() & uuids}

    def deletions(self):
        """Return uuid to how often its deletion was asked for."""
        return dict(map(tuple, self._read('nova_cell1', _DELETIONS)))

    def allocations(self):
        """Return consumer to {(provider, resource class id): amount}."""
        held = {}
        for consumer, provider, name, used in self._read(
            'placement', _ALLOCATIONS
        ):
            held.setdefault(consumer, {})[provider, name] = used
        return held

    def journal(self):
        """Return the names of the preemptions under way."""
        names = {row[0] for row in self._read('placement', _PROVIDERS)}
        return {one for one in names if not journal_names.is_of_waste(one)}

    def over_capacity(self):
        """Return a text for each provider that has given too much."""
        return [
            '%s: %s of %s, class %s' % (name, used, capacity, resource_class)
            for name, resource_class, used, capacity in self._read(
                'placement', _OVER
            )
        ]

    def overbooked(self, vcpus, ram_mb, name):
        """Return a text for each host whose servers are too many.

        :param vcpus: what each host has.
        :param name: of servers; only hosts with such an active one count.
        """
        return [
            '%s: %d VCPU, %d MB' % tuple(row)
            for row in self._read('nova_cell1', _SIZES, name=name + '%')
            if row[1] > vcpus or row[2] > ram_mb
        ]

    @contextlib.contextmanager
    def watching(self, *checks):
        """Call functions all the time until the end of the block.

        :param checks: functions that return a list of what is wrong.
        :returns: a list that is filled with what they return, and complete
            after the block; it says so if nothing was read.
        """
        wrong, stop, samples = [], threading.Event(), []

        def sample():
            while not stop.wait(_SAMPLE_SECONDS):
                for check in checks:
                    wrong.extend(check())
                samples.append(1)

        def guarded():
            try:
                sample()
            except Exception as exc:
                wrong.append('the watch ended: %s' % exc)

        thread = threading.Thread(target=guarded)
        thread.start()
        try:
            yield wrong
        finally:
            stop.set()
            thread.join()
        if not samples:
            wrong.append('nothing was read')
