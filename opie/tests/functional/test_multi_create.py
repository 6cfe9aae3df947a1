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

"""Several servers in one request: one plan, one claim, all or nothing."""

import threading

import nova.conf
from testtools import testcase

from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import attempt
from opie.scheduler.preempting import eligibility
from opie.tests.functional import base

CONF = nova.conf.CONF


class MultiCreateTest(base.CloudTestCase):
    def boot_many(self, count, vcpu, state):
        """Boot servers in one request and return them in any order."""
        body = self._build_server(
            flavor_id=self.flavor(vcpu), networks='none', name='many'
        )
        body.update(min_count=count, max_count=count)
        self.api.post_server({'server': body})
        servers = [
            item
            for item in self.api.get_servers()
            if item['name'].startswith('many')
        ]
        self.assertEqual(count, len(servers))
        return [
            self._wait_for_state_change(server, state) if state else server
            for server in servers
        ]

    @testcase.attr('smoke')
    def test_all_are_placed_by_one_claim(self):
        victims = [
            self.boot_preemptible(5, host)
            for host in ('host1', 'host1', 'host2', 'host2')
        ]
        claims = self.wrap_once(
            placement.Client, 'replace_allocations', _plain
        )
        servers = self.boot_many(3, 5, 'ACTIVE')
        self.assertUntouched(*servers)
        (alive,) = [item for item in victims if self.is_alive(item)]
        self.assertUntouched(alive)
        self.assertEqual(1, len(claims))
        self.assertEqual(10, self.used_vcpus('host1'))
        self.assertEqual(10, self.used_vcpus('host2'))
        self.assertNoJournal()

    def test_one_large_victim_serves_several(self):
        victim = self.boot_preemptible(10, 'host1')
        full = self.boot(10, 'host2')
        servers = self.boot_many(2, 4, 'ACTIVE')
        self.assertGone(victim)
        self.assertUntouched(full, *servers)
        self.assertEqual(8, self.used_vcpus('host1'))
        self.assertNoJournal()

    def test_a_request_infeasible_in_part_leaves_all_alive(self):
        victims = [self.boot_preemptible(10, host) for host in self.hosts]
        before = self._get_all_providers()
        servers = self.boot_many(3, 10, 'ERROR')
        for server in servers:
            self.assertNoValidHost(server)
        self.assertUntouched(*victims)
        self.assertEqual(before, self._get_all_providers())

    def test_some_fit_without_victims_and_some_do_not(self):
        victim = self.boot_preemptible(10, 'host1')
        servers = self.boot_many(3, 5, 'ACTIVE')
        self.assertGone(victim)
        self.assertUntouched(*servers)
        self.assertEqual(
            15, self.used_vcpus('host1') + self.used_vcpus('host2')
        )

    def test_one_deleted_during_pass_one_does_not_keep_back_the_rest(self):
        victims = [self.boot_preemptible(10, host) for host in self.hosts]
        deleted = []
        are_known = threading.Event()

        def preemptors(real, context, uuids):
            are_known.wait(base.WAIT_SECONDS)
            # Neither the first nor the last: order matters.
            deleted.append(uuids[1])
            self.api.delete_server(uuids[1])
            return real(context, uuids)

        self.wrap_once(eligibility, 'preemptors', preemptors)
        servers = self.boot_many(3, 10, None)
        are_known.set()
        self._wait_for_assert(lambda: self.assertEqual(1, len(deleted)))
        kept = [item for item in servers if item['id'] != deleted[0]]
        for server in kept:
            self._wait_for_state_change(server, 'ACTIVE')
        self.assertUntouched(*kept)
        self.assertGone(*victims)
        for server in kept:
            provider = self._get_provider_uuid_by_host(self.host_of(server))
            self.assertEqual([provider], list(self.allocations(server)))
        self.assertEqual({}, self._get_allocations_by_server_uuid(deleted[0]))
        self.assertNoJournal()

    def test_victims_of_a_preemptor_deleted_meanwhile_are_kept(self):
        victims = [self.boot_preemptible(10, host) for host in self.hosts]
        deleted = []
        are_known = threading.Event()

        def verify(real, one):
            are_known.wait(base.WAIT_SECONDS)
            deleted.append(one.plan.nominations[0].preemptor)
            self.api.delete_server(deleted[0])
            return real(one)

        self.wrap_once(attempt.Attempt, 'verify', verify)
        servers = self.boot_many(2, 10, None)
        are_known.set()
        self._wait_for_assert(lambda: self.assertEqual(1, len(deleted)))
        (kept,) = [item for item in servers if item['id'] != deleted[0]]
        self._wait_for_state_change(kept, 'ACTIVE')
        self.assertUntouched(kept)
        (alive,) = [item for item in victims if self.is_alive(item)]
        self.assertUntouched(alive)
        self.assertNotEqual(self.host_of(kept), self.host_of(alive))
        self.assertEqual({}, self._get_allocations_by_server_uuid(deleted[0]))
        self.assertNoJournal()


class FilteredMultiCreateTest(base.CloudTestCase):
    hosts = ('host1',)

    def configure(self):
        super().configure()
        self.flags(
            enabled_filters=[
                *CONF.filter_scheduler.enabled_filters,
                'DifferentHostFilter',
            ],
            group='filter_scheduler',
        )

    def test_a_victim_goes_for_a_preemptor_that_lands_only_without_it(self):
        """There is room, so that only the first one takes of the victim."""
        victim = self.boot_preemptible(2)
        deleted = []

        def verify(real, one):
            (share,) = one.plan.shares.values()
            deleted.extend(share)
            self.api.delete_server(deleted[0])
            return real(one)

        self.wrap_once(attempt.Attempt, 'verify', verify)
        self.boot(
            2,
            hints={'different_host': victim['id']},
            state=None,
            name='many',
            min_count=2,
            max_count=2,
        )
        self._wait_for_assert(lambda: self.assertEqual(1, len(deleted)))
        (kept,) = [
            server
            for server in self.api.get_servers()
            if server['name'].startswith('many') and server['id'] != deleted[0]
        ]
        self._wait_for_state_change(kept, 'ACTIVE')
        self.assertGone(victim)
        self.assertUntouched(kept)
        self.assertNoJournal()


def _plain(real, *args):
    return real(*args)
