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

"""Giving back while nova deletes the same victims."""

import threading

import fixtures
from placement.objects import allocation as placement_allocation
from testtools import testcase

from opie.scheduler import errors
from opie.scheduler.claims import give_back
from opie.scheduler.claims import restoring
from opie.scheduler.nova_db import instances
from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import confirmation
from opie.scheduler.preempting import undoing
from opie.tests.functional import base


class OverCapacityTest(base.CloudTestCase):
    """The host shrinks just after the claim, under a placement before 14.

    Such a placement refuses every write on a provider that is over capacity.
    """

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.normal = self.boot(3)
        self.victims = [self.boot_preemptible(vcpu) for vcpu in (3, 4)]

        def check(real, context, allocations, *args):
            return real(context, allocations, *[{} for _ in args])

        self.wrap(placement_allocation, '_check_capacity_exceeded', check)

    def reserve_after_the_claim(self, vcpu):
        def claim(real, client, bodies):
            real(client, bodies)
            self._reserve_placement_resource('host1', 'VCPU', vcpu)

        self.wrap_once(placement.Client, 'replace_allocations', claim)

    @testcase.attr('smoke')
    def test_a_victim_that_fits_is_restored_and_the_claim_is_dropped(self):
        self.useFixture(
            fixtures.MockPatchObject(
                give_back, '_PATIENCE_WITHOUT_ROOM_SECONDS', 0.5
            )
        )
        self.reserve_after_the_claim(3)
        self.assertNoValidHost(self.boot(7, state='ERROR'))
        held = [self.allocations(victim) for victim in self.victims]
        provider = self._get_provider_uuid_by_host('host1')
        (journal_provider,) = self.journal_providers()
        (whole,) = [item for item in held if list(item) == [provider]]
        (rest,) = [item for item in held if item is not whole]
        self.assertIn(journal_provider['uuid'], rest)
        self.assertNotIn('VCPU', rest.get(provider, {}).get('resources', {}))
        (left,) = [
            victim
            for victim, item in zip(self.victims, held, strict=True)
            if item is rest
        ]
        (line,) = self.logged('Could not give back')
        self.assertIn('WARNING', line)
        self.assertIn('the victims %s held' % left['id'], line)


class DeletionBetweenTest(base.CloudTestCase):
    """The eviction stops after its victim has been sent."""

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.victim = self.boot_preemptible(10)

    def stop_at_once(self):
        def fail(real, *args):
            raise errors.AttemptVoid('the compute service is down')

        self.wrap(confirmation.Confirmation, 'wait', fail)

    def hold_the_end_of_its_deletion(self):
        """Let nova's deletion of its allocations wait in placement.

        :returns: (event that is set when it waits, event to set).
        """
        begun, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)

        def wait(real, *args):
            begun.set()
            release.wait(base.WAIT_SECONDS)
            return real(*args)

        self.wrap(placement_allocation, 'delete_all', wait)
        return begun, release

    def test_deletions_that_end_soon_are_waited_for_first(self):
        """Then nothing is given back that could stay."""
        _, release = self.hold_deletions()

        def wait(real, *args):
            release.set()
            real(*args)
            self.assertFalse(self.is_alive(self.victim))

        given_back = []

        def note(real, *args, **kwargs):
            given_back.append(real(*args, **kwargs))
            return given_back[-1]

        self.stop_at_once()
        self.useFixture(
            fixtures.MockPatchObject(
                instances, '_PATIENCE_SECONDS', base.WAIT_SECONDS
            )
        )
        self.wrap(undoing.Undoing, '_let_deletions_end', wait)
        self.wrap(give_back, 'give_back', note)
        self.assertNothingIsLeft()
        self.assertTrue(given_back[0].is_done)
        self.assertNotIn(self.victim['id'], given_back[0].changed)

    def assertNothingIsLeft(self):
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self._wait_until_deleted(self.victim)
        self._wait_for_assert(lambda: self.assertGone(self.victim))
        self.assertNoJournal()
        self.assertUntouched(self.boot(10))

    def test_a_victim_deleted_before_each_write_is_not_resurrected(self):
        _, release = self.hold_deletions()
        writes = []

        def write(real, client, bodies):
            writes.append(bodies)
            if len(writes) == 2:
                # nova deletes the allocations after they were read.
                release.set()
                self._wait_for_assert(
                    lambda: self.assertEqual({}, self.allocations(self.victim))
                )
            return real(client, bodies)

        self.stop_at_once()
        self.wrap(placement.Client, 'replace_allocations', write)
        self.assertNothingIsLeft()
        self.assertIn(self.victim['id'], writes[1])
        self.assertNotIn(self.victim['id'], writes[2])

    def test_allocations_that_nova_is_just_deleting_do_not_come_back(self):
        self.useFixture(
            fixtures.MockPatchObject(
                instances, '_PATIENCE_SECONDS', base.WAIT_SECONDS
            )
        )
        begun, release = self.hold_the_end_of_its_deletion()

        def read(real, *args):
            self.assertTrue(begun.wait(base.WAIT_SECONDS))
            return real(*args)

        def given_back(real, *args):
            self.assertHolds(10, self.victim)
            release.set()
            return real(*args)

        self.stop_at_once()
        # nova has taken longer than that.
        self.wrap(undoing.Undoing, '_let_deletions_end', lambda *args: None)
        self.wrap(restoring, 'bodies', read)
        self.wrap(undoing.Undoing, '_empty_deleted', given_back)
        self.assertNothingIsLeft()
