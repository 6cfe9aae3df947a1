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

"""Host states that are kept are as those that are read."""

import collections
import datetime
import types
from unittest import mock

from oslo_utils import timeutils
import testtools

from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.nova_db import compute_services
from opie.scheduler.planning import known_states

_LONG_AGO = datetime.datetime(2026, 1, 1)


def _node(changed_at=_LONG_AGO, uuid='uuid'):
    numbers = dict.fromkeys(
        (
            'vcpus',
            'memory_mb',
            'local_gb',
            'vcpus_used',
            'memory_mb_used',
            'local_gb_used',
            'cpu_allocation_ratio',
            'ram_allocation_ratio',
            'disk_allocation_ratio',
        ),
        1,
    )
    return compute_nodes.Compute(
        'cell', uuid, 'host', 'node', changed_at=changed_at, **numbers
    )


class _HostManager:
    """Counts the states that are read."""

    def __init__(self):
        self.read = []
        self.enabled_cells = ()
        self.aggs_by_id = {}
        self.host_aggregates_map = collections.defaultdict(set)
        self.index = mock.Mock()
        self.index.on.return_value = ('a preemptible server',)

    def states_and_silent_cells(self, context, uuids, spec, cells):
        self.read += uuids
        return [
            types.SimpleNamespace(
                uuid=uuid,
                service={'host': 'host', 'disabled': False},
                aggregates=[],
            )
            for uuid in uuids
        ], []


class KnownStatesTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.manager = _HostManager()
        self.known = known_states.KnownStates()
        self.services = {('cell', 'host'): {'disabled': False}}
        patch = mock.patch.object(
            compute_services, 'states', lambda cells: (self.services, [])
        )
        patch.start()
        self.addCleanup(patch.stop)

    def states(self, *nodes, is_time_over=lambda: False):
        return self.known.of(
            self.manager,
            None,
            {node.uuid: node for node in nodes},
            is_time_over,
        )

    def test_a_state_is_read_once_while_its_record_stays(self):
        for _ in range(2):
            self.assertEqual({'uuid'}, self.states(_node()).keys())
        self.assertEqual(['uuid'], self.manager.read)

    def test_a_record_that_has_changed_is_read_anew(self):
        self.states(_node())
        later = _LONG_AGO + datetime.timedelta(seconds=1)
        self.states(_node(later))
        self.assertEqual(2, len(self.manager.read))

    def test_a_record_that_has_just_changed_may_change_again(self):
        """Its time is in seconds, so a second change may not show."""
        now = timeutils.utcnow()
        self.states(_node(now))
        self.states(_node(now))
        self.assertEqual(2, len(self.manager.read))

    def test_a_record_without_a_time_is_read_each_time(self):
        self.states(_node(None))
        self.states(_node(None))
        self.assertEqual(2, len(self.manager.read))

    def test_a_state_is_kept_only_for_so_long(self):
        self.states(_node())
        with mock.patch.object(known_states, '_MOST_SECONDS', 0):
            self.states(_node())
        self.assertEqual(2, len(self.manager.read))

    def test_a_service_that_was_disabled_meanwhile_is(self):
        self.states(_node())
        self.services['cell', 'host'] = {'disabled': True}
        state = self.states(_node())['uuid']
        self.assertEqual({'host': 'host', 'disabled': True}, state.service)

    def test_a_host_without_a_service_has_no_state(self):
        self.services.clear()
        self.assertEqual({}, self.states(_node()))

    def test_an_aggregate_that_came_meanwhile_counts(self):
        self.assertEqual([], self.states(_node())['uuid'].aggregates)
        self.manager.aggs_by_id[1] = 'fast'
        self.manager.host_aggregates_map['host'].add(1)
        self.assertEqual(['fast'], self.states(_node())['uuid'].aggregates)

    def test_the_preemptible_servers_are_those_of_the_index(self):
        state = self.states(_node())['uuid']
        self.assertEqual(('a preemptible server',), state.preemptibles)

    def test_what_there_is_no_time_for_is_left_out(self):
        self.states(_node())
        states = self.states(
            _node(), _node(uuid='other'), is_time_over=lambda: True
        )
        self.assertEqual({'uuid'}, states.keys())

    def test_some_are_read_before_a_request_waits(self):
        nodes = {'uuid': _node(), 'other': _node(uuid='other')}
        with mock.patch.object(known_states, '_MOST_AT_ONCE', 1):
            for number in (1, 2, 2):
                self.known.read_ahead(self.manager, nodes)
                self.assertEqual(number, len(self.manager.read))
        self.states(*nodes.values())
        self.assertEqual(2, len(self.manager.read))

    def test_hosts_that_are_gone_are_forgotten(self):
        self.states(_node())
        self.known.forget_all_but(set())
        self.states(_node())
        self.assertEqual(2, len(self.manager.read))
