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

"""What a snapshot tells of a host whose tree was read."""

import types
import unittest.mock as mock

import testtools

from opie.scheduler.planning import cloud_snapshot
from opie.scheduler.planning import leaving

_KBITS = 'NET_BW_EGR_KILOBIT_PER_SEC@nic'


class PendingUnitsTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        worker = mock.MagicMock()
        self.enterContext(
            mock.patch.object(
                leaving, 'read', lambda worker, *_: leaving.Leaving(worker, {})
            )
        )
        node = types.SimpleNamespace(
            uuid='provider', cell_uuid='cell', host='host'
        )
        self.snapshot = cloud_snapshot.CloudSnapshot(
            worker, mock.Mock(), {'provider': node}
        )
        self.pending = self.snapshot.pending = mock.Mock()
        self.pending.on = {'provider': ['waiting']}.__getitem__
        state = mock.Mock(preemptibles=())
        state.without.return_value = state
        self.snapshot._states['provider'] = state

    def units(self):
        """Return what is told of the host's pending preemptors."""
        self.snapshot.state_without('provider', ())
        ((_, units), _) = self.pending.count_on.call_args
        return units

    def read(self, allocations):
        self.snapshot._trees['provider'] = types.SimpleNamespace(
            facts=types.SimpleNamespace(allocations=allocations)
        )

    def test_of_a_pending_preemptor_what_it_has_below_the_root_is_told(self):
        self.read({'waiting': {'VCPU': 2, 'GPU@a': 1, 'GPU@b': 2}})
        self.assertEqual({'waiting': {'a': 1, 'b': 2}}, self.units())

    def test_bandwidth_takes_no_memory_for_each_of_its_kilobits(self):
        """Neither that of servers does, which are of no interest here."""
        held = {'VCPU': 1, _KBITS: 10_000_000}
        self.read({'waiting': held, 'server': held})
        self.assertEqual({'waiting': {'nic': 10_000_000}}, self.units())

    def test_one_without_a_claim_has_nothing(self):
        self.read({})
        self.assertEqual({'waiting': {}}, self.units())

    def test_nothing_is_told_of_a_tree_that_was_not_read(self):
        self.assertIsNone(self.units())
