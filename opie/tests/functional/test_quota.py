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


"""Servers that quota does not allow take no victim's place."""

from nova import objects
from oslo_db import exception as db_exc
from testtools import testcase

from opie.tests.functional import base
from opie.tests.functional import meanwhile
from opie.tests.functional import projects


class QuotaTestCase(
    projects.ProjectsMixin, meanwhile.MeanwhileMixin, base.CloudTestCase
):
    """A cloud full of preemptible servers of another project, of 5 VCPU.

    :cvar fault: what nova says to servers that are too many.
    """

    fault = 'Quota exceeded for'

    def setUp(self):
        super().setUp()
        with self.another_project():
            self.victims = [
                self.boot_preemptible(5, host) for host in self.hosts * 2
            ]
        self.begun, self.release = self.hold_deletions()
        self.five = self.flavor(5)

    def ask(self, **members):
        return self.boot(flavor=self.five, state=None, **members)

    def let_them_come(self, *servers):
        """Wait until servers wait for quota or for victims, or have ended."""

        def check():
            waiting = '\n'.join(
                self.logged('waits for pending') + self.logged('Evicting')
            )
            for server in servers:
                self.assertIn(server['id'], waiting)

        self._wait_for_assert(check)

    def begin(self):
        """Ask for a server, and return it when its victim is leaving."""
        server = self.ask()
        self.assertTrue(self.begun.wait(base.WAIT_SECONDS))
        return server

    def assertOneOver(self, servers):
        """Assert that one of some servers is too many, whichever it is."""
        self._wait_for_assert(
            lambda: self.assertNotIn('BUILD', self.statuses(servers))
        )
        (over,) = (
            one
            for one, status in zip(
                servers, self.statuses(servers), strict=True
            )
            if status == 'ERROR'
        )
        self.assertOverQuota(over)
        self.assertServed(*(one for one in servers if one is not over))

    def statuses(self, servers):
        return [self.api.get_server(one['id'])['status'] for one in servers]

    def assertServed(self, *servers):
        for server in servers:
            self._wait_for_state_change(server, 'ACTIVE')
        self.assertUntouched(*servers)

    def assertOverQuota(self, *servers, name=''):
        """Assert that servers end as nova ends them, and hold nothing.

        :param name: of the quota.
        """
        for server in servers:
            now = self._wait_for_state_change(server, 'ERROR')
            self.assertIn(self.fault, now['fault']['message'])
            self.assertIn(name, now['fault']['message'])
            self.assertEqual({}, self.allocations(server))

    def assertEvicted(self, number):
        self.assertEqual(number, len(self.logged('Evicting')))
        with self.another_project():
            alive = [one for one in self.victims if self.is_alive(one)]
        self.assertEqual(number, len(self.victims) - len(alive))
        self.assertUntouched(*alive)
        self.assertSound()


class InstancesTest(QuotaTestCase):
    @testcase.attr('smoke')
    def test_of_four_boots_one_preempts(self):
        self.flags(instances=1, group='quota')
        first = self.begin()
        others = [self.ask() for _ in range(3)]
        self.let_them_come(*others)
        self.release.set()
        self.assertServed(first)
        self.assertOverQuota(*others)
        self.assertEvicted(1)

    def test_as_many_preempt_as_quota_allows(self):
        self.flags(instances=3, group='quota')
        servers = [self.ask() for _ in range(4)]
        self.let_them_come(*servers)
        self.release.set()
        self.assertOneOver(servers)
        self.assertEvicted(3)

    def test_one_request_for_several_counts_as_several(self):
        self.flags(instances=2, group='quota')
        first = self.begin()
        self.ask(name='many', min_count=2, max_count=2)
        many = [
            one for one in self.api.get_servers() if one['id'] != first['id']
        ]
        self.let_them_come(*many)
        self.release.set()
        self.assertServed(first)
        self.assertOverQuota(*many)
        self.assertEvicted(1)

    def test_a_deleted_preemptor_leaves_quota_to_the_next(self):
        """It does so at once, and not when its victim has gone.

        Whether nova builds the next one depends on a moment: the deleted one
        has a record in cell0 for an instant, which counts as a server.
        """
        self.flags(instances=1, group='quota')
        # The next one does not wait for the victim of the deleted one.
        self.flags(max_wait_for_deletion_seconds=0, group='opie')
        first = self.begin()
        second = self.ask()
        self.let_them_come(second)
        self.api.delete_server(first['id'])
        self._wait_for_assert(
            lambda: self.assertIn(
                second['id'], '\n'.join(self.logged('Evicting'))
            )
        )
        self.release.set()
        self._wait_for_assert(
            lambda: self.assertNotIn('BUILD', self.statuses([second]))
        )
        self.assertSound()

    def test_one_that_waits_for_quota_and_is_deleted(self):
        self.flags(instances=1, group='quota')
        first = self.begin()
        second = self.ask()
        self.let_them_come(second)
        self.api.delete_server(second['id'])
        self._wait_for_assert(
            lambda: self.assertTrue(
                self.logged('No room is made for %s' % second['id'])
            )
        )
        self.release.set()
        self.assertServed(first)
        self.assertEvicted(1)

    def test_without_an_answer_no_server_is_evicted(self):
        def fail(*args, **kwargs):
            raise db_exc.DBConnectionError

        self.release.set()
        self.meanwhile(
            meanwhile.BEFORE_EVICTION,
            lambda: self.patch(objects.Quotas, 'count_as_dict', fail),
        )
        server = self._wait_for_state_change(self.ask(), 'ERROR')
        self.assertNoValidHost(server)
        self.assertEvicted(0)

    def test_without_its_recheck_nova_allows_all(self):
        self.flags(instances=1, recheck_quota=False, group='quota')
        self.assertAllServed()

    def test_without_quota_nova_allows_all(self):
        self.flags(driver='nova.quota.NoopQuotaDriver', group='quota')
        self.flags(instances=1, group='quota')
        self.assertAllServed()

    def assertAllServed(self):
        servers = [self.ask() for _ in range(3)]
        self.release.set()
        self.assertServed(*servers)
        self.assertEvicted(3)


class AmountsTest(QuotaTestCase):
    """Quota of cores and RAM, of the project or of a user."""

    def assertSecondRefused(self, name):
        first = self.begin()
        second = self.ask()
        self.let_them_come(second)
        self.release.set()
        self.assertServed(first)
        self.assertOverQuota(second, name=name)
        self.assertEvicted(1)

    def test_cores(self):
        self.flags(cores=9, group='quota')
        self.assertSecondRefused('cores')

    def test_ram(self):
        self.flags(ram=999, group='quota')
        self.assertSecondRefused('ram')

    def limit_user(self, user):
        self.admin_api.api_put(
            '/os-quota-sets/%s?user_id=%s' % (self.api.project_id, user),
            {'quota_set': {'instances': 1}},
        )

    def test_of_a_user(self):
        self.limit_user(self.api.auth_user)
        self.assertSecondRefused('instances')

    def test_of_another_user(self):
        """Each user has quota for one."""
        self.limit_user(self.api.auth_user)
        self.limit_user('another')
        servers = [self.begin()]
        with self.another_user():
            servers.append(self.ask())
        self.let_them_come(*servers)
        self.release.set()
        self.assertServed(*servers)
        self.assertEvicted(2)


class RefusedTest(QuotaTestCase):
    """Quota is lowered while the victim goes, so nova refuses the server."""

    def setUp(self):
        super().setUp()
        server = self.begin()
        self.flags(instances=0, group='quota')
        self.release.set()
        self.refused = self._wait_for_state_change(server, 'ERROR')
        self.assertIn('Quota exceeded', self.refused['fault']['message'])
        self.assertHolds(5, self.refused)

    def assertGivenBack(self):
        self.assertEqual({}, self.allocations(self.refused))
        self.assertEqual([], self.journal_providers())
        (line,) = self.logged('Wasted evictions')
        self.assertIn('1 for %s' % self.refused['id'], line)
        self.assertEvicted(1)

    @testcase.attr('smoke')
    def test_its_worker_gives_its_claim_back(self):
        self.scheduler_service.manager._look_after_served(None)
        self.assertGivenBack()

    def test_or_the_reaper_of_another(self):
        self.reap_as_another()
        self.assertGivenBack()
