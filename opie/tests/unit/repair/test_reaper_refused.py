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


"""What the reaper does for a preemptor that nova refused at the end."""

import time

import fixtures
from oslo_utils.fixture import uuidsentinel as uuids

from opie.scheduler.repair import preemptor_fate
from opie.scheduler.repair import reaper
from opie.tests.stand_ins.placement import client as stand_in
from opie.tests.unit.claims import cloud
from opie.tests.unit.repair import test_reaper


class RefusedTest(test_reaper.ReaperTestCase):
    """It is in ERROR without a host, and its deadline is not over."""

    def setUp(self):
        super().setUp()
        self.fate[uuids.new] = preemptor_fate.Fate.REFUSED
        self.let_deadlines_pass(-1)

    def test_a_preemptor_that_nova_refused_drops_its_claim_at_once(self):
        self.lose('some', 'other')
        self.repair()
        self.assertUndone()
        self.assertWasted(2)

    def test_so_does_one_whose_victims_live(self):
        self.lose('some')
        self.repair()
        self.assertUndone('other')
        self.assertWasted(1)

    def test_what_it_was_opened_for_is_read_once_to_decide_and_to_close(self):
        self.lose('some')
        (preemption,) = self.in_flight()
        before = len(self.placement.calls)
        self.repair()
        url = '/resource_providers/%s/inventories'
        self.assertEqual(
            2,
            self.placement.calls[before:].count(
                ('get', url % preemption.journal_provider, None)
            ),
        )

    def test_one_that_was_refused_and_counts_for_a_limit_stays(self):
        self.lose('some', 'other')
        cloud.CONF.set_override('max_preemptions_per_minute', 9, 'opie')
        (preemption,) = self.in_flight()
        for seconds, is_closed in ((59, False), (60, True)):
            moment = preemption.began + seconds
            with fixtures.MockPatchObject(time, 'time', lambda at=moment: at):
                self.repair()
            self.assertEqual({}, self.held('new'))
            self.assertEqual(is_closed, not self.in_flight())
        self.assertWasted(2)

    def test_of_two_reapers_that_drop_a_refused_claim_one_counts(self):
        self.lose('some', 'other')
        another = reaper.Reaper(self.client, servicegroup=None)
        for call in (
            ('post', '/allocations'),
            ('put', '/resource_providers/.*/inventories'),
        ):
            self.placement.interrupt(
                *call,
                stand_in.first(lambda: another.repair(another.in_flight())),
            )
        self.repair()
        self.assertUndone()
        self.assertWasted(2)
