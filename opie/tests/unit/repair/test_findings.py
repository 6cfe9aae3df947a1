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

"""Which repair each state of a preemption has."""

import itertools

import testtools

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
    # Without a claim; a preemptor that has one is undone in each case.
    preemptor_fate.Fate.REFUSED: {
        (True, True): findings.Repair.UNDO,
        (False, True): findings.Repair.CLOSE,
        (True, False): findings.Repair.UNDO,
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
                findings.repair_for(fate, False, has_victims, is_overdue),
                (fate, has_victims, is_overdue),
            )

    def test_a_claim_matters_only_where_nova_has_refused_the_preemptor(self):
        refused = preemptor_fate.Fate.REFUSED
        for fate, *state in itertools.product(
            preemptor_fate.Fate, (True, False), (True, False)
        ):
            expected = TABLE[fate][tuple(state)]
            if fate is refused:
                expected = findings.Repair.UNDO
            self.assertEqual(expected, findings.repair_for(fate, True, *state))

    def test_what_counts_is_not_closed_and_repaired_all_the_same(self):
        for fate in preemptor_fate.Fate:
            for state in ((False, False), (True, False), (True, True)):
                usual = findings.repair_for(fate, False, *state)
                if usual is findings.Repair.CLOSE:
                    usual = findings.Repair.WAIT
                self.assertEqual(
                    usual,
                    findings.repair_for(fate, False, *state, is_counted=True),
                )
