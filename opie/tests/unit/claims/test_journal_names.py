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

"""The names of the journal's providers, written and read again."""

import dataclasses

import hypothesis
from hypothesis import strategies
from oslo_utils import uuidutils
from oslo_utils.fixture import uuidsentinel as uuids
import testtools

from opie.conf import operations
from opie.scheduler.claims import journal_names
from opie.scheduler.nova_db import moves


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

    def test_it_tells_what_the_room_is_for(self):
        for operation in operations.ALL:
            for migration in (None, uuids.migration):
                move = moves.Move(operation, migration)
                for project in ('a' * 32, None):
                    began = 1764074545.123 if project else None
                    one = preemption(project, began, 'host:1')
                    self.check(dataclasses.replace(one, move=move))

    def test_of_a_move_no_more_than_the_scheduler_host_is_cut_short(self):
        move = moves.Move(operations.LIVE_MIGRATE, uuids.migration)
        one = dataclasses.replace(
            preemption('p' * 40, scheduler_host='o' * 255),
            move=move,
            attempt=20,
        )
        told = journal_names.Preemption.from_name(
            one.journal_provider, one.name
        )
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

    @hypothesis.given(
        strategies.integers(1, 99),
        strategies.integers(0, 2**40),
        # Names of hosts, and of those that are addresses.
        strategies.text('abc.-:0123456789', min_size=1, max_size=60),
    )
    def test_a_name_tells_what_it_was_made_of(
        self, attempt, deadline, scheduler_host
    ):
        preemption = journal_names.Preemption(
            uuidutils.generate_uuid(),
            uuidutils.generate_uuid(),
            attempt,
            deadline,
            uuidutils.generate_uuid(),
            scheduler_host,
        )
        self.assertEqual(
            preemption,
            journal_names.Preemption.from_name(
                preemption.journal_provider, preemption.name
            ),
        )

    def test_other_names_are_none(self):
        for name in (
            'opie',
            'opie:a:1:2:h',
            'nova:a:1:2:h:o',
            'opie:a:x:2:h:o',
        ):
            self.assertRaises(
                ValueError,
                journal_names.Preemption.from_name,
                'provider',
                name,
            )
