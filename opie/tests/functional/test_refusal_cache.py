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

"""Requests that are refused again without a new plan."""

import time

import fixtures

from opie.scheduler.placement import client as placement
from opie.scheduler.planning import live_cloud
from opie.scheduler.planning import snapshot
from opie.scheduler.preempting import refusal_cache
from opie.tests.functional import base

_AGAIN = 'answered from an earlier refusal'


class RefusalsTest(base.CloudTestCase):
    """One host with a normal server of 10."""

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.flags(refusal_cache_seconds=3600, group='opie')
        self.plans = []
        self.wrap(snapshot, 'take', self.count)
        self.normal = self.boot(10)
        self.small = self.flavor(5)

    def count(self, real, *args):
        self.plans.append(args)
        return real(*args)

    def assertRefused(self, plans, flavor=None, **members):
        """Assert that a request is refused, with so many plans so far."""
        refused = self.boot(
            flavor=flavor or self.small, state='ERROR', **members
        )
        self.assertNoValidHost(refused)
        self.assertEqual(plans, len(self.plans))
        return self.logged('No room is made for %s' % refused['id'])[0]

    def test_a_request_like_another_is_refused_without_a_plan(self):
        first = self.assertRefused(1)
        self.assertNotIn(_AGAIN, first)
        self.assertIn('not enough', first)
        again = self.assertRefused(1, name='another-name')
        self.assertIn(_AGAIN, again)
        self.assertIn('not enough', again)

    def test_only_for_so_long(self):
        self.assertRefused(1)
        later = time.monotonic() + 3600
        self.useFixture(
            fixtures.MockPatchObject(
                refusal_cache.time, 'monotonic', lambda: later
            )
        )
        self.flags(preemption_timeout_seconds=100000, group='opie')
        self.assertRefused(2)

    def test_zero_plans_each_time(self):
        self.flags(refusal_cache_seconds=0, group='opie')
        self.assertRefused(1)
        self.assertRefused(2)

    def test_room_is_found_all_the_same(self):
        self.assertRefused(1)
        self.api.delete_server(self.normal['id'])
        self.wait_until_gone(self.normal)
        self.assertUntouched(self.boot(flavor=self.small))

    def test_another_request_has_its_own_plan(self):
        self.assertRefused(1)
        self.assertRefused(2, flavor=self.flavor(4))
        self.assertRefused(3, min_count=2, max_count=2)
        self.assertRefused(4, host='host1')
        self.assertRefused(4)

    def test_requests_of_a_group_are_always_planned(self):
        group = self.api.post_server_groups(
            {'name': 'apart', 'policy': 'anti-affinity'}
        )
        hints = {'group': group['id']}
        self.assertRefused(1, hints=hints)
        self.assertRefused(2, hints=hints)

    def test_an_outage_is_no_refusal(self):
        def fail(real, *args):
            raise placement.NoAnswer('503')

        # Where nova asks for quota, the journal is read first.
        self.flags(recheck_quota=False, group='quota')
        self.wrap_once(placement.Client, 'providers', fail)
        self.assertIn('503', self.assertRefused(0))
        self.assertIn('not enough', self.assertRefused(1))

    def test_nor_is_a_search_that_was_cut_short(self):
        self.api.delete_server(self.normal['id'])
        self.wait_until_gone(self.normal)
        victim = self.boot_preemptible(10)
        self.flags(
            max_planning_seconds=1, max_plans_per_request=1, group='opie'
        )
        self.wrap_once(live_cloud.NovaCloud, 'read', self.take_long)
        self.assertIn(
            'the search was cut short ([opie] max_planning_seconds)',
            self.assertRefused(1),
        )
        self.assertUntouched(victim)
        self.assertUntouched(self.boot(flavor=self.small))
        self.assertGone(victim)

    def take_long(self, real, *args):
        time.sleep(1.1)
        return real(*args)

    def test_a_search_that_was_cut_short_is_made_again(self):
        self.api.delete_server(self.normal['id'])
        self.wait_until_gone(self.normal)
        victim = self.boot_preemptible(10)
        self.flags(max_planning_seconds=1, group='opie')
        self.wrap_once(live_cloud.NovaCloud, 'read', self.take_long)
        self.assertUntouched(self.boot(flavor=self.small))
        self.assertGone(victim)

    def test_nor_is_a_limit(self):
        self.api.delete_server(self.normal['id'])
        self.wait_until_gone(self.normal)
        for _ in range(2):
            self.boot_preemptible(5)
        self.flags(max_preemptions_per_minute=1, group='opie')
        self.assertUntouched(self.boot(flavor=self.small))
        self.assertIn('per_minute', self.assertRefused(2))
        self.flags(max_preemptions_per_minute=0, group='opie')
        self.assertUntouched(self.boot(flavor=self.small))
