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

"""The reaper's table of repairs, and the names that it reads."""

import itertools

import hypothesis
from hypothesis import strategies
from oslo_utils import uuidutils
import testtools

from opie.scheduler.claims import journal_names
from opie.scheduler.repair import findings
from opie.scheduler.repair import preemptor_fate

# Fate: repair by (has victims, is overdue).
TABLE = {
    preemptor_fate.Fate.WITHOUT_HOST: {
        (True, True): findings.Repair.UNDO,
        (False, True): findings.Repair.UNDO,
        (True, False): findings.Repair.WAIT,
        (False, False): findings.Repair.WAIT,
    },
    preemptor_fate.Fate.UNDECIDED: {
        (True, True): findings.Repair.UNDO,
        (False, True): findings.Repair.UNDO,
        (True, False): findings.Repair.WAIT,
        (False, False): findings.Repair.WAIT,
    },
    preemptor_fate.Fate.BUILDING: {
        (True, True): findings.Repair.GIVE_BACK,
        (False, True): findings.Repair.CLOSE,
        (True, False): findings.Repair.WAIT,
        (False, False): findings.Repair.WAIT,
    },
    preemptor_fate.Fate.LAUNCHED: {
        (True, True): findings.Repair.GIVE_BACK,
        (False, True): findings.Repair.CLOSE,
        (True, False): findings.Repair.WAIT,
        (False, False): findings.Repair.CLOSE,
    },
    preemptor_fate.Fate.FAILED: {
        (True, True): findings.Repair.GIVE_BACK,
        (False, True): findings.Repair.CLOSE,
        (True, False): findings.Repair.WAIT,
        (False, False): findings.Repair.CLOSE,
    },
}


class RepairsTest(testtools.TestCase):
    def test_every_state_has_its_repair(self):
        for fate, has_victims, is_overdue in itertools.product(
            preemptor_fate.Fate, (True, False), (True, False)
        ):
            self.assertEqual(
                TABLE[fate][has_victims, is_overdue],
                findings.repair_for(fate, has_victims, is_overdue),
                (fate, has_victims, is_overdue),
            )

    def test_nothing_is_undone_or_given_back_in_time(self):
        """A scheduler may be at work on it."""
        for fate, has_victims in itertools.product(
            preemptor_fate.Fate, (True, False)
        ):
            self.assertIn(
                findings.repair_for(fate, has_victims, is_overdue=False),
                (findings.Repair.WAIT, findings.Repair.CLOSE),
            )


class NamesTest(testtools.TestCase):
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

    def test_a_long_scheduler_host_is_cut(self):
        preemption = journal_names.Preemption(
            'p', uuidutils.generate_uuid(), 1, 2, 'h', 'o' * 255
        )
        self.assertEqual(200, len(preemption.name))

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
