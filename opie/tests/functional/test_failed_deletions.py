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

"""Victims that nova fails to delete, once their guests are gone."""

from nova import exception
from nova.virt import fake

from opie.tests.functional import base
from opie.tests.functional import meanwhile


class FailedDeletionCase(meanwhile.MeanwhileMixin, base.CloudTestCase):
    def refuse_to_delete(self, *servers):
        """Let deletions fail, as where neutron refuses a server's port."""
        refused = self.refused = {server['id'] for server in servers}

        def destroy(real, driver, context, instance, *args, **kwargs):
            real(driver, context, instance, *args, **kwargs)
            if instance.uuid in refused:
                raise exception.NovaException('the port is in use')

        self.wrap(fake.FakeDriver, 'destroy', destroy)

    def assertInError(self, *servers):
        for server in servers:
            now = self.api.get_server(server['id'])
            self.assertEqual('ERROR', now['status'])

    def evicted(self):
        return len(self.logged('Evicting '))


class CheapestTest(FailedDeletionCase):
    """The one that cannot be deleted is the cheapest of all."""

    def setUp(self):
        super().setUp()
        self.failing = self.boot_preemptible(10, 'host1')
        self.healthy = [self.boot_preemptible(5, 'host2') for _ in range(2)]
        self.refuse_to_delete(self.failing)

    def test_the_same_request_takes_the_place_of_others(self):
        preemptor = self.boot(10)
        self.assertUntouched(preemptor)
        self.assertInError(self.failing)
        self.assertGone(*self.healthy)
        (line,) = self.logged('Wasted evictions')
        self.assertIn('Wasted evictions: 1 for', line)
        self.assertIn(self.failing['id'], line)
        # nova's record tells every later request.
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.assertEqual(3, self.evicted())
        self.assertSound()

    def test_it_counts_for_the_limit_of_victims(self):
        self.flags(max_victims_per_request=2, group='opie')
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.assertUntouched(*self.healthy)
        self.assertEqual(1, self.evicted())
        (line,) = self.logged('Wasted evictions')
        self.assertIn('Wasted evictions: 1 for', line)

    def test_once_an_operator_has_reset_it_it_may_go(self):
        self.assertUntouched(self.boot(10))
        self.api.post_server_action(
            self.failing['id'], {'os-resetState': {'state': 'active'}}
        )
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.assertInError(self.failing)
        self.assertEqual(4, self.evicted())


class BesideOthersTest(FailedDeletionCase):
    """A preemptor of 6 needs two of three victims of 3."""

    hosts = ('host1',)

    def test_the_room_of_those_that_went_is_used(self):
        self.boot(1)
        victims = [self.boot_preemptible(3) for _ in range(3)]
        for victim, seconds in zip(victims, (60, 60, 1800), strict=True):
            self.has_run(victim, seconds)
        self.refuse_to_delete(victims[0])
        preemptor = self.boot(6)
        self.assertUntouched(preemptor)
        self.assertGone(*victims[1:])
        self.assertInError(victims[0])
        self.assertHolds(3, victims[0])
        self.assertEqual(3, self.evicted())
        (line,) = self.logged('Wasted evictions')
        self.assertIn('Wasted evictions: 1 for', line)
        self.assertSound()


class EverywhereTest(FailedDeletionCase):
    """Neutron is away: a deletion fails on every host."""

    def test_no_more_servers_are_lost_until_it_is_over(self):
        self.flags(failed_deletions_hosts=2, group='opie')
        victims = [
            self.boot_preemptible(5, host)
            for _ in range(2)
            for host in self.hosts
        ]
        for minutes, victim in enumerate(victims):
            self.has_run(victim, 600 * minutes)
        self.refuse_to_delete(*victims)
        for _ in range(2):
            self.assertNoValidHost(self.boot(5, state='ERROR'))
        self.assertEqual(2, self.evicted())
        self.assertInError(*victims[:2])
        self.assertUntouched(*victims[2:])
        self.assertTrue(self.logged('on 2 hosts within 5 minutes'))
        (line,) = self.logged('No server is evicted for now')
        self.assertIn('ERROR', line)
        # One that is deleted after all does not count any more.
        self.refused.clear()
        self.api.delete_server(victims[0]['id'])
        self._wait_until_deleted(victims[0])
        self.boot(5)
        self.assertUntouched(self.boot(5))
        self.assertGone(victims[2])
        self.assertEqual(3, self.evicted())
