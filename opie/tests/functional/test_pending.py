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

"""A request sees the preemptors of others, which wait for their victims."""

import threading

from nova.compute import manager as compute_manager
import nova.conf
from testtools import testcase

from opie.scheduler.claims import journal
from opie.tests.functional import base
from opie.tests.functional import test_server_groups
from opie.tests.functional import two_schedulers

CONF = nova.conf.CONF

LONG_SECONDS = 3000


class PendingCase(test_server_groups.GroupCase):
    """Hypervisors destroy no server until the test says so."""

    def configure(self):
        # A server costs the same whenever it was launched.
        self.flags(preemptible_duration_weight_multiplier=0)
        self.flags(
            enabled_filters=[
                *CONF.filter_scheduler.enabled_filters,
                'SameHostFilter',
                'DifferentHostFilter',
            ],
            group='filter_scheduler',
        )

    def fill(self, dear='host2', vcpu=5):
        """Have preemptible servers on each host; those of one are dear."""
        self.victims = {
            host: [
                self.boot_preemptible(vcpu, host) for _ in range(10 // vcpu)
            ]
            for host in self.hosts
        }
        self.flags(min_runtime_seconds=LONG_SECONDS // 2, group='opie')
        for host, servers in self.victims.items():
            if host != dear:
                for server in servers:
                    self.has_run(server, LONG_SECONDS)
        _, self.release = self.hold_deletions()

    def wait_for_evictions(self, number):
        self._wait_for_assert(
            lambda: self.assertEqual(number, len(self.logged('Evicting')))
        )

    def boot_pending(self, vcpu=5, evictions=1, **kwargs):
        """Boot a server that waits for its victims.

        :param evictions: how many have begun by then.
        """
        server = self.boot(vcpu, state=None, **kwargs)
        self.wait_for_evictions(evictions)
        return server

    def let_go(self, *servers):
        """Let the victims go; the servers have to become ACTIVE."""
        self.release.set()
        return [
            self._wait_for_state_change(server, 'ACTIVE') for server in servers
        ]

    def hosts_of(self, *servers):
        return [self.host_of(server) for server in self.let_go(*servers)]

    def prefer_memory(self):
        """Let nova prefer the host with most memory free."""
        self.flags(ram_weight_multiplier=100, group='filter_scheduler')

    def flavor_for_any_room(self):
        """Return a flavor that finds room where only VCPUs are missing."""
        return self.flavor(1, extra_specs={'resources:VCPU': '0'})


class ApartTest(two_schedulers.TwoSchedulersMixin, PendingCase):
    def check(self, group):
        self.fill()
        first = self.boot_pending(hints=group)
        second = self.boot_pending(hints=group, evictions=2)
        self.assertEqual(['host1', 'host2'], self.hosts_of(first, second))
        self.assertNoJournal()

    @testcase.attr('smoke')
    def test_members_that_keep_apart_go_to_two_hosts(self):
        self.check(self.group('anti-affinity'))

    def test_they_do_where_computes_do_not_ask(self):
        self.flags(disable_group_policy_check_upcall=True, group='workarounds')
        self.check(self.group('anti-affinity'))

    def test_members_that_would_rather_be_apart_do_at_no_more_cost(self):
        self.flags(
            soft_anti_affinity_weight_multiplier=1000, group='filter_scheduler'
        )
        group = self.group('soft-anti-affinity')
        self.fill(dear=None)
        self.start_second_scheduler()
        first = self.boot_pending(hints=group)
        second = self.boot_pending(hints=group, evictions=2)
        self.assertEqual(2, len(set(self.hosts_of(first, second))))

    def test_a_server_keeps_away_from_one_that_it_names(self):
        self.fill()
        first = self.boot_pending()
        second = self.boot_pending(
            hints={'different_host': first['id']}, evictions=2
        )
        self.assertEqual(['host1', 'host2'], self.hosts_of(first, second))

    def test_a_rule_of_two_on_a_host_counts_those_that_wait(self):
        group = self.group('anti-affinity', max_server_per_host=2)
        self.fill(vcpu=3)
        servers = [
            self.boot_pending(3, hints=group, evictions=number)
            for number in (1, 2)
        ]
        third = self.boot_pending(3, hints=group, evictions=3)
        self.assertEqual(
            ['host1', 'host1', 'host2'], self.hosts_of(*servers, third)
        )

    def test_one_that_finds_room_sees_one_that_waits(self):
        group = self.group('anti-affinity')
        self.fill_one_host()
        first = self.boot_pending(hints=group)
        second = self.boot(flavor=self.flavor_for_any_room(), hints=group)
        self.assertEqual('host2', self.host_of(second))
        self.assertEqual(['host1'], self.hosts_of(first))

    def test_one_that_finds_room_keeps_away_from_one_that_it_names(self):
        self.fill_one_host()
        first = self.boot_pending()
        second = self.boot(
            flavor=self.flavor_for_any_room(),
            hints={'different_host': first['id']},
        )
        self.assertEqual('host2', self.host_of(second))
        self.assertEqual(['host1'], self.hosts_of(first))

    def fill_one_host(self):
        """Have preemptible servers only where nova would rather place."""
        self.boot(flavor=self.flavor(10, memory_mb=4000), host='host2')
        for _ in range(2):
            self.boot_preemptible(5, 'host1')
        self.prefer_memory()
        _, self.release = self.hold_deletions()

    def test_one_that_was_deleted_while_it_waits_does_not_count(self):
        group = self.group('anti-affinity')
        self.fill()
        first = self.boot_pending(hints=group)
        self.api.delete_server(first['id'])
        # nova has freed what the preemptor held.
        second = self.boot(5, hints=group)
        self.assertEqual('host1', self.host_of(second))

    def test_one_counts_until_its_compute_has_it(self):
        """For another scheduler than that which has placed it."""
        group = self.group('anti-affinity')
        self.fill()
        self.start_second_scheduler()
        arrived, go_on = self.hold_arrival()
        first = self.boot_pending(hints=group)
        self.release.set()
        self.assertTrue(arrived.wait(base.WAIT_SECONDS))
        second = self.boot(5, hints=group, state=None)
        self.wait_for_evictions(2)
        go_on.set()
        self.assertEqual(['host1', 'host2'], self.hosts_of(first, second))

    def hold_arrival(self):
        """Let the next server not arrive at its compute until it may.

        :returns: (event that is set when it comes, event to set).
        """
        arrived, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        def hold(real, *args, **kwargs):
            arrived.set()
            go_on.wait(base.WAIT_SECONDS)
            return real(*args, **kwargs)

        self.wrap_once(
            compute_manager.ComputeManager, '_do_build_and_run_instance', hold
        )
        return arrived, go_on


class ThreeHostsTest(PendingCase):
    hosts = ('host1', 'host2', 'host3')

    def test_several_of_one_request_keep_away_from_one_that_waits(self):
        group = self.group('anti-affinity')
        self.fill()
        first = self.boot_pending(hints=group)
        self.boot_pending(hints=group, min_count=2, evictions=3)
        servers = self.let_go(*self.members(group))
        self.assertEqual(
            sorted(self.hosts), sorted(map(self.host_of, servers))
        )
        self.assertIn(first['id'], [server['id'] for server in servers])

    def test_one_keeps_away_from_several_that_wait(self):
        group = self.group('anti-affinity')
        self.fill()
        self.boot_pending(hints=group, min_count=2, evictions=2)
        self.boot_pending(hints=group, evictions=3)
        servers = self.let_go(*self.members(group))
        self.assertEqual(
            sorted(self.hosts), sorted(map(self.host_of, servers))
        )

    def members(self, group):
        uuids = self.api.api_get('/os-server-groups/%s' % group['group']).body[
            'server_group'
        ]['members']
        return [{'id': uuid} for uuid in uuids]


class UnreadableTest(PendingCase):
    def test_nova_goes_on_where_the_journal_cannot_be_read(self):
        def fail(real, *args):
            raise ValueError('no answer')

        self.wrap(journal, 'in_flight', fail)
        group = self.group('anti-affinity')
        self.assertUntouched(self.boot(1, hints=group))
        self.assertTrue(self.logged('Cannot see which preemptors are pending'))
