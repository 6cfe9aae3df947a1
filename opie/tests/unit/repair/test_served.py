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


"""How long a worker follows the preemptors that it has answered for."""

import fixtures
from oslo_utils.fixture import uuidsentinel as uuids
import testtools

from opie.scheduler.claims import journal_names
from opie.scheduler.repair import preemptor_fate
from opie.scheduler.repair import served
from opie.tests.stand_ins import clock

Fate = preemptor_fate.Fate


class _Reaper:
    def __init__(self):
        self.repaired = []

    def repair(self, preemptions):
        self.repaired += preemptions


class ServedTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clock.Clock()
        self.useFixture(
            fixtures.MonkeyPatch('opie.scheduler.waiting.time', self.clock)
        )
        self.useFixture(
            fixtures.MockPatchObject(preemptor_fate, 'fate_of', self._fate_of)
        )
        self.fate, self.asked = Fate.UNDECIDED, 0
        self.preemption = journal_names.Preemption(
            uuids.provider, uuids.new, 1, 1764074665, uuids.host, 'a scheduler'
        )
        self.reaper = _Reaper()
        self.served = served.Served()
        self.served.follow([self.preemption])

    def _fate_of(self, context, preemptor):
        self.assertEqual(uuids.new, preemptor)
        self.asked += 1
        return self.fate

    def look(self, fate, times=2):
        self.fate = fate
        for _ in range(times):
            self.served.give_back_refused(self.reaper)

    def test_one_that_has_its_host_is_followed_no_more(self):
        self.look(Fate.BUILDING)
        self.look(Fate.LAUNCHED)
        self.assertEqual(3, self.asked)
        self.assertEqual([], self.reaper.repaired)

    def test_one_that_is_refused_is_repaired_once(self):
        self.look(Fate.UNDECIDED)
        self.look(Fate.REFUSED)
        self.assertEqual([self.preemption], self.reaper.repaired)

    def test_one_whose_build_has_failed_is_repaired_once(self):
        self.look(Fate.BUILDING)
        self.look(Fate.FAILED)
        self.assertEqual([self.preemption], self.reaper.repaired)

    def test_one_of_which_nova_says_nothing_is_left_to_the_reaper(self):
        self.clock.sleep(600)
        self.look(Fate.UNDECIDED)
        self.assertEqual(1, self.asked)
        self.assertEqual([], self.reaper.repaired)
