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


"""Which projects wait for what their preemptions have lost in vain."""

from oslo_utils.fixture import uuidsentinel as uuids

from opie.scheduler.claims import journal_reader
from opie.scheduler.repair import preemptor_fate
from opie.tests.stand_ins.placement import client as stand_in
from opie.tests.unit.claims import cloud
from opie.tests.unit.repair import test_reaper

Fate = preemptor_fate.Fate


class WasteTest(test_reaper.ReaperTestCase):
    def times(self, fate, *lost):
        """Return how often the project has wasted victims in a row."""
        self.fate = dict.fromkeys(self.fate, fate)
        self.lose(*lost)
        self.repair()
        reader = journal_reader.Reader()
        reader.read(self.client)
        return sum(one.times for one in reader.wasted)

    def test_a_build_that_failed(self):
        self.assertEqual(1, self.times(Fate.FAILED, 'some', 'other'))
        self.assertNoJournal()

    def test_a_server_that_nova_has_refused(self):
        self.assertEqual(1, self.times(Fate.REFUSED, 'some'))

    def test_without_a_victim_lost_it_does_not_wait(self):
        self.assertEqual(0, self.times(Fate.REFUSED))

    def test_a_scheduler_that_has_died_is_not_its_fault(self):
        self.assertEqual(0, self.times(Fate.WITHOUT_HOST, 'some', 'other'))

    def test_a_conductor_that_is_slow_is_not_its_fault(self):
        self.assertEqual(0, self.times(Fate.UNDECIDED, 'some', 'other'))

    def test_one_that_is_being_built_may_come_to_run(self):
        self.assertEqual(0, self.times(Fate.BUILDING, 'some', 'other'))

    def test_it_is_noted_once_while_a_limit_keeps_the_journal(self):
        cloud.CONF.set_override('max_preemptions_per_minute', 9, 'opie')
        (preemption,) = self.in_flight()
        self.let_deadlines_pass(preemption.began + 30 - cloud.DEADLINE)
        self.assertEqual(1, self.times(Fate.FAILED, 'some', 'other'))
        self.assertEqual(1, self.times(Fate.FAILED))
        self.assertEqual(1, len(self.in_flight()))

    def test_one_that_runs_lets_it_start_anew(self):
        self.assertEqual(1, self.times(Fate.FAILED, 'some', 'other'))
        self.delete_server('new')
        self.server('third', 'host', VCPU=10)
        shares = {'third': {'newer': {'VCPU': 10}}}
        plan = self.plan({'newer': 'host'}, shares)
        self.let_deadlines_pass(cloud.CONF.long_rpc_timeout)
        self.make(self.claim(plan, VCPU=10))
        self.fate[uuids.newer] = None
        self.assertEqual(0, self.times(Fate.LAUNCHED, 'third'))

    def test_what_cannot_be_noted_the_next_reaper_notes(self):
        self.placement.interrupt(
            'post', '/resource_providers', stand_in.unreachable
        )
        self.assertEqual(0, self.times(Fate.FAILED, 'some', 'other'))
        self.assertTrue(self.logged('Cannot note'))
        self.assertEqual(1, len(self.in_flight()))
        self.assertEqual(1, self.times(Fate.FAILED))
        self.assertNoJournal()
