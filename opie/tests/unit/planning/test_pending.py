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

"""Which preemptors are pending, and how they count on their hosts."""

import types

import fixtures
from nova import objects
import testtools

from opie.scheduler import host_state
from opie.scheduler.nova_db import moves
from opie.scheduler.nova_db import whereabouts
from opie.scheduler.planning import pending

objects.register_all()

_HOSTS = {'provider1': 'host1', 'provider2': 'host2'}


def _preemption(preemptor, provider, attempt=1, move=None):
    return types.SimpleNamespace(
        preemptor=preemptor,
        nominated_provider=provider,
        attempt=attempt,
        move=move,
    )


class PendingTestCase(testtools.TestCase):
    """All preemptors are without a host, but for those that are placed."""

    def setUp(self):
        super().setUp()
        self.placed = set()
        self.asked = []
        self.reader = pending.Reader()
        for name, fake in (
            ('find', self.find),
            ('specs_of', self.specs_of),
        ):
            self.useFixture(fixtures.MockPatchObject(whereabouts, name, fake))

    def find(self, context, servers):
        self.asked.append(set(servers))
        return whereabouts.Whereabouts(frozenset(servers) - self.placed, {})

    def specs_of(self, context, servers):
        self.asked.append(sorted(servers))
        return {
            one: objects.RequestSpec(
                flavor=objects.Flavor(
                    vcpus=2, memory_mb=100, root_gb=1, ephemeral_gb=0
                ),
                numa_topology=None,
                pci_requests=None,
            )
            for one in servers
            if one != 'unknown'
        }

    def read(self, *preemptions):
        return self.reader.read(preemptions, _HOSTS)


class ReaderTest(PendingTestCase):
    def test_one_that_is_placed_is_asked_about_once(self):
        both = _preemption('one', 'provider1'), _preemption('two', 'provider1')
        self.placed = {'one'}
        self.assertEqual(['two'], self.read(*both).on('provider1'))
        self.assertEqual(['two'], self.read(*both).on('provider1'))
        self.assertEqual([{'one', 'two'}, {'two'}], self.asked)

    def test_the_last_attempt_counts(self):
        seen = self.read(
            _preemption('one', 'provider2', 3),
            _preemption('one', 'provider1', 2),
        )
        self.assertEqual([], seen.on('provider1'))
        self.assertEqual(['one'], seen.on('provider2'))
        self.assertEqual({'host2'}, seen.hosts_of({'one', 'other'}))

    def test_a_provider_without_a_compute_node_has_no_host(self):
        seen = self.read(_preemption('one', 'provider3'))
        self.assertEqual(set(), seen.hosts_of({'one'}))

    def test_a_server_that_moves_counts_until_it_is_on_its_new_host(self):
        move = moves.Move('resize', 'migration')
        self.placed = {'one'}
        there = {}
        self.useFixture(
            fixtures.MockPatchObject(
                moves,
                'record',
                lambda context, uuid, move: there[uuid],
            )
        )
        for provider, status, host, expected in (
            # It waits for its host, and then for its compute.
            ('provider2', 'pre-migrating', None, ['one']),
            ('provider2', 'migrating', 'host1', ['one']),
            ('provider1', 'post-migrating', 'host1', []),
            ('provider1', 'finished', 'host1', []),
            ('provider2', 'error', None, []),
        ):
            there['one'] = moves.Record(
                'active', 'resize_prep', provider, status, host
            )
            seen = self.read(
                # The journal of its boot may still be there.
                _preemption('one', 'provider2', 1),
                _preemption('one', 'provider1', 2, move),
            )
            self.assertEqual(expected, seen.on('provider1'), status)

    def test_some_can_be_left_out(self):
        seen = self.read(
            _preemption('one', 'provider1'), _preemption('two', 'provider2')
        ).but({'one'})
        self.assertEqual([], seen.on('provider1'))
        self.assertEqual({'host2'}, seen.hosts_of({'one', 'two'}))


class CountTest(PendingTestCase):
    def state(self, *servers):
        state = host_state.HostState('host1', 'node1', 'cell')
        state.uuid = 'provider1'
        state.free_ram_mb = 1000
        state.num_instances = len(servers)
        state.instances = dict.fromkeys(servers)
        return state

    def test_one_counts_as_a_server_of_its_host(self):
        state = self.state('server')
        self.read(
            _preemption('one', 'provider1'), _preemption('two', 'provider2')
        ).count_on(state)
        self.assertEqual({'server', 'one'}, set(state.instances))
        self.assertEqual(2, state.num_instances)
        self.assertEqual(1, state.num_io_ops)
        self.assertEqual((2, 900), (state.vcpus_used, state.free_ram_mb))

    def test_one_whose_record_has_come_since_counts_once(self):
        state = self.state('one')
        self.read(_preemption('one', 'provider1')).count_on(state)
        self.assertEqual((1, 0), (state.num_instances, state.vcpus_used))

    def test_one_that_nova_has_forgotten_is_there_and_takes_nothing(self):
        seen = self.read(_preemption('unknown', 'provider1'))
        for _ in range(2):
            state = self.state()
            seen.count_on(state)
            self.assertEqual(['unknown'], list(state.instances))
            self.assertEqual(0, state.vcpus_used)
        # It is asked about once.
        self.assertEqual([{'unknown'}, ['unknown']], self.asked)

    def test_what_those_of_several_hosts_ask_for_is_read_at_once(self):
        seen = self.read(
            _preemption('one', 'provider1'), _preemption('two', 'provider2')
        )
        seen.read_specs(_HOSTS)
        seen.count_on(self.state())
        self.assertEqual([['one', 'two']], self.asked[1:])
