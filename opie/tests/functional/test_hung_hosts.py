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

"""Hosts that are up for nova, and delete nothing."""

import threading
import time

from nova.compute import manager as compute_manager
from nova.virt import fake

from opie.tests.functional import base
from opie.tests.functional import meanwhile
from opie.tests.functional import two_schedulers


class HungHostCase(
    two_schedulers.TwoSchedulersMixin,
    meanwhile.MeanwhileMixin,
    base.CloudTestCase,
):
    """Two schedulers, and a host that hangs; it is the cheapest."""

    do_hosts_work = False

    def setUp(self):
        super().setUp()
        self.start_second_scheduler()
        self.cheap = [self.boot_preemptible(3, 'host1') for _ in range(3)]
        self.dear = [self.boot_preemptible(3, 'host2') for _ in range(3)]
        for server in self.dear:
            self.has_run(server, 1800)
        for host in self.hosts:
            self.boot(1, host)
        self.returns = threading.Event()
        self.addCleanup(self.returns.set)

        def destroy(real, driver, context, instance, *args, **kwargs):
            if instance.host == 'host1':
                self.returns.wait(base.WAIT_SECONDS)
            return real(driver, context, instance, *args, **kwargs)

        self.wrap(fake.FakeDriver, 'destroy', destroy)

    def assertElsewhere(self, *preemptors):
        for preemptor in preemptors:
            self._wait_for_state_change(preemptor, 'ACTIVE')
            self.assertEqual('host2', self.host_of(preemptor))

    def assertOneWasted(self):
        """Assert that no other server of the host was sent away."""
        (line,) = self.logged('Wasted evictions')
        self.assertIn('Wasted evictions: 1 for', line)
        (victim,) = [one for one in self.cheap if one['id'] in line]
        others = [one for one in self.cheap if one is not victim]
        self.assertUntouched(*others)
        sent = [line for line in self.logged('Evicting ') if 'host1' in line]
        self.assertEqual(1, len(sent), sent)
        self.returns.set()
        self._wait_until_deleted(victim)
        self.assertUntouched(*others)


class AtOnceTest(HungHostCase):
    def test_requests_of_several_schedulers_lose_one_victim_together(self):
        self.flags(stuck_deletion_seconds=6, group='opie')
        self.flags(host_timeout_seconds=10, group='opie')
        flavor = self.flavor(3)
        preemptors = [self.boot(flavor=flavor, state=None) for _ in range(3)]
        self.assertElsewhere(*preemptors)
        self.assertGone(*self.dear)
        self.assertOneWasted()
        self.assertSound()

    def test_of_several_victims_of_one_request_one_goes(self):
        self.flags(host_timeout_seconds=5, group='opie')
        self.assertElsewhere(self.boot(9, state=None))
        self.assertOneWasted()
        self.assertSound()


class LaterTest(HungHostCase):
    def test_the_host_is_closed_until_its_victim_is_gone(self):
        self.flags(stuck_deletion_seconds=3, group='opie')
        self.flags(host_timeout_seconds=5, group='opie')
        self.assertElsewhere(self.boot(3, state=None))
        self.assertElsewhere(self.boot(6, state=None))
        self.assertNoValidHost(self.boot(3, state='ERROR'))
        self.assertTrue(self.logged('host1 has not deleted'))
        self.assertTrue(self.logged('longer than [opie] stuck_deletion'))
        self.assertOneWasted()
        preemptor = self.boot(3)
        self.assertEqual('host1', self.host_of(preemptor))
        self.assertSound()


class BusyTest(meanwhile.MeanwhileMixin, base.CloudTestCase):
    """A host takes longer to delete a victim than it has time."""

    def setUp(self):
        super().setUp()
        self.flags(host_timeout_seconds=3, group='opie')
        self.cheap = self.boot_preemptible(8, 'host1')
        self.others = [self.boot(1, 'host1') for _ in range(2)]
        self.dear = self.boot_preemptible(8, 'host2')
        self.has_run(self.dear, 1800)
        self.begun, self.returns = threading.Event(), threading.Event()
        self.addCleanup(self.returns.set)

        def destroy(real, driver, context, instance, *args, **kwargs):
            if instance.uuid == self.cheap['id']:
                self.begun.set()
                self.returns.wait(base.WAIT_SECONDS)
            return real(driver, context, instance, *args, **kwargs)

        self.wrap(fake.FakeDriver, 'destroy', destroy)
        self.preemptor = self.boot(8, state=None)
        self.assertTrue(self.begun.wait(base.WAIT_SECONDS))

    def delete(self, server):
        self.api.delete_server(server['id'])
        self._wait_until_deleted(server)

    def test_it_gets_more_time_while_it_deletes_others(self):
        self.delete(self.others[0])
        time.sleep(4)
        self.returns.set()
        self._wait_for_state_change(self.preemptor, 'ACTIVE')
        self.assertEqual('host1', self.host_of(self.preemptor))
        self.assertUntouched(self.dear)
        self.assertFalse(self.logged('is void'))
        self.assertSound()

    def test_but_only_once(self):
        for other in self.others:
            self.delete(other)
            time.sleep(3)
        self._wait_for_state_change(self.preemptor, 'ACTIVE')
        self.assertEqual('host2', self.host_of(self.preemptor))
        self.assertGone(self.dear)
        self.returns.set()
        self._wait_until_deleted(self.cheap)
        self.assertSound()


class LateEndTest(base.CloudTestCase):
    """A compute has much to do before it ends the records of servers."""

    hosts = ('host1',)
    do_hosts_work = False

    def setUp(self):
        super().setUp()
        self.victims = [self.boot_preemptible(3) for _ in range(3)]
        self.boot(1)
        self.may_end = threading.Event()
        self.addCleanup(self.may_end.set)

        def end(real, *args, **kwargs):
            self.may_end.wait(base.WAIT_SECONDS)
            return real(*args, **kwargs)

        self.wrap(compute_manager.ComputeManager, '_complete_deletion', end)

    def assertAllGo(self):
        """Assert that all victims go before any record ends."""
        self._wait_for_assert(
            lambda: self.assertEqual(3, len(self.logged('Evicting ')))
        )
        self.may_end.set()

    def test_other_requests_go_on_once_the_first_guest_is_gone(self):
        flavor = self.flavor(3)
        preemptors = [self.boot(flavor=flavor, state=None) for _ in range(3)]
        self.assertAllGo()
        for preemptor in preemptors:
            self._wait_for_state_change(preemptor, 'ACTIVE')
        self.assertGone(*self.victims)
        self.assertNoJournal()

    def test_so_does_one_with_several_victims(self):
        preemptor = self.boot(9, state=None)
        self.assertAllGo()
        self._wait_for_state_change(preemptor, 'ACTIVE')
        self.assertGone(*self.victims)
        self.assertNoJournal()
