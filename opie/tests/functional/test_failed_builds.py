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


"""Preemptors that never become ACTIVE after their victims went."""

import re

import fixtures
from nova import exception
from nova.compute import resource_tracker
from nova.conductor import manager as conductor_manager
from nova.virt import fake

from opie.scheduler.preempting import attempt as attempts
from opie.tests.functional import base
from opie.tests.functional import meanwhile


class VainCase(meanwhile.MeanwhileMixin, base.CloudTestCase):
    def assertWasted(self, number, preemptor):
        """Assert what was counted, and return the total that is logged."""
        self._wait_for_assert(
            lambda: self.assertTrue(self.wasted_for(preemptor))
        )
        (line,) = self.wasted_for(preemptor)
        (counted, total) = re.search(
            r'Wasted evictions: (\d+) for .*; (\d+) since', line
        ).groups()
        self.assertEqual(number, int(counted))
        return int(total)

    def wasted_for(self, preemptor):
        return [
            line
            for line in self.logged('Wasted evictions')
            if preemptor['id'] in line
        ]

    def building(self):
        """Return the servers that are being built."""
        return [
            server
            for server in self.api.get_servers()
            if server['status'] == 'BUILD'
        ]


class RefusedByComputeTest(VainCase):
    """Each host has two victims of 5; none goes from the second host."""

    def setUp(self):
        super().setUp()
        self.victims = {
            host: [self.boot_preemptible(5, host) for _ in range(2)]
            for host in self.hosts
        }

    @staticmethod
    def refusing(owner, name):
        """Let computes refuse every server."""

        def refuse(*args, **kwargs):
            raise exception.ComputeResourcesUnavailable(reason='no')

        return fixtures.MockPatchObject(owner, name, refuse)

    def boot_in_vain(self, vcpu):
        preemptor = self.boot(vcpu, destination='host1', state='ERROR')
        self.assertIn(
            'Exhausted all hosts',
            self.api.get_server(preemptor['id'])['fault']['message'],
        )
        self.reap()
        return preemptor

    def test_its_project_waits_before_it_may_preempt_again(self):
        with self.refusing(fake.FakeDriver, 'spawn'):
            self.boot_in_vain(5)
        refill = self.boot_preemptible(5, 'host1')
        refused = self.boot(5, destination='host1', state='ERROR')
        self.assertNoValidHost(refused)
        (line,) = self.logged('No room is made for %s' % refused['id'])
        self.assertIn('wasted_preemption_backoff_seconds lets project', line)
        self.assertUntouched(refill)
        # Nothing of it stays when the project is served.
        self.flags(wasted_preemption_backoff_seconds=0, group='opie')
        self.boot(5, destination='host1')
        self.reap()
        self.flags(wasted_preemption_backoff_seconds=60, group='opie')
        self.boot(5, destination='host1')
        self.assertGone(*self.victims['host1'], refill)
        self.assertSound()

    def test_what_went_for_it_is_counted(self):
        # The second one may preempt at once.
        self.flags(wasted_preemption_backoff_seconds=0, group='opie')
        with self.refusing(resource_tracker.ResourceTracker, 'instance_claim'):
            first = self.assertWasted(2, self.boot_in_vain(10))
        self.assertGone(*self.victims['host1'])
        victim = self.boot_preemptible(10, 'host1')
        with self.refusing(fake.FakeDriver, 'spawn'):
            second = self.assertWasted(1, self.boot_in_vain(5))
        self.assertGone(victim)
        self.assertEqual(1, second - first)
        self.assertUntouched(*self.victims['host2'])
        self.assertSound()

    def test_an_alternate_host_is_taken_as_it_is(self):
        """A server that needed no victim's place needs none elsewhere."""
        for victims in self.victims.values():
            self.api.delete_server(victims[0]['id'])
            self._wait_until_deleted(victims[0])
        refused, others = [], []

        def fill(real, tracker, *args, **kwargs):
            if not refused:
                refused.append(args)
                (other,) = set(self.hosts) - {tracker.host}
                others.append(self.boot_preemptible(5, other))
                raise exception.ComputeResourcesUnavailable(reason='no')
            return real(tracker, *args, **kwargs)

        self.wrap(resource_tracker.ResourceTracker, 'instance_claim', fill)
        server = self.boot(5, state='ERROR')
        self.assertEqual({}, self.allocations(server))
        self.assertUntouched(
            *others, *(victims[1] for victims in self.victims.values())
        )
        self.assertFalse(self.logged('Placing'))
        self.assertSound()


class AlternatesTest(VainCase):
    """Each host is full, of one preemptible server or of normal ones.

    Another server is deleted while the victim goes.
    """

    hosts = ('host1', 'host2', 'host3')

    def setUp(self):
        super().setUp()
        self.victim = self.boot_preemptible(10, 'host1')
        self.normal = self.boot(10, 'host2')
        self.boot(4, 'host3')
        self.boot(6, 'host3')

    def boot_while_one_goes(self, vcpu=5):
        """Boot a server whose first build fails."""
        refused = []

        def evict(real, attempt):
            self.api.delete_server(self.normal['id'])
            self.wait_until_gone(self.normal)
            real(attempt)

        def refuse(real, tracker, *args, **kwargs):
            if not refused:
                refused.append(tracker.host)
                raise exception.ComputeResourcesUnavailable(reason='no')
            return real(tracker, *args, **kwargs)

        self.wrap(attempts.Attempt, 'evict', evict)
        self.wrap(resource_tracker.ResourceTracker, 'instance_claim', refuse)
        server = self.boot(vcpu, state=None)
        self._wait_for_assert(
            lambda: self.assertNotEqual(
                'BUILD', self.api.get_server(server['id'])['status']
            )
        )
        self.assertEqual(['host1'], refused)
        return server

    def test_a_build_that_fails_is_tried_again_where_there_is_room(self):
        server = self.boot_while_one_goes()
        self.assertGone(self.victim)
        self.assertUntouched(server)
        self.assertEqual('host2', self.host_of(server))
        self.assertEqual(0, self.used_vcpus('host1'))
        self.assertSound()

    def test_nova_is_told_of_no_more_hosts_than_it_tries(self):
        self.flags(max_attempts=1, group='scheduler')
        server = self.boot_while_one_goes()
        self.assertEqual('ERROR', self.api.get_server(server['id'])['status'])


class DeletedByOwnerTest(VainCase):
    def setUp(self):
        super().setUp()
        self.victims = [self.boot_preemptible(10, host) for host in self.hosts]

    def delete_one(self):
        self.api.delete_server(self.building()[0]['id'])

    def assertOneGoes(self, preemptor):
        self.wait_until_gone(preemptor)
        self.reap()
        self.assertWasted(1, preemptor)
        (alive,) = [one for one in self.victims if self.is_alive(one)]
        self.assertUntouched(alive)
        self.assertSound()

    def test_while_all_its_victims_go(self):
        self.meanwhile(meanwhile.WHILE_VICTIMS_GO, self.delete_one)
        preemptor = self.boot(10, state=None)
        self.assertOneGoes(preemptor)
        self.assertTrue(
            self.logged('every preemptor was deleted or given up by nova')
        )
        self.assertTrue(self.logged('may preempt again at'))

    def test_when_it_has_got_its_host(self):
        self.meanwhile(
            (conductor_manager.ComputeTaskManager, '_delete_build_request'),
            self.delete_one,
        )
        self.assertOneGoes(self.boot(10, state=None))

    def test_one_of_two_while_their_victims_go(self):
        deleted = []

        def delete():
            deleted.extend(self.building()[:1])
            self.delete_one()

        self.meanwhile(meanwhile.WHILE_VICTIMS_GO, delete)
        body = self._build_server(
            flavor_id=self.flavor(10), networks='none', name='many'
        )
        body.update(min_count=2, max_count=2)
        self.api.post_server({'server': body})
        self._wait_for_assert(lambda: self.assertFalse(self.building()))
        (kept,) = self.api.get_servers()
        self.assertUntouched(kept)
        self.assertGone(*self.victims)
        self.assertWasted(1, deleted[0])
        self.assertEqual([], self.wasted_for(kept))
        self.assertSound()
