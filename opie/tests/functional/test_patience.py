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

"""An outage of a while costs no victim and delays no other preemptor."""

import threading

import fixtures
from nova import exception
from nova.compute import manager as compute_manager

from opie.scheduler import errors
from opie.scheduler.claims import claim
from opie.scheduler.nova_db import cell_index
from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import instances
from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import attempt
from opie.scheduler.preempting import eviction
from opie.tests.functional import base


class OutageBetweenDeletionsTest(base.CloudTestCase):
    """Two victims of 5, and a preemptor of 10 that needs both."""

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.useFixture(
            fixtures.MockPatchObject(eviction, '_FRESH_SECONDS', 0)
        )
        self.victims = [self.boot_preemptible(5) for _ in range(2)]

    def fail_at(self, number, owner, name, error):
        """Let calls fail, three in a row, from one on, counted from 1."""
        calls = []

        def fail(real, *args):
            calls.append(args)
            if number <= len(calls) < number + 3:
                raise error
            return real(*args)

        self.wrap(owner, name, fail)

    def assertPreempted(self):
        preemptor = self.boot(10)
        self.assertGone(*self.victims)
        self.assertUntouched(preemptor)
        self.assertFalse(self.logged('Wasted'))
        self.assertNoJournal()

    def assertRefused(self):
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.assertUntouched(*self.victims)
        self.assertNoJournal()

    # First both are checked, and then each of them once more.

    def test_placement_fails_before_the_second_one(self):
        self.fail_at(
            3,
            claim.Claim,
            'changed',
            placement.NoAnswer('503'),
        )
        self.assertPreempted()

    def test_the_database_fails_before_the_second_one(self):
        self.fail_at(
            3,
            instances,
            'has_build_request',
            exception.NovaException('the database is away'),
        )
        self.assertPreempted()

    def test_placement_fails_before_the_first_one(self):
        self.fail_at(
            2,
            claim.Claim,
            'changed',
            placement.NoAnswer('503'),
        )
        self.assertRefused()

    def test_placement_fails_when_a_deletion_has_half_failed(self):
        """The record stays in ERROR, and all else is free."""

        def fail(real, *args):
            real(*args)
            raise exception.NovaException('the secret is not yours')

        self.wrap_once(
            compute_manager.ComputeManager, '_complete_deletion', fail
        )
        self.fail_at(1, claim.Claim, 'is_released', placement.NoAnswer('503'))
        preemptor = self.boot(10)
        self.assertUntouched(preemptor)
        self.assertEqual(10, self.used_vcpus('host1'))
        self.assertNoJournal()


class PatienceTest(base.CloudTestCase):
    def test_no_preemptor_waits_until_another_one_has_given_back(self):
        """Placement is silent on one preemptor's victims for long."""
        victims = [self.boot_preemptible(10, host) for host in self.hosts]
        flavor = self.flavor(10)
        begun, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)

        def verify(real, *args):
            raise errors.AttemptVoid('over capacity')

        def give_back(real, *args):
            begun.set()
            release.wait(base.WAIT_SECONDS)
            return real(*args)

        self.wrap_once(attempt.Attempt, 'verify', verify)
        self.wrap_once(claim.Claim, 'give_back_for', give_back)
        first = self.boot(flavor=flavor, state=None)
        self.assertTrue(begun.wait(base.WAIT_SECONDS))
        second = self.boot(flavor=flavor)
        self.assertFalse(release.is_set())
        release.set()
        self._wait_for_state_change(first, 'ACTIVE')
        self.assertUntouched(first, second)
        self.assertGone(*victims)
        self.assertNoJournal()


class SilentCellTest(base.CloudTestCase):
    """A victim on the only host, and a cell that fails at one question."""

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        # A silent cell is asked again for the next request.
        self.useFixture(
            fixtures.MockPatchObject(cell_index, 'SILENT_SECONDS', 0)
        )
        self.asked = 0
        self.fails_at = None
        self.wrap(cells, 'ask', self.ask)

    def ask(self, real, cell_mappings, read):
        self.asked += 1
        if self.asked != self.fails_at:
            return real(cell_mappings, read)

        def fail(context):
            raise exception.NovaException('the database is away')

        return real(cell_mappings, fail)

    def test_it_is_asked_nothing_else(self):
        """A database that hangs would be waited for each time."""
        victim = self.boot_preemptible(10)
        for self.fails_at in range(1, 6):
            self.asked = 0
            self.assertNoValidHost(self.boot(10, state='ERROR'))
            self.assertEqual(self.fails_at, self.asked)
            self.assertUntouched(victim)
            self.assertNoJournal()
        self.asked = 0
        self.fails_at = None
        self.assertUntouched(self.boot(10))
        self.assertGone(victim)
        self.assertGreaterEqual(self.asked, 5)
