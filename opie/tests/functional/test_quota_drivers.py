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


"""Two requests of a project at once, for each way in which nova counts."""

import threading

from oslo_limit import fixture as limit_fixture
from testtools import testcase

from opie.scheduler.preempting import pass_two
from opie.scheduler.preempting import quota
from opie.tests.functional import base
from opie.tests.functional import test_quota

_MUCH = 100_000


class _RivalsMixin:
    """Two requests as in two workers; there is quota for one of them.

    It is lowered when nova's API has accepted both.
    """

    def lower(self):
        raise NotImplementedError

    def test_of_two_that_have_claimed_one_goes_on(self):
        have_asked = threading.Barrier(2, self.lower)
        have_claimed = threading.Barrier(2)
        self.plan_as_in_many_workers()
        calls = []

        def both_ask(real, *args):
            real(*args)
            calls.append(args)
            if len(calls) <= 2:
                have_asked.wait(base.WAIT_SECONDS)

        self.wrap(quota.Quota, 'check', both_ask)
        again = []

        def both_ask_again(real, *args):
            again.append(args)
            if len(again) <= 2:
                have_claimed.wait(base.WAIT_SECONDS)
            real(*args)

        self.wrap(quota.Quota, 'check_again', both_ask_again)
        servers = [self.ask(host=host) for host in self.hosts]
        self.let_them_come(*servers)
        self.release.set()
        self.assertOneOver(servers)
        self.assertEvicted(1)


class RecordsTest(_RivalsMixin, test_quota.QuotaTestCase):
    def lower(self):
        self.flags(instances=1, group='quota')


class _CountedClaimsMixin(_RivalsMixin):
    @testcase.attr('smoke')
    def test_what_a_pending_preemptor_has_claimed_counts(self):
        first = self.begin()
        self.meanwhile((pass_two.PassTwo, 'make_room'), self.lower)
        second = self.ask()
        self.let_them_come(second)
        self.release.set()
        self.assertServed(first)
        self.assertOverQuota(second)
        self.assertEvicted(1)


class ClaimsTest(_CountedClaimsMixin, test_quota.QuotaTestCase):
    def configure(self):
        super().configure()
        self.flags(count_usage_from_placement=True, group='quota')

    def lower(self):
        self.flags(cores=9, group='quota')


class UnifiedLimitsTest(_CountedClaimsMixin, test_quota.QuotaTestCase):
    fault = 'is over a limit for'

    def configure(self):
        super().configure()
        self.flags(driver='nova.quota.UnifiedLimitsDriver', group='quota')
        names = ('servers', 'class:VCPU', 'class:MEMORY_MB', 'class:DISK_GB')
        self.limits = {}
        self.useFixture(
            limit_fixture.LimitFixture(
                dict.fromkeys(names, _MUCH), self.limits
            )
        )

    def lower(self):
        self.limits[self.api.project_id] = {'class:VCPU': 9}


class TwoCellsTest(test_quota.QuotaTestCase):
    NUMBER_OF_CELLS = 2

    def start_hosts(self):
        self.start_compute('host1', 'cell1')
        self.start_compute('host2', 'cell2')

    def test_servers_in_both_count(self):
        self.flags(instances=2, group='quota')
        first = self.begin()
        others = [self.ask(host=host) for host in self.hosts]
        self.let_them_come(first, *others)
        self.release.set()
        self.assertServed(first)
        self.assertOneOver(others)
        self.assertEvicted(2)

    def assertSound(self):
        """The audit of nova knows one cell."""
        self.assertNoJournal()
