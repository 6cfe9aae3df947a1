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

"""What names of providers in the journal tell, and who counts by them."""

import dataclasses
import time

import nova.conf
from nova.tests import fixtures as nova_fixtures
from oslo_utils.fixture import uuidsentinel as uuids
import testtools

import opie.conf
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import rate_limits
from opie.scheduler.repair import findings
from opie.scheduler.repair import preemptor_fate

CONF = nova.conf.CONF
opie.conf.register_opts(CONF)


def preemption(project='project', began=1764074545.123, scheduler_host='host'):
    return journal_names.Preemption(
        uuids.provider,
        uuids.preemptor,
        1,
        1764074665,
        uuids.host,
        scheduler_host,
        began,
        None if project is None else journal_names.label(project),
    )


class NameTest(testtools.TestCase):
    def check(self, one):
        self.assertLessEqual(len(one.name), 200)
        self.assertEqual(
            one,
            journal_names.Preemption.from_name(one.journal_provider, one.name),
        )

    def test_it_tells_all_that_it_was_made_of(self):
        for scheduler_host in ('host', 'host:with:colons', '2001:db8::1'):
            self.check(preemption(scheduler_host=scheduler_host))

    def test_one_that_does_not_count_tells_that(self):
        for scheduler_host in (
            'host',
            'host:with:colons',
            '2001:db8::1',
            '1764:2:3',
        ):
            self.check(preemption(None, None, scheduler_host))

    def test_any_project_has_a_label(self):
        for project in ('a:b', 'x' * 255, 'ümläut', 'with space', ''):
            self.check(preemption(project))
        self.assertNotEqual(
            journal_names.label('x' * 254), journal_names.label('x' * 255)
        )

    def test_a_long_scheduler_host_is_cut_short_and_nothing_else(self):
        one = preemption('p' * 40, scheduler_host='o' * 255)
        told = journal_names.Preemption.from_name(
            one.journal_provider, one.name
        )
        self.assertEqual(200, len(one.name))
        self.assertEqual(
            one, dataclasses.replace(told, scheduler_host=one.scheduler_host)
        )

    def test_names_of_before_tell_less_or_nothing(self):
        start = 'opie:%s:2:1764074665:' % uuids.preemptor
        told = journal_names.Preemption.from_name(
            uuids.provider, '%s%s:host' % (start, uuids.host)
        )
        self.assertIsNone(told.began)
        self.assertIsNone(told.project)
        self.assertRaises(
            ValueError,
            journal_names.Preemption.from_name,
            uuids.provider,
            start + 'host',
        )


class RepairTest(testtools.TestCase):
    def test_what_counts_is_not_closed_and_repaired_all_the_same(self):
        for fate in preemptor_fate.Fate:
            for state in ((False, False), (True, False), (True, True)):
                usual = findings.repair_for(fate, *state)
                if usual is findings.Repair.CLOSE:
                    usual = findings.Repair.WAIT
                self.assertEqual(
                    usual, findings.repair_for(fate, *state, is_counted=True)
                )


class CountTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(nova_fixtures.ConfFixture(CONF))

    def limit(self, overall=0, per_project=0):
        for name, value in (
            ('max_preemptions_per_minute', overall),
            ('max_preemptions_per_minute_per_project', per_project),
        ):
            CONF.set_override(name, value, 'opie')

    def count(self, *seconds_ago, number=1, project='project'):
        now = time.time()
        return rate_limits.why_not(
            [preemption(project, now - ago) for ago in seconds_ago],
            'project',
            number,
        )

    def test_without_a_limit_any_number_may_begin(self):
        self.assertFalse(rate_limits.are_limited())
        self.assertIsNone(self.count(*range(50), number=50))

    def test_those_of_the_last_minute_count(self):
        self.limit(2)
        self.assertIsNone(self.count(30))
        self.assertIsNone(self.count(30, 61, 3600))
        reason = self.count(1, 59)
        self.assertIn('[opie] max_preemptions_per_minute (2)', reason)

    def test_clocks_that_are_ahead_count_if_only_a_little(self):
        self.limit(1)
        self.assertIsNotNone(self.count(-5))
        self.assertIsNone(self.count(-3600))

    def test_a_project_counts_for_itself(self):
        self.limit(per_project=2)
        self.assertIsNone(self.count(1, 2, 3, project='another'))
        self.assertIn('per_project (2)', self.count(1, 2))

    def test_several_count_as_several(self):
        self.limit(3)
        self.assertIsNone(self.count(1, number=2))
        self.assertIn('3 more: 1 began', self.count(1, number=3))

    def test_what_has_no_time_does_not_count(self):
        self.limit(1)
        old = preemption(None, None)
        self.assertIsNone(rate_limits.why_not([old] * 3, 'project'))
