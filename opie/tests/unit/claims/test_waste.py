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


import time

import fixtures
from oslo_utils.fixture import uuidsentinel as uuids

from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import journal_reader
from opie.scheduler.claims import waste
from opie.tests.stand_ins.placement import client as stand_in
from opie.tests.unit.claims import cloud

_MINUTE = 60
_HOUR = 60 * _MINUTE


class WasteTestCase(cloud.CloudTestCase):
    """A clock that stands still but for the minutes that a test lets go by."""

    def setUp(self):
        super().setUp()
        self.now = 1764074000.0
        self.useFixture(
            fixtures.MockPatchObject(time, 'time', lambda: self.now)
        )
        self.client.create_provider(journal.ROOT_UUID, journal.ROOT_NAME)

    def preemption(self, began=None, project=cloud.PROJECT, preemptor='new'):
        return journal_names.Preemption(
            journal_names.new_provider(cloud.WORKER),
            getattr(uuids, preemptor),
            1,
            int(self.now) + 120,
            uuids.host,
            'a scheduler',
            self.now if began is None else began,
            journal_names.label(project),
        )

    def waste(self, *args, **kwargs):
        self.note_outcomes(wasted=[self.preemption(*args, **kwargs)])

    def serve(self, *args, **kwargs):
        self.note_outcomes(served=[self.preemption(*args, **kwargs)])

    def note_outcomes(self, wasted=(), served=()):
        waste.note(self.client, wasted, served)

    def let_pass(self, seconds):
        self.now += seconds

    def records(self):
        reader = journal_reader.Reader()
        reader.read(self.client)
        return reader.wasted

    def why_wait(self, project=cloud.PROJECT):
        return waste.why_wait(self.records(), project)

    def assertWaits(self, seconds):
        """Check that the project waits so long, and no longer."""
        began = self.now
        self.now = began + seconds - 1
        self.assertIsNotNone(self.why_wait())
        self.now = began + seconds
        self.assertIsNone(self.why_wait())
        self.now = began


class WaitTest(WasteTestCase):
    def test_without_waste_no_project_waits(self):
        self.note_outcomes()
        self.assertIsNone(self.why_wait())

    def test_it_waits_twice_as_long_each_time(self):
        for minutes in (1, 2, 4, 8):
            self.waste(preemptor='preemptor %d' % minutes)
            self.assertWaits(minutes * _MINUTE)
            self.let_pass(minutes * _MINUTE)

    def test_there_is_a_longest_wait(self):
        cloud.CONF.set_override(
            'wasted_preemption_backoff_max_seconds', 150, 'opie'
        )
        for number, seconds in enumerate((60, 120, 150, 150)):
            self.waste(preemptor='preemptor %d' % number)
            self.assertWaits(seconds)
            self.let_pass(seconds)

    def test_the_first_wait_is_an_option(self):
        cloud.CONF.set_override('wasted_preemption_backoff_seconds', 7, 'opie')
        self.waste()
        self.assertWaits(7)

    def test_by_an_option_no_project_waits(self):
        self.waste()
        cloud.CONF.set_override('wasted_preemption_backoff_seconds', 0, 'opie')
        self.assertIsNone(self.why_wait())
        self.let_pass(_MINUTE)
        self.waste(preemptor='newer')
        self.assertEqual(1, len(self.records()))

    def test_a_longest_wait_that_is_lowered_counts_at_once(self):
        self.waste()
        cloud.CONF.set_override(
            'wasted_preemption_backoff_max_seconds', 5, 'opie'
        )
        self.assertWaits(5)

    def test_the_reason_says_until_when(self):
        self.waste()
        self.assertIn('again at 2025-11-25T12:34:20+00:00', self.why_wait())

    def test_another_project_does_not_wait(self):
        self.waste(project='another')
        self.assertIsNone(self.why_wait())
        self.assertIsNotNone(self.why_wait('another'))

    def test_a_clock_that_is_ahead_lets_no_project_wait(self):
        self.let_pass(_HOUR)
        self.waste()
        self.let_pass(-_HOUR)
        self.assertIsNone(self.why_wait())


class OnceTest(WasteTestCase):
    def test_what_is_noted_again_changes_nothing(self):
        one = self.preemption()
        for _ in range(3):
            self.note_outcomes(wasted=[one])
            self.let_pass(10)
        self.assertWaits(_MINUTE - 30)

    def test_what_had_begun_before_is_part_of_it(self):
        began = self.now
        self.let_pass(30)
        self.waste(began)
        self.let_pass(10)
        self.waste(began + 1, preemptor='newer')
        self.assertWaits(_MINUTE - 10)

    def test_several_of_a_request_are_one_waste(self):
        names = ('one', 'two', 'three')
        self.note_outcomes(
            wasted=[self.preemption(preemptor=one) for one in names]
        )
        self.assertWaits(_MINUTE)
        self.assertEqual(1, len(self.records()))

    def test_two_workers_that_note_it_at_once_make_one_record(self):
        one = self.preemption()
        self.placement.interrupt(
            'post',
            '/resource_providers',
            stand_in.first(lambda: self.note_outcomes(wasted=[one])),
        )
        self.note_outcomes(wasted=[one])
        self.assertEqual(1, len(self.records()))
        self.assertWaits(_MINUTE)

    def test_what_took_nothing_of_victims_is_no_waste(self):
        one = journal_names.Preemption(
            uuids.provider, uuids.new, 1, 0, uuids.host, 'a scheduler'
        )
        self.note_outcomes(wasted=[one])
        self.assertEqual([], self.records())


class ForgetTest(WasteTestCase):
    def test_a_project_that_is_served_starts_anew(self):
        self.waste()
        self.let_pass(_MINUTE)
        self.serve()
        self.assertEqual([], self.records())
        self.waste(preemptor='newer')
        self.assertWaits(_MINUTE)

    def test_what_began_before_the_waste_does_not_redeem_it(self):
        began = self.now - 1
        self.waste()
        self.serve(began, preemptor='older')
        self.assertWaits(_MINUTE)

    def test_another_project_does_not_redeem_it(self):
        self.waste()
        self.let_pass(1)
        self.serve(project='another')
        self.assertWaits(_MINUTE - 1)

    def test_there_is_one_record_for_a_project(self):
        for number in range(4):
            self.waste(preemptor='preemptor %d' % number)
            self.let_pass(_HOUR)
            self.assertEqual(1, len(self.records()))

    def test_it_is_forgotten_after_a_long_time(self):
        self.waste()
        self.let_pass(_MINUTE + _HOUR - 1)
        self.note_outcomes()
        self.assertEqual(1, len(self.records()))
        self.let_pass(1)
        self.note_outcomes()
        self.assertEqual([], self.records())

    def test_a_record_is_no_preemption(self):
        self.waste()
        found = journal_reader.Reader().read(self.client)
        self.assertEqual([], found.preemptions)
        self.assertEqual([], self.in_flight())
        self.assertEqual([], self.logged('has no name of it'))

    def test_an_id_of_a_project_that_is_no_name_is_recognised(self):
        self.waste(project='a: project')
        self.assertIsNotNone(self.why_wait('a: project'))
