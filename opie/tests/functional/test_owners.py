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

"""Actions of a victim's owner while a preemption is under way.

Each action comes at a moment that the test chooses: between the plan and its
claim, or between the claim and the eviction.
"""

import threading

from nova.virt import fake

from opie.tests.functional import base
from opie.tests.functional import meanwhile


class OwnerCase(meanwhile.MeanwhileMixin, base.CloudTestCase):
    """A victim of 4 on host1, beside 2 that stay and 4 that are free.

    A preemptor of 8 needs it gone; host2 has room for the victim only.

    :cvar victim_disk_gb: the preemptor takes 1, and all else.
    """

    victim_disk_gb = 1

    def setUp(self):
        super().setUp()
        self.normal = [self.boot(2, 'host1'), self.boot(4, 'host2')]
        self.victim = self.boot_preemptible(
            host='host1', flavor=self.flavor(4, disk_gb=self.victim_disk_gb)
        )

    def assertServedBesideIt(self, status='ACTIVE'):
        """Assert that the preemptor needs no victim's place any more."""
        preemptor = self.boot(8)
        self.assertEqual('host1', self.host_of(preemptor))
        now = self.api.get_server(self.victim['id'])
        self.assertEqual(status, now['status'])
        self.assertFalse(self.logged('Evicting'))
        self.assertUntouched(preemptor, *self.normal)
        self.assertSound()

    def assertRefused(self):
        self.assertNoValidHost(self.boot(8, state='ERROR'))
        self.assertFalse(self.logged('Evicting'))
        self.assertUntouched(*self.normal)

    def migrate_live(self):
        def forget(real, driver, context, instance, *args):
            del driver.instances[instance.uuid]

        # libvirt forgets the guest as well; nova's fake driver does not.
        self.wrap(fake.FakeDriver, 'post_live_migration_at_source', forget)
        self._live_migrate(self.victim)

    def assertComesBack(self):
        """Migrate it before the eviction, and revert that."""
        self.meanwhile(
            meanwhile.BEFORE_EVICTION,
            lambda: self._migrate_server(self.victim),
        )
        self.assertRefused()
        self.assertEqual(6, self.used_vcpus('host1'))
        self.assertSound()
        self._revert_resize(self.victim)
        self.assertSound()
        preemptor = self.boot(8)
        self.assertGone(self.victim)
        self.assertUntouched(preemptor, *self.normal)
        self.assertSound()


class NothingLeftTest(OwnerCase):
    """The claim leaves the victim nothing on its host."""

    def delete(self):
        self.api.delete_server(self.victim['id'])
        self._wait_until_deleted(self.victim)

    def test_deleted_before_the_claim(self):
        self.meanwhile(meanwhile.BEFORE_CLAIM, self.delete)
        preemptor = self.boot(8)
        self.assertGone(self.victim)
        self.assertUntouched(preemptor, *self.normal)
        self.assertSound()

    def shelve(self):
        self._shelve_server(self.victim)

    def test_shelved_before_the_claim(self):
        self.meanwhile(meanwhile.BEFORE_CLAIM, self.shelve)
        self.assertServedBesideIt('SHELVED_OFFLOADED')

    def test_shelved_before_the_eviction(self):
        self.meanwhile(meanwhile.BEFORE_EVICTION, self.shelve)
        self.assertServedBesideIt('SHELVED_OFFLOADED')

    def test_migrated_live_before_the_claim(self):
        self.meanwhile(meanwhile.BEFORE_CLAIM, self.migrate_live)
        self.assertServedBesideIt()

    def test_migrated_live_before_the_eviction(self):
        self.meanwhile(meanwhile.BEFORE_EVICTION, self.migrate_live)
        self.assertServedBesideIt()

    def test_a_live_migration_that_fails_after_all(self):
        begun, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)

        def fail(real, driver, context, instance, dest, post, recover, *args):
            begun.set()
            release.wait(base.WAIT_SECONDS)
            recover(context, instance, dest, migrate_data=args[-1])

        def begin():
            self.api.post_server_action(
                self.victim['id'],
                {'os-migrateLive': {'host': None, 'block_migration': 'auto'}},
            )
            self.assertTrue(begun.wait(base.WAIT_SECONDS))

        self.wrap(fake.FakeDriver, 'live_migration', fail)
        self.meanwhile(meanwhile.BEFORE_EVICTION, begin)
        self.assertRefused()
        release.set()
        self._wait_for_migration_status(self.victim, ['failed'])
        self._wait_for_state_change(self.victim, 'ACTIVE')
        self.assertSound()

    def resize(self):
        self._resize_server(self.victim, self.flavor(5, disk_gb=3))

    def test_resized_before_the_claim(self):
        self.meanwhile(meanwhile.BEFORE_CLAIM, self.resize)
        self.assertRefused()
        self._confirm_resize(self.victim)
        self.assertServedBesideIt()

    def test_resized_before_the_eviction_and_confirmed(self):
        self.meanwhile(meanwhile.BEFORE_EVICTION, self.resize)
        self.assertRefused()
        self.assertEqual(6, self.used_vcpus('host1'))
        self.assertSound()
        self._confirm_resize(self.victim)
        self.assertServedBesideIt()

    def test_migrated_before_the_eviction_and_reverted(self):
        self.assertComesBack()

    def test_migrated_and_reverted_before_the_eviction(self):
        """nova forgets what it then holds on the other host."""

        def move():
            self._migrate_server(self.victim)
            self._revert_resize(self.victim)

        self.meanwhile(meanwhile.BEFORE_EVICTION, move)
        self.assertRefused()
        self.assertSound()
        self.assertUntouched(self.victim)

    def lock(self):
        """Lock the victim as an administrator who is not its owner."""
        instance = self.instance(self.victim)
        instance.locked = True
        instance.locked_by = 'admin'
        instance.save()

    def test_locked_before_the_claim(self):
        self.meanwhile(meanwhile.BEFORE_CLAIM, self.lock)
        self.assertRefused()
        self.assertTrue(self.logged('is locked by an administrator'))
        self.assertSound()

    def assertOwnersLockIgnored(self, moment):
        """Lock it at some moment as its owner does; that does not protect."""
        by = []

        def lock():
            self.api.post_server_action(self.victim['id'], {'lock': None})
            by.append(self.instance(self.victim).locked_by)

        self.meanwhile(moment, lock)
        preemptor = self.boot(8)
        self.assertEqual(['owner'], by)
        self.assertGone(self.victim)
        self.assertUntouched(preemptor, *self.normal)
        self.assertFalse(self.logged('is void'))
        self.assertSound()

    def test_locked_by_its_owner_before_the_claim(self):
        self.assertOwnersLockIgnored(meanwhile.BEFORE_CLAIM)

    def test_locked_by_its_owner_before_the_eviction(self):
        self.assertOwnersLockIgnored(meanwhile.BEFORE_EVICTION)


class SomeLeftTest(OwnerCase):
    """Some of its disk stays with it."""

    victim_disk_gb = 2

    def test_migrated_live_before_the_eviction(self):
        self.meanwhile(meanwhile.BEFORE_EVICTION, self.migrate_live)
        self.assertServedBesideIt()

    def test_migrated_before_the_eviction_and_reverted(self):
        self.assertComesBack()
