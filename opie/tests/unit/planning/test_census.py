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


import dataclasses
import types

import testtools

from opie.preemption import cost
from opie.scheduler.planning import census
from opie.scheduler.planning import protection
from opie.tests.unit.planning import test_protection

_NOW = 10_000.0
_STRICT = cost.Cost(
    min_runtime_seconds=100, is_min_runtime_strict=True, now=_NOW
)


class CensusTest(testtools.TestCase):
    """Servers on hosts that were read, or that only the index knows."""

    def setUp(self):
        super().setUp()
        self.on_hosts, self.read, self.taken = {}, set(), set()
        self.in_migration = set()
        self.protected = protection.Protection(
            projects=frozenset(['kept']), protected_hosts=frozenset(['safe'])
        )

    def have(self, host, number=1, **values):
        """Have servers on a host; return their uuids."""
        servers = self.on_hosts.setdefault(host, [])
        new = [
            test_protection.server(
                uuid='%s-%d' % (host, len(servers) + count),
                host=host,
                **values,
            )
            for count in range(number)
        ]
        servers += new
        return [one.uuid for one in new]

    def describe(self, its_cost=_STRICT, excluded=()):
        states = {
            host: types.SimpleNamespace(preemptibles=self.on_hosts[host])
            for host in self.read
        }
        index = {
            host: () if host in self.read else servers
            for host, servers in self.on_hosts.items()
        }
        shared = types.SimpleNamespace(
            nodes={
                host: types.SimpleNamespace(
                    host=host, cell_uuid='cell', hypervisor_hostname=host
                )
                for host in self.on_hosts
            },
            protected=self.protected,
            taken=self.taken,
            in_migration=self.in_migration,
        )
        shot = types.SimpleNamespace(
            node_names=dict.fromkeys(self.on_hosts),
            shared=shared,
            states=states,
        )
        known = types.SimpleNamespace(on=lambda cell, host, node: index[host])
        return census.describe(shot, known, its_cost, excluded)

    def test_without_any(self):
        self.have('a', 0)
        self.assertEqual(
            'there is no preemptible server on these hosts', self.describe()
        )

    def test_kinds_are_counted_the_greatest_first(self):
        self.have('a', 2, task_state='rebuilding')
        self.have('a', 3, locked_by='admin')
        self.have('b', 1)
        self.assertEqual(
            '6 preemptible servers on 2 hosts: 3 are locked by an '
            'administrator, 2 are busy: rebuilding, 1 may be evicted',
            self.describe(),
        )

    def test_a_single_one(self):
        self.have('a', 1, disable_terminate=True)
        self.assertEqual(
            '1 preemptible server on 1 host: 1 may not be terminated, 0 may '
            'be evicted',
            self.describe(),
        )

    def test_young_ones_stay_where_that_is_strict(self):
        self.have('a', 2, launched_at=_NOW - 50)
        young = '2 are younger than [opie] min_runtime_seconds'
        self.assertIn(young, self.describe())
        lax = dataclasses.replace(_STRICT, is_min_runtime_strict=False)
        self.assertIn(
            'hosts: 2 may', self.describe(lax).replace('host:', 'hosts:')
        )

    def test_the_operator_protects_projects_and_hosts(self):
        self.have('a', 2, project_id='kept')
        self.have('safe', 1)
        found = self.describe()
        self.assertIn('2 are of a project in [opie] never_evicted', found)
        self.assertIn('1 is where no server may be evicted: an agg', found)

    def test_those_of_other_preemptions_are_told_apart(self):
        self.taken.update(self.have('a', 2))
        self.in_migration.update(self.have('a', 1))
        excluded = self.have('a', 1)
        self.assertEqual(
            '4 preemptible servers on 1 host: 2 are evicted for another '
            'request, 1 could not be evicted a moment ago, 1 is being '
            'migrated, 0 may be evicted',
            self.describe(excluded=excluded),
        )

    def test_a_host_that_was_read_counts_as_it_is_now(self):
        self.have('a', 1)
        self.read.add('a')
        self.assertIn('1 preemptible server on 1 host', self.describe())
