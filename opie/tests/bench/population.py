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

"""The cloud: hosts that are full of preemptible servers.

The first hosts are made by nova's and placement's own code.  All others are
copies of those, inserted in bulk, once a sample of the copies was found equal
to the originals in every column.
"""

import contextlib
import dataclasses

from nova import context as nova_context
from nova import objects
from oslo_utils import timeutils
import sqlalchemy as sa

from opie.tests.bench import copies
from opie.tests.bench import hosts
from opie.tests.bench import layout
from opie.tests.bench import sameness
from opie.tests.bench import servers
from opie.tests.bench import tenant

_ORIGINALS = len(layout.PERIOD)
_HOSTS_PER_INSERT = 50
# So that each original has a copy to be compared with.
LEAST_HOSTS = 2 * _ORIGINALS


@dataclasses.dataclass
class Host:
    """A host, as the benchmark remembers it."""

    name: str
    provider: str
    servers: list


class Population:
    """The hosts and servers there are.

    :param cell: the CellMapping of the cell with the hosts.
    :param database: a :class:`database.Database`.
    :ivar flavors: VCPU to Flavor.
    :ivar hosts: a list of :class:`Host`.
    """

    def __init__(self, cell, database):
        self.cell = cell
        self.hosts = []
        self._database = database
        self.databases = {
            'api': sa.create_engine(database.url('nova_api')),
            'cell': sa.create_engine(database.url('nova_cell1')),
            'placement': sa.create_engine(database.url('placement')),
        }
        self._now = timeutils.utcnow(with_timezone=True)
        with self._database.without_durability():
            self.flavors = tenant.create_flavors()
            for number in range(_ORIGINALS):
                self._create(number)
        self._templates = [
            copies.read(self.databases, host.name) for host in self.hosts
        ]

    def _create(self, number):
        node = hosts.create_host(self.cell, number)
        created = [
            servers.create_server(
                self.cell, node, self.flavors[vcpus], launched_at
            ).uuid
            for vcpus, launched_at in zip(
                layout.servers_on(number),
                layout.launched_at(number, self._now),
                strict=True,
            )
        ]
        self.hosts.append(Host(node.host, node.uuid, created))

    def _greatest_ids(self):
        ids = {}
        for what, database, table in (
            ('service', 'cell', 'services'),
            ('compute', 'cell', 'compute_nodes'),
            ('provider', 'placement', 'resource_providers'),
        ):
            with self.databases[database].connect() as connection:
                ids[what] = connection.scalar(
                    sa.text('SELECT MAX(id) FROM ' + table)
                )
        return ids

    def grow(self, size):
        """Insert copies until there is a number of hosts.

        :raises sameness.Differs: if the first copies are not as nova's own
            records.
        """
        # Again each time: a preemption makes providers of its own.
        self._ids = self._greatest_ids()
        with self._database.without_durability():
            while len(self.hosts) < size:
                is_first = len(self.hosts) == _ORIGINALS
                most = _ORIGINALS if is_first else _HOSTS_PER_INSERT
                self._insert(min(most, size - len(self.hosts)))
                if is_first:
                    self._compare()

    def _insert(self, count):
        new = {key: [] for key in copies.TABLES}
        for _ in range(count):
            number = len(self.hosts)
            self._ids = {what: last + 1 for what, last in self._ids.items()}
            *host, rows = copies.copy(
                self._templates[number % _ORIGINALS],
                number,
                self._ids,
                self._now.replace(tzinfo=None),
            )
            self.hosts.append(Host(*host))
            for key, of_host in rows.items():
                new[key] += of_host
        with contextlib.ExitStack() as stack:
            connections = {
                name: stack.enter_context(engine.begin())
                for name, engine in self.databases.items()
            }
            for database, table in copies.TABLES:
                connections[database].execute(
                    table.insert(), new[database, table]
                )

    def replace(self, gone):
        """Create a server in the place of one that was deleted.

        :param gone: its Instance.
        :returns: the new Instance, launched when the old one was.
        """
        with nova_context.target_cell(
            nova_context.get_admin_context(), self.cell
        ) as context:
            node = objects.ComputeNode.get_by_host_and_nodename(
                context, gone.host, gone.node
            )
        new = servers.create_server(
            self.cell, node, self.flavors[gone.vcpus], gone.launched_at
        )
        (host,) = [host for host in self.hosts if host.name == gone.host]
        host.servers.remove(gone.uuid)
        host.servers.append(new.uuid)
        return new

    def fast_commits(self):
        """Return a context manager in which commits are fast; see Database."""
        return self._database.without_durability()

    def _compare(self):
        for template, copy in zip(
            self._templates, self.hosts[_ORIGINALS:], strict=False
        ):
            sameness.check(template, copies.read(self.databases, copy.name))

    def analyze(self):
        """Let MariaDB count again what its tables hold."""
        for engine in self.databases.values():
            with engine.begin() as connection:
                names = connection.scalars(sa.text('SHOW TABLES')).all()
                connection.execute(
                    sa.text('ANALYZE TABLE ' + ', '.join(names))
                )

    def close(self):
        for engine in self.databases.values():
            engine.dispose()
