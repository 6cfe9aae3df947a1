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


"""The operator's filters and limits count only the servers that stay."""

import fixtures
import nova.conf
from nova.scheduler.client import report

from opie.preemption import estimates
from opie.scheduler.planning import live_cloud
from opie.tests.functional import base

CONF = nova.conf.CONF


class FilterCase(base.CloudTestCase):
    """A cloud with one more filter than nova enables by default."""

    hosts = ('host1',)
    more_filters = ()

    def configure(self):
        self.flags(
            enabled_filters=[
                *CONF.filter_scheduler.enabled_filters,
                *self.more_filters,
            ],
            group='filter_scheduler',
        )

    def assertTaken(self, number, servers):
        """Assert how many of the servers are gone, the rest untouched."""
        alive = [server for server in servers if self.is_alive(server)]
        self.assertEqual(number, len(servers) - len(alive))
        self.assertUntouched(*alive)


class NumInstancesTest(FilterCase):
    more_filters = ('NumInstancesFilter',)

    def test_victims_make_room_in_a_number_of_servers_too(self):
        preemptibles = [self.boot_preemptible(2) for _ in range(3)]
        self.flags(max_instances_per_host=2, group='filter_scheduler')
        preemptor = self.boot(1)
        self.assertTaken(2, preemptibles)
        self.assertUntouched(preemptor)

    def test_normal_servers_that_stay_count(self):
        preemptible = self.boot_preemptible(8)
        normal = [self.boot(1) for _ in range(2)]
        self.flags(max_instances_per_host=2, group='filter_scheduler')
        self.assertNoValidHost(self.boot(1, state='ERROR'))
        self.assertUntouched(preemptible, *normal)
        (line,) = self.logged('No room is made for')
        self.assertIn('1 of 1 hosts: NumInstancesFilter', line)

    def test_every_preemptor_of_a_request_counts(self):
        preemptibles = [self.boot_preemptible(5) for _ in range(2)]
        self.flags(max_instances_per_host=2, group='filter_scheduler')
        refused = self.boot(1, state='ERROR', min_count=3)
        self.assertNoValidHost(refused)
        self.assertUntouched(*preemptibles)
        self.boot(1, min_count=2)
        self.assertGone(*preemptibles)


class AggregateSpecsTest(FilterCase):
    hosts = ('host1', 'host2')
    more_filters = ('AggregateInstanceExtraSpecsFilter',)

    def test_victims_are_on_hosts_that_the_filter_lets_pass(self):
        elsewhere = self.boot_preemptible(10, 'host1')
        victims = [self.boot_preemptible(5, 'host2') for _ in range(2)]
        self.add_aggregate('fast', 'host2', disk='ssd')
        flavor = self.flavor(
            10, extra_specs={'aggregate_instance_extra_specs:disk': 'ssd'}
        )
        preemptor = self.boot(flavor=flavor)
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertGone(*victims)
        self.assertUntouched(elsewhere, preemptor)


class AskedTogetherTest(FilterCase):
    """Filters are asked about all hosts before the second one is read."""

    hosts = ('host1', 'host2', 'host3')
    more_filters = (
        'AggregateInstanceExtraSpecsFilter',
        'NumInstancesFilter',
        'SameHostFilter',
    )

    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MockPatchObject(estimates, 'FEW_REFUSALS', 1))
        self.reads = []
        self.wrap(live_cloud.NovaCloud, 'read', self.note_read)
        # Until then nova's records have the initial allocation ratios.
        self.audit()

    def note_read(self, real, the_cloud, providers):
        self.reads += providers
        return real(the_cloud, providers)

    def boot_on_each_host(self, *sizes):
        return {
            host: [self.boot_preemptible(size, host) for size in sizes]
            for host in self.hosts
        }

    def test_a_request_that_all_hosts_refuse_has_one_of_them_read(self):
        preemptibles = self.boot_on_each_host(10)
        flavor = self.flavor(
            10, extra_specs={'aggregate_instance_extra_specs:disk': 'ssd'}
        )
        for number in (1, 2):
            refused = self.boot(flavor=flavor, state='ERROR')
            self.assertNoValidHost(refused)
            self.assertEqual(number, len(self.reads))
            (line,) = self.logged('No room is made for %s' % refused['id'])
            self.assertIn(
                '3 of 3 hosts: AggregateInstanceExtraSpecsFilter', line
            )
            self.flags(refusal_cache_seconds=0, group='opie')
        # The scheduler hears of an aggregate, not the records of the hosts.
        self.add_aggregate('fast', 'host2', disk='ssd')
        self.boot(flavor=flavor)
        self.assertGone(*preemptibles['host2'])

    def test_a_host_that_passes_without_victims_only_is_found(self):
        on_host = self.boot_on_each_host(4, 4)
        normal = [self.boot(1, host) for host in ('host1', 'host2')]
        self.flags(max_instances_per_host=1, group='filter_scheduler')
        self.boot(9)
        self.assertGone(*on_host['host3'])
        self.assertUntouched(*on_host['host1'], *on_host['host2'], *normal)

    def test_hosts_where_too_few_victims_may_go_are_not_read(self):
        preemptibles = self.boot_on_each_host(1, 1, 1)
        last = self.boot_preemptible(1, 'host3')
        self.flags(max_instances_per_host=2, group='filter_scheduler')
        self.flags(max_victims_per_request=1, group='opie')
        refused = self.boot(1, state='ERROR')
        self.assertNoValidHost(refused)
        self.assertEqual(1, len(self.reads))
        (line,) = self.logged('No room is made for %s' % refused['id'])
        self.assertIn('3 of 3 hosts: more than 1 victim', line)
        self.assertUntouched(last, *sum(preemptibles.values(), []))
        # Servers that cost nothing do not count.
        self.flags(max_victims_per_request=2, group='opie')
        self.boot(1)

    def test_a_host_that_passes_because_a_server_stays_is_found(self):
        on_host = self.boot_on_each_host(5, 5)
        stays, goes = on_host['host2']
        self.boot(5, hints={'same_host': stays['id']})
        self.assertGone(goes)
        self.assertUntouched(stays, *on_host['host1'], *on_host['host3'])

    def test_a_service_that_is_down_is_seen(self):
        on_host = self.boot_on_each_host(10)
        for host in ('host1', 'host3'):
            (service,) = self.api.get_services('nova-compute', host)
            self.api.put_service_force_down(service['id'], True)
        self.boot(10)
        self.assertGone(*on_host['host2'])


class PlacementLimitTest(base.CloudTestCase):
    def configure(self):
        self.flags(max_placement_results=1, group='scheduler')

    def test_room_that_the_limit_hides_needs_no_victims(self):
        preemptibles = [
            self.boot_preemptible(3, host) for host in ('host1', 'host2')
        ]
        shown = self.fail_the_only_candidate()
        preemptor = self.boot(5)
        self.assertNotIn(self.host_of(preemptor), shown)
        self.assertEqual(1, len(shown))
        self.assertUntouched(preemptor, *preemptibles)
        (line,) = self.logged('Placing %s' % preemptor['id'])
        self.assertIn('at the cost of no server.', line)

    def test_victims_are_found_beyond_the_limit(self):
        victims = [
            self.boot_preemptible(10, host) for host in ('host1', 'host2')
        ]
        preemptors = [self.boot(10) for _ in range(2)]
        self.assertGone(*victims)
        self.assertUntouched(*preemptors)

    def fail_the_only_candidate(self):
        """Let the host that nova gets to see go down; return its name."""
        shown = []

        def fail(real, *args, **kwargs):
            answer = real(*args, **kwargs)
            (uuid,) = answer[1]
            shown.append(self._get_resource_provider_by_uuid(uuid)['name'])
            (service,) = self.api.get_services('nova-compute', shown[0])
            self.api.put_service_force_down(service['id'], True)
            return answer

        self.wrap_once(
            report.SchedulerReportClient, 'get_allocation_candidates', fail
        )
        return shown
