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

"""Which servers are leaving, and what is known of them."""

import collections
import datetime
import time
import types
from unittest import mock

import nova.conf
from nova.tests import fixtures as nova_fixtures
import testtools

import opie.conf
from opie.preemption import model
from opie.scheduler.nova_db import deletions
from opie.scheduler.placement import providers
from opie.scheduler.planning import leaving

CONF = nova.conf.CONF
opie.conf.register_opts(CONF)

_NODE = types.SimpleNamespace(
    uuid='provider', cell_uuid='cell', host='host', hypervisor_hostname='node'
)


def record(uuid='server', vcpus=4, seconds_ago=0):
    """Return a server whose deletion was asked for some time ago."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    asked_at = now - datetime.timedelta(seconds=seconds_ago)
    return deletions.DeletedServer(
        uuid, 'host', 'node', 'active', 400, vcpus, 1, 0, asked_at
    )


_Eviction = collections.namedtuple('_Eviction', ('preemption', 'taken'))


class ReadTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(nova_fixtures.ConfFixture(CONF))
        self.deleted = []
        self.asked_since = None
        self.enterContext(mock.patch.object(deletions, 'read', self._deleted))
        self.worker = mock.Mock()
        # What the index has on the host.
        self.worker.host_manager.index.on.return_value = [record('victim', 8)]

    def _deleted(self, cells, since):
        self.asked_since = since
        return [('cell', one) for one in self.deleted], []

    def read(self, planned=(), excluded=(), stuck_hosts=(), **evictions):
        in_flight = mock.Mock()
        in_flight.evictions.return_value = {
            uuid: _Eviction(
                types.SimpleNamespace(
                    nominated_provider='provider', began=began
                ),
                {'VCPU': 3},
            )
            for uuid, began in evictions.items()
        }
        found = leaving.read(
            self.worker, {'provider': _NODE}, in_flight, stuck_hosts
        )
        return found.on(_NODE, planned, excluded)

    def test_a_server_that_nova_deletes_is(self):
        self.deleted = [record('server', 4, seconds_ago=20)]
        (one,) = self.read().values()
        self.assertAlmostEqual(time.time() - 20, one.since, delta=5)
        self.assertFalse(one.is_overdue)
        self.assertEqual(({}, False), (one.taken, one.is_booked))

    def test_none_leaves_a_host_where_a_deletion_is_stuck(self):
        self.deleted = [record('server', 4, seconds_ago=20)]
        stuck = self.read(stuck_hosts={'host'}, victim=time.time())
        self.assertEqual({}, stuck)
        others = self.read(stuck_hosts={'other'}, victim=time.time())
        self.assertEqual({'server', 'victim'}, others.keys())

    def test_only_deletions_of_late_are_asked_for(self):
        CONF.set_override('max_wait_for_deletion_seconds', 30, 'opie')
        self.read()
        now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        age = (now - self.asked_since).total_seconds()
        self.assertAlmostEqual(30, age, delta=5)

    def test_one_on_a_host_that_is_not_there_is_not(self):
        self.deleted = [
            deletions.DeletedServer(
                'server',
                'other',
                'node',
                'active',
                1,
                1,
                1,
                0,
                record().updated_at,
            )
        ]
        self.assertEqual({}, self.read())

    def test_a_victim_in_the_journal_is(self):
        (one,) = self.read(victim=time.time() - 1).values()
        self.assertEqual(({'VCPU': 3}, True), (one.taken, one.is_booked))

    def test_one_that_is_there_for_too_long_is_not(self):
        self.assertEqual({}, self.read(victim=time.time() - 100))

    def test_nor_one_of_which_the_beginning_is_not_known(self):
        self.assertEqual({}, self.read(victim=None))

    def test_a_victim_whose_deletion_was_asked_for_is_once(self):
        self.deleted = [record('victim', 8)]
        (one,) = self.read(victim=time.time() - 10).values()
        self.assertAlmostEqual(time.time(), one.since, delta=5)
        self.assertEqual(({'VCPU': 3}, True), (one.taken, one.is_booked))

    def test_so_is_a_victim_of_a_plan_of_this_moment(self):
        (one,) = self.read(planned={'victim'}).values()
        self.assertTrue(one.is_booked)

    def test_one_that_is_excluded_is_not(self):
        self.deleted = [record()]
        self.assertEqual(
            {}, self.read(excluded={'server', 'victim'}, planned={'victim'})
        )

    def test_none_is_where_none_is_waited_for(self):
        CONF.set_override('max_wait_for_deletion_seconds', 0, 'opie')
        self.deleted = [record()]
        self.assertEqual({}, self.read(victim=time.time(), planned={'victim'}))
        self.assertIsNone(self.asked_since)


class ValueTest(testtools.TestCase):
    def server(self, is_booked=False, **taken):
        return leaving.LeavingServer(record(), 0, taken, is_booked)

    def test_an_estimate_is_the_flavor_less_what_others_took(self):
        one = self.server(VCPU=3).estimate({'VCPU': 4, 'DISK_GB': 1}, None)
        self.assertEqual(
            model.Server('server', {'VCPU': 1, 'DISK_GB': 1}, None, True), one
        )

    def test_what_was_known_may_be_of_before_or_after(self):
        for known in ({'VCPU': 4, 'CUSTOM_GOLD': 2}, {'VCPU': 1}):
            one = self.server(VCPU=3).estimate({'VCPU': 4}, known)
            self.assertEqual({**known, 'VCPU': 1}, one.held)

    def test_nothing_is_no_amount(self):
        one = self.server(VCPU=4).estimate({'VCPU': 4}, None)
        self.assertEqual({}, one.held)

    def facts(self, step_size=1, **held):
        return providers.ProviderFacts(
            read_at=0.0,
            generation=1,
            inventories={'VCPU': model.Inventory(10, step_size=step_size)},
            allocations={'server': held} if held else {},
        )

    def test_one_that_holds_nothing_at_all_is_gone(self):
        self.assertTrue(self.server().may_be_joined(self.facts(VCPU=4)))
        self.assertFalse(self.server().may_be_joined(self.facts()))
        self.assertTrue(self.server(True).may_be_joined(self.facts()))

    def test_one_that_placement_would_not_write_again_is_left_alone(self):
        facts = self.facts(step_size=3, VCPU=4)
        self.assertFalse(self.server().may_be_joined(facts))
