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

"""Thin states are as whole ones, and note what is read."""

import copy

from nova import objects
from oslo_utils.fixture import uuidsentinel as uuids
import testtools

from opie.scheduler import host_state
from opie.scheduler.planning import thin_states
from opie.tests.unit.planning import test_protection

objects.register_all()


class ThinStateTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.state = host_state.HostState('host', 'node', 'cell')
        self.state.stats, self.state.service = {}, {}
        self.state.preemptibles = (test_protection.server(uuid='victim'),)
        self.state.instances = {'victim': None, 'other': None}
        self.state.num_instances = 2
        self.made = []

    def make(self):
        self.made.append(self.state.without(['victim']))
        return self.made[-1]

    def thin(self):
        return thin_states.ThinState(self.state, self.make)

    def test_servers_that_come_or_go_change_nothing_that_lasts(self):
        changed = self.state.without(['victim'])
        changed.add(
            uuids.PREEMPTOR,
            objects.RequestSpec(
                flavor=objects.Flavor(
                    root_gb=1, ephemeral_gb=1, memory_mb=1, vcpus=1
                ),
                numa_topology=None,
                pci_requests=None,
            ),
            {},
        )
        for name in thin_states.LASTING:
            self.assertIs(getattr(self.state, name), getattr(changed, name))

    def test_all_has_the_value_of_the_whole_state(self):
        whole, thin = self.make(), self.thin()
        for name, value in vars(whole).items():
            self.assertEqual(value, getattr(thin, name))
        self.assertEqual(vars(whole), vars(self.thin().whole()))

    def test_what_lasts_needs_no_copy(self):
        thin = self.thin()
        self.assertEqual('host', thin.host)
        self.assertEqual('(host, node)', str(thin))
        self.assertFalse(hasattr(thin, 'no_such_thing'))
        self.assertEqual(([], set()), (self.made, thin.read))

    def test_what_victims_change_is_noted_and_made_once(self):
        thin = self.thin()
        self.assertEqual(1, thin.num_instances)
        self.assertEqual({'num_instances'}, thin.read)
        self.assertEqual(['other'], list(thin.instances))
        self.assertEqual({'num_instances', 'instances'}, thin.read)
        self.assertEqual(1, len(self.made))

    def test_what_a_filter_sets_stays_in_the_thin_state(self):
        thin = self.thin()
        thin.limits['memory_mb'] = 1
        thin.num_instances = 7
        self.assertEqual({'memory_mb': 1}, thin.limits)
        self.assertEqual(7, thin.num_instances)
        self.assertEqual(({}, 2), (self.state.limits, 2))

    def test_a_copy_is_as_thin(self):
        self.assertEqual(1, copy.copy(self.thin()).num_instances)

    def test_a_whole_one_counts_as_read(self):
        thin = self.thin()
        thin.whole()
        self.assertIn('num_instances', thin.read)
        self.assertIn('limits', thin.read)
