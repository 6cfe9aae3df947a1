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

"""Requests that wait for room which is about to be free."""

import threading

from nova import exception
from nova.compute import manager as compute_manager
from nova.compute import vm_states
from nova.virt import fake
from testtools import testcase

from opie.scheduler.preempting import attempt as attempts
from opie.tests.functional import base
from opie.tests.functional import meanwhile
from opie.tests.functional import two_schedulers


class LeavingCase(meanwhile.MeanwhileMixin, base.CloudTestCase):
    """Hosts of 10; deletions take until they are released."""

    def setUp(self):
        super().setUp()
        self.begun, self.release = self.hold_deletions()

    def begin_to_delete(self, server):
        """Have a user delete a server, whose guest stays for now."""
        self.begun.clear()
        self.api.delete_server(server['id'])
        self.assertTrue(self.begun.wait(base.WAIT_SECONDS))

    def wait_until_claimed(self, *servers):
        for server in servers:
            self._wait_for_assert(
                lambda one=server: self.assertTrue(self.allocations(one))
            )

    def assertActive(self, *servers):
        for server in servers:
            self._wait_for_state_change(server, 'ACTIVE')
        self.assertUntouched(*servers)

    def evicted(self):
        return len(self.logged('Evicting '))


class DeletedTest(LeavingCase):
    """A server on each host, of which a user deletes one."""

    def check(self, deleted, other, vcpu=10):
        self.begin_to_delete(deleted)
        preemptor = self.boot(vcpu, state=None)
        self.wait_until_claimed(preemptor)
        self.assertEqual(
            'BUILD', self.api.get_server(preemptor['id'])['status']
        )
        self.release.set()
        self.assertActive(preemptor)
        self.assertGone(deleted)
        self.assertUntouched(other)
        self.assertFalse(self.evicted())
        self.assertFalse(self.logged('Wasted'))
        self.assertEqual('host1', self.host_of(preemptor))
        self.assertSound()

    def test_a_preemptible_one(self):
        deleted = self.boot_preemptible(10, 'host1')
        self.check(deleted, self.boot_preemptible(10, 'host2'))

    @testcase.attr('smoke')
    def test_a_normal_one(self):
        deleted = self.boot(10, 'host1')
        self.check(deleted, self.boot_preemptible(10, 'host2'))

    def test_a_part_of_it_is_enough(self):
        deleted = self.boot(10, 'host1')
        self.check(deleted, self.boot_preemptible(10, 'host2'), vcpu=3)


class SurplusTest(LeavingCase):
    """A preemptible server of 10 on each host; later requests are small."""

    def setUp(self):
        super().setUp()
        self.victims = [self.boot_preemptible(10, host) for host in self.hosts]

    @testcase.attr('smoke')
    def test_later_requests_take_their_part_of_the_victim_in_flight(self):
        flavor = self.flavor(2)
        preemptors = []
        for _ in range(4):
            preemptors.append(self.boot(flavor=flavor, state=None))
            self.wait_until_claimed(preemptors[-1])
        self.assertTrue(self.begun.wait(base.WAIT_SECONDS))
        self.release.set()
        self.assertActive(*preemptors)
        self.assertEqual(1, self.evicted())
        self.assertFalse(self.logged('Wasted'))
        self.assertSound()

    def test_so_do_requests_that_come_together(self):
        flavor = self.flavor(2)
        preemptors = [self.boot(flavor=flavor, state=None) for _ in range(4)]
        self.wait_until_claimed(*preemptors)
        self.release.set()
        self.assertActive(*preemptors)
        self.assertEqual(1, self.evicted())
        self.assertFalse(self.logged('Wasted'))
        self.assertSound()

    def test_no_more_than_there_is_is_taken(self):
        flavor = self.flavor(4)
        preemptors = []
        for _ in range(4):
            preemptors.append(self.boot(flavor=flavor, state=None))
            self.wait_until_claimed(preemptors[-1])
        self.release.set()
        self.assertActive(*preemptors)
        self.assertGone(*self.victims)
        self.assertEqual(2, self.evicted())
        self.assertSound()

    def test_they_reach_no_limit_of_preemptions(self):
        self.flags(max_preemptions_per_minute=1, group='opie')
        flavor = self.flavor(2)
        preemptors = []
        for _ in range(3):
            preemptors.append(self.boot(flavor=flavor, state=None))
            self.wait_until_claimed(preemptors[-1])
        # There is no more than that, and no other server may be evicted.
        self.assertNoValidHost(self.boot(8, state='ERROR'))
        self.release.set()
        self.assertActive(*preemptors)
        self.assertEqual(1, self.evicted())

    def test_several_of_one_request_wait_where_others_do(self):
        first = self.boot(4, state=None)
        self.wait_until_claimed(first)
        self.boot(2, state=None, name='many', min_count=3, max_count=3)
        many = [
            one
            for one in self.api.get_servers()
            if one['name'].startswith('many')
        ]
        self.wait_until_claimed(*many)
        self.release.set()
        self.assertActive(first, *many)
        self.assertEqual(1, self.evicted())
        self.assertSound()

    def test_a_preemptor_that_is_given_up_leaves_the_others_their_part(self):
        """The one for which the victim goes, once that was asked for."""
        first = self.boot(2, state=None)
        self.assertTrue(self.begun.wait(base.WAIT_SECONDS))
        second = self.boot(2, state=None)
        self.wait_until_claimed(second)
        self.api.delete_server(first['id'])
        self.release.set()
        self.assertActive(second)
        self.assertEqual({}, self.allocations(first))
        self.assertEqual(1, self.evicted())
        self.assertSound()

    def test_one_that_waits_and_is_given_up_leaves_no_trace(self):
        first = self.boot(2, state=None)
        self.assertTrue(self.begun.wait(base.WAIT_SECONDS))
        second = self.boot(2, state=None)
        self.wait_until_claimed(second)
        self.api.delete_server(second['id'])
        self.release.set()
        self.assertActive(first)
        self._wait_for_assert(
            lambda: self.assertEqual({}, self.allocations(second))
        )
        self.assertEqual(1, self.evicted())
        self.assertFalse(self.logged('Wasted'))
        self.assertSound()


class LateEndTest(LeavingCase):
    """A compute takes its time to end the records of deleted servers."""

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.release.set()
        self.may_end = threading.Event()
        self.addCleanup(self.may_end.set)

        def end(real, *args, **kwargs):
            self.may_end.wait(base.WAIT_SECONDS)
            return real(*args, **kwargs)

        self.wrap(compute_manager.ComputeManager, '_complete_deletion', end)

    def wait_for_the_guest_of(self, *servers):
        """Return the servers, first the one whose guest has gone."""
        self._wait_for_assert(
            lambda: self.assertIn(vm_states.DELETED, map(self.state, servers))
        )
        return sorted(servers, key=lambda one: self.state(one) == 'active')

    def state(self, server):
        return self.instance(server).vm_state

    def test_the_surplus_of_a_victim_is_taken(self):
        victims = [self.boot_preemptible(5) for _ in range(2)]
        first = self.boot(1, state=None)
        gone, kept = self.wait_for_the_guest_of(*victims)
        second = self.boot(4, state=None)
        self.wait_until_claimed(second)
        self.may_end.set()
        self.assertActive(first, second)
        self.assertGone(gone)
        self.assertUntouched(kept)
        self.assertEqual(1, self.evicted())
        self.assertSound()

    def test_the_room_of_one_that_a_user_deleted_is_taken(self):
        deleted, victim = self.boot(5), self.boot_preemptible(5)
        self.api.delete_server(deleted['id'])
        self.wait_for_the_guest_of(deleted)
        preemptor = self.boot(5, state=None)
        self.wait_until_claimed(preemptor)
        self.may_end.set()
        self.assertActive(preemptor)
        self.assertGone(deleted)
        self.assertUntouched(victim)
        self.assertFalse(self.evicted())
        self.assertSound()


class PromiseTest(LeavingCase):
    """A server that does not leave as it was to."""

    def setUp(self):
        super().setUp()
        self.stuck = self.boot(10, 'host1')
        self.victim = self.boot_preemptible(10, 'host2')

    def assertFallsBack(self, preemptor, reason):
        self._wait_for_state_change(preemptor, 'ACTIVE')
        self.assertUntouched(preemptor)
        self.assertGone(self.victim)
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertTrue(
            [line for line in self.logged('is void') if reason in line]
        )
        self.assertFalse(self.logged('Wasted'))

    def hold_one(self):
        """Let only the user's server be held."""
        self.release.set()
        self.held, self.fails = threading.Event(), False
        self.addCleanup(self.held.set)

        def destroy(real, driver, context, instance, *args, **kwargs):
            if instance.uuid == self.stuck['id']:
                self.begun.set()
                self.held.wait(base.WAIT_SECONDS)
                if self.fails:
                    raise exception.NovaException('the hypervisor refuses')
            return real(driver, context, instance, *args, **kwargs)

        self.wrap(fake.FakeDriver, 'destroy', destroy)

    @testcase.attr('smoke')
    def test_a_deletion_that_takes_too_long(self):
        self.flags(max_wait_for_deletion_seconds=3, group='opie')
        self.hold_one()
        self.begin_to_delete(self.stuck)
        preemptor = self.boot(10, state=None)
        self.assertFallsBack(preemptor, 'takes longer than [opie] max_wait')
        self.held.set()
        self.wait_until_gone(self.stuck)
        self.assertSound()

    def test_a_deletion_that_fails(self):
        self.hold_one()
        self.fails = True
        self.begin_to_delete(self.stuck)
        preemptor = self.boot(10, state=None)
        self.wait_until_claimed(preemptor)
        self.held.set()
        self.assertFallsBack(preemptor, 'nova failed to delete')
        self.assertHolds(10, self.stuck)

    def test_with_the_option_at_zero_none_is_waited_for(self):
        self.flags(max_wait_for_deletion_seconds=0, group='opie')
        self.hold_one()
        self.begin_to_delete(self.stuck)
        preemptor = self.boot(10, state=None)
        self._wait_for_state_change(preemptor, 'ACTIVE')
        self.assertGone(self.victim)
        self.held.set()
        self.wait_until_gone(self.stuck)
        self.assertSound()


class WithdrawnTest(LeavingCase):
    """The preemption that evicts a victim gives up before it does."""

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.release.set()
        self.victim = self.boot_preemptible(10, 'host1')
        self.may_evict = threading.Event()
        self.addCleanup(self.may_evict.set)

        def evict(real, attempt):
            self.may_evict.wait(base.WAIT_SECONDS)
            return real(attempt)

        self.wrap_once(attempts.Attempt, 'evict', evict)
        self.first = self.boot(4, state=None)
        self.wait_until_claimed(self.first)
        self.second = self.boot(4, state=None)
        self.wait_until_claimed(self.second)

    def test_then_the_other_one_evicts_it(self):
        self.assertUntouchedBut(8)
        self.api.delete_server(self.first['id'])
        self.may_evict.set()
        self.assertActive(self.second)
        self.assertGone(self.victim)
        self.assertEqual(1, self.evicted())
        self.assertFalse(self.logged('Wasted'))
        self.assertSound()

    def test_and_where_it_does_evict_both_have_their_part(self):
        self.may_evict.set()
        self.assertActive(self.first, self.second)
        self.assertGone(self.victim)
        self.assertEqual(1, self.evicted())
        self.assertSound()

    def assertUntouchedBut(self, taken):
        provider = self._get_provider_uuid_by_host('host1')
        held = self.allocations(self.victim)[provider]['resources']
        self.assertEqual(10 - taken, held['VCPU'])


class FailedEvictionTest(LeavingCase):
    """The victim of another preemption, which nova cannot delete."""

    def test_the_one_that_waited_with_it_falls_back_to_another_victim(self):
        self.release.set()
        stuck = self.boot_preemptible(10, 'host1')
        other = self.boot_preemptible(10, 'host2')
        self.has_run(other, 1800)
        fails = threading.Event()
        self.addCleanup(fails.set)

        def destroy(real, driver, context, instance, *args, **kwargs):
            if instance.uuid == stuck['id']:
                self.begun.set()
                fails.wait(base.WAIT_SECONDS)
                raise exception.NovaException('the hypervisor refuses')
            return real(driver, context, instance, *args, **kwargs)

        self.wrap(fake.FakeDriver, 'destroy', destroy)
        flavor = self.flavor(4)
        first = self.boot(flavor=flavor, state=None)
        self.assertTrue(self.begun.wait(base.WAIT_SECONDS))
        second = self.boot(flavor=flavor, state=None)
        self.wait_until_claimed(second)
        fails.set()
        # So does the one that had to evict it.
        self.assertActive(first, second)
        self.assertEqual('host2', self.host_of(second))
        self.assertGone(other)
        self.assertEqual(2, self.evicted())
        self.assertHolds(10, stuck)
        self.assertNoJournal()


class SchedulersTest(two_schedulers.TwoSchedulersMixin, LeavingCase):
    """Each request goes to a scheduler of its own."""

    def setUp(self):
        super().setUp()
        self.start_second_scheduler()

    def test_each_sees_what_the_other_one_has_left(self):
        for host in self.hosts:
            self.boot_preemptible(10, host)
        flavor = self.flavor(2)
        preemptors = []
        for _ in range(4):
            preemptors.append(self.boot(flavor=flavor, state=None))
            self.wait_until_claimed(preemptors[-1])
        self.release.set()
        self.assertActive(*preemptors)
        self.assertEqual(1, self.evicted())
        self.assertSound()

    def test_both_take_of_one_that_leaves(self):
        deleted = self.boot(10, 'host1')
        victim = self.boot_preemptible(10, 'host2')
        self.begin_to_delete(deleted)
        flavor = self.flavor(5)
        preemptors = [self.boot(flavor=flavor, state=None) for _ in range(2)]
        self.wait_until_claimed(*preemptors)
        self.release.set()
        self.assertActive(*preemptors)
        self.assertUntouched(victim)
        self.assertSound()


class PartlySentTest(LeavingCase):
    """A preemptor of 10 needs one that leaves, and a victim."""

    hosts = ('host1',)

    def test_its_own_victim_leaves_its_room_to_the_next_plan(self):
        """The one that leaves does not, and another victim goes instead."""
        stuck = self.boot(3, 'host1')
        self.boot(2, 'host1')
        victims = [self.boot_preemptible(vcpu, 'host1') for vcpu in (2, 3)]
        fails = threading.Event()
        self.addCleanup(fails.set)
        self.release.set()

        def destroy(real, driver, context, instance, *args, **kwargs):
            if instance.uuid == stuck['id']:
                self.begun.set()
                fails.wait(base.WAIT_SECONDS)
                raise exception.NovaException('the hypervisor refuses')
            return real(driver, context, instance, *args, **kwargs)

        self.wrap(fake.FakeDriver, 'destroy', destroy)
        self.begin_to_delete(stuck)
        preemptor = self.boot(5, state=None)
        self.wait_until_gone(victims[0])
        fails.set()
        self.assertActive(preemptor)
        self.assertGone(*victims)
        self.assertHolds(3, stuck)
        self.assertFalse(self.logged('Wasted'))


class TwoCellsTest(LeavingCase):
    NUMBER_OF_CELLS = 2

    def start_hosts(self):
        self.start_compute('host1', 'cell1')
        self.start_compute('host2', 'cell2')

    def test_servers_of_both_cells_are_waited_for(self):
        deleted = [
            self.boot(10, 'host1'),
            self.boot_preemptible(10, 'host2'),
        ]
        for one in deleted:
            self.begin_to_delete(one)
        preemptors = [self.boot(10, state=None) for _ in deleted]
        self.wait_until_claimed(*preemptors)
        self.release.set()
        self.assertActive(*preemptors)
        self.assertGone(*deleted)
        self.assertFalse(self.evicted())
        self.assertNoJournal()
