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

"""The limit of preemptions that one worker has under way at a time."""

import time

from nova import exception
from nova.virt import fake

from opie.tests.functional import base

_MOMENT_SECONDS = 1


class OneSlotTest(base.CloudTestCase):
    """One preemption at a time, and a victim on each of two hosts."""

    def configure(self):
        # The scheduler reads the option when it starts.
        self.flags(max_concurrent_preemptions=1, group='opie')

    def setUp(self):
        super().setUp()
        self.victims = [self.boot_preemptible(10, host) for host in self.hosts]
        self.ten = self.flavor(10)

    def why_not(self, refused):
        """Return the log's reason for a server that was refused."""
        self.assertNoValidHost(refused)
        (line,) = self.logged('No room is made for %s' % refused['id'])
        return line

    def test_a_second_one_waits_for_the_slot_of_the_first(self):
        begun, release = self.hold_deletions()
        first = self.boot(flavor=self.ten, state=None)
        self.assertTrue(begun.wait(base.WAIT_SECONDS))
        second = self.boot(flavor=self.ten, state=None)
        time.sleep(_MOMENT_SECONDS)
        self.assertEqual(1, len(self.logged('Evicting')))
        release.set()
        for preemptor in (first, second):
            self._wait_for_state_change(preemptor, 'ACTIVE')
        self.assertGone(*self.victims)
        self.assertUntouched(first, second)
        self.assertNoJournal()

    def test_a_second_one_waits_no_longer_than_its_time(self):
        begun, release = self.hold_deletions()
        first = self.boot(flavor=self.ten, state=None)
        self.assertTrue(begun.wait(base.WAIT_SECONDS))
        self.flags(preemption_timeout_seconds=1, group='opie')
        refused = self.boot(flavor=self.ten, state='ERROR')
        self.assertIn(
            '[opie] max_concurrent_preemptions (1)', self.why_not(refused)
        )
        self.assertEqual(1, len(self.logged('Evicting')))
        release.set()
        self._wait_for_state_change(first, 'ACTIVE')

    def test_one_that_failed_leaves_its_slot_to_the_next(self):
        """A preemptor without a plan leaves its slot, too."""

        def fail(real, *args, **kwargs):
            raise exception.NovaException('the disk is busy')

        no_plan = self.boot(11, state='ERROR')
        self.assertIn('units of VCPU', self.why_not(no_plan))
        self.flags(max_plans_per_request=1, group='opie')
        with self.wrapped(fake.FakeDriver, 'destroy', fail):
            failed = self.boot(flavor=self.ten, state='ERROR')
        self.assertIn('no plan could be carried out', self.why_not(failed))
        self.assertUntouched(self.boot(flavor=self.ten))
