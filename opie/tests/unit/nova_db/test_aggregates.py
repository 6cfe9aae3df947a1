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


import collections
import types

from nova import objects
from nova.scheduler import host_manager as nova_host_manager
import testtools

from opie.scheduler.nova_db import aggregates

# Any test may be run alone.
objects.register_all()


def _aggregate(number, *hosts):
    return objects.Aggregate(id=number, name='a', hosts=list(hosts))


class _HostManager(types.SimpleNamespace):
    """What nova knows of aggregates, and what its database has of them.

    :ivar meanwhile: is called while the database is read.
    """

    update_aggregates = nova_host_manager.HostManager.update_aggregates
    delete_aggregate = nova_host_manager.HostManager.delete_aggregate
    _update_aggregate = nova_host_manager.HostManager._update_aggregate

    def _init_aggregates(self):
        self.update_aggregates(self.in_database)
        self.meanwhile()


class RereadTest(testtools.TestCase):
    """nova has told of an aggregate with host1; the database has others."""

    def setUp(self):
        super().setUp()
        self.manager = _HostManager(
            aggs_by_id={},
            host_aggregates_map=collections.defaultdict(set),
            in_database=[],
            meanwhile=lambda: None,
        )
        self.manager.update_aggregates(_aggregate(1, 'host1'))

    def known(self):
        """Return number to hosts, of all aggregates."""
        found = {number: set() for number in self.manager.aggs_by_id}
        for host, numbers in self.manager.host_aggregates_map.items():
            for number in numbers:
                found[number].add(host)
        for number, aggregate in self.manager.aggs_by_id.items():
            self.assertEqual(found[number], set(aggregate.hosts))
        return found

    def test_they_are_as_in_the_database(self):
        self.manager.in_database = [_aggregate(2, 'host1', 'host2')]
        aggregates.reread(self.manager)
        self.assertEqual({2: {'host1', 'host2'}}, self.known())

    def test_a_database_that_is_away_leaves_them_as_they_were(self):
        def fail():
            raise RuntimeError('no database')

        self.manager.meanwhile = fail
        aggregates.reread(self.manager)
        self.assertEqual({1: {'host1'}}, self.known())

    def test_other_threads_see_the_old_ones_until_all_are_read(self):
        seen = []
        self.manager.meanwhile = lambda: seen.append(self.known())
        aggregates.reread(self.manager)
        self.assertEqual([{1: {'host1'}}], seen)

    def test_what_nova_tells_meanwhile_is_newer(self):
        self.manager.in_database = [_aggregate(1, 'host1'), _aggregate(2)]
        told = [_aggregate(1, 'host2'), _aggregate(3, 'host3')]
        self.manager.meanwhile = lambda: self.manager.update_aggregates(told)
        aggregates.reread(self.manager)
        self.assertEqual({1: {'host2'}, 2: set(), 3: {'host3'}}, self.known())

    def test_what_is_deleted_meanwhile_stays_so(self):
        self.manager.in_database = [_aggregate(1, 'host1')]
        self.manager.meanwhile = lambda: self.manager.delete_aggregate(
            self.manager.aggs_by_id[1]
        )
        aggregates.reread(self.manager)
        self.assertEqual({}, self.known())
