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

"""What the reaper does for a server that was to move."""

import fixtures
from oslo_utils.fixture import uuidsentinel as uuids
import testtools

from opie.conf import operations
from opie.scheduler.claims import journal_names
from opie.scheduler.nova_db import moves
from opie.scheduler.repair import preemptor_fate

Fate = preemptor_fate.Fate


class FateTest(testtools.TestCase):
    def fate(self, operation, record):
        migration = None if operation == operations.UNSHELVE else 'migration'
        move = moves.Move(operation, migration)
        preemption = journal_names.Preemption(
            uuids.journal, uuids.new, 1, 0, 'nominated', 'host', move=move
        )
        with fixtures.MockPatchObject(moves, 'record', lambda *_: record):
            return preemptor_fate.of(None, preemption)

    def check(self, operation, *cases):
        for expected, *fields in cases:
            record = moves.Record(*fields)
            self.assertIs(expected, self.fate(operation, record), record)

    def test_a_deleted_server_has_found_no_host(self):
        for operation in operations.ALL[1:]:
            self.assertIs(Fate.WITHOUT_HOST, self.fate(operation, None))

    def test_one_that_waits_is_undecided(self):
        self.check(
            operations.RESIZE,
            (
                Fate.UNDECIDED,
                'active',
                'resize_prep',
                'a',
                'pre-migrating',
                None,
            ),
        )
        self.check(
            operations.UNSHELVE,
            (
                Fate.UNDECIDED,
                'shelved_offloaded',
                'unshelving',
                None,
                None,
                None,
            ),
        )

    def test_one_that_is_on_its_host_keeps_it(self):
        """However it has come there."""
        self.check(
            operations.EVACUATE,
            (Fate.LAUNCHED, 'active', None, 'nominated', 'done', 'b'),
            (Fate.LAUNCHED, 'active', None, 'nominated', 'failed', 'b'),
        )
        self.check(
            operations.UNSHELVE,
            (Fate.LAUNCHED, 'active', None, 'nominated', None, None),
        )

    def test_one_that_is_elsewhere_gives_its_claim_back(self):
        self.check(
            operations.EVACUATE,
            (Fate.WITHOUT_HOST, 'error', None, 'a', 'error', None),
            (Fate.WITHOUT_HOST, 'active', None, 'other', 'failed', 'b'),
        )
        self.check(
            operations.UNSHELVE,
            (Fate.WITHOUT_HOST, 'active', None, 'other', None, None),
            (Fate.WITHOUT_HOST, 'shelved_offloaded', None, None, None, None),
        )

    def test_but_not_while_nova_moves_it_once_more(self):
        """The next move may want the same host, and adds to what it holds."""
        self.check(
            operations.EVACUATE,
            (Fate.UNDECIDED, 'active', 'rebuilding', 'a', 'error', None),
        )

    def test_of_a_move_that_is_over_the_migration_tells(self):
        """What it held says whether the claim is there: see dropping.py."""
        self.check(
            operations.RESIZE,
            (Fate.WITHOUT_HOST, 'active', 'resize_prep', 'a', 'error', None),
            (Fate.LAUNCHED, 'active', None, 'a', 'reverted', 'b'),
            (
                Fate.BUILDING,
                'active',
                'resize_migrating',
                'a',
                'migrating',
                'b',
            ),
        )
