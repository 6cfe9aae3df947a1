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


"""Victims are on hosts that the request may use, and on no others."""

from testtools import testcase

from opie.tests.functional import base


class TwoCellsTest(base.CloudTestCase):
    NUMBER_OF_CELLS = 2

    def start_hosts(self):
        self.start_compute('host1', 'cell1')
        self.start_compute('host2', 'cell2')

    def test_a_victim_in_the_second_cell_makes_room_there(self):
        normal = self.boot(10, 'host1')
        victim = self.boot_preemptible(6, 'host2')
        survivor = self.boot_preemptible(4, 'host2')
        preemptor = self.boot(5)
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertEqual('cell2', self.cell_of(preemptor))
        self.assertGone(victim)
        self.assertUntouched(normal, survivor, preemptor)
        self.assertNoJournal()

    @testcase.attr('smoke')
    def test_one_plan_has_victims_in_both_cells(self):
        victims = [
            self.boot_preemptible(10, host) for host in ('host1', 'host2')
        ]
        self.boot(6, min_count=2)
        self.assertGone(*victims)
        preemptors = [
            self._wait_for_state_change(server, 'ACTIVE')
            for server in self.api.get_servers()
        ]
        self.assertEqual(
            ['cell1', 'cell2'], sorted(map(self.cell_of, preemptors))
        )
        self.assertNoJournal()


class CheapAndDearCase(base.CloudTestCase):
    """The first host takes one victim, and the second one takes two."""

    def fill(self):
        self.cheap = self.boot_preemptible(10, 'host1')
        self.dear = [self.boot_preemptible(5, 'host2') for _ in range(2)]

    def assertCheapChosen(self, preemptor):
        self.assertEqual('host1', self.host_of(preemptor))
        self.assertGone(self.cheap)
        self.assertUntouched(preemptor, *self.dear)

    def assertDearChosen(self, preemptor):
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertGone(*self.dear)
        self.assertUntouched(preemptor, self.cheap)

    def assertRefused(self, preemptor):
        self.assertNoValidHost(preemptor)
        self.assertUntouched(self.cheap, *self.dear)


class HostStatusTest(CheapAndDearCase):
    def test_a_disabled_host_has_no_victims(self):
        self.fill()
        self.set_status('host1', 'disabled')
        self.assertDearChosen(self.boot(10))
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.assertUntouched(self.cheap)
        self.set_status('host1', 'enabled')
        self.assertUntouched(self.boot(10))
        self.assertGone(self.cheap)

    def test_a_host_whose_service_is_down_has_no_victims(self):
        self.fill()
        self.set_down('host1', True)
        self.assertDearChosen(self.boot(10))
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        # nova runs no filters on a forced host.
        self.assertNoValidHost(self.boot(10, 'host1', state='ERROR'))
        self.assertUntouched(self.cheap)
        # Requests for the forced host had no plan at all.
        self.assertEqual(1, len(self.logged('Placing')))
        self.set_down('host1', False)
        self.assertUntouched(self.boot(10))
        self.assertGone(self.cheap)

    def test_a_host_whose_builds_fail_gives_way_to_others(self):
        self.fill()
        # NOTE: as nova/compute/manager.py does when a build has failed.
        self.computes['host1'].manager.rt.build_failed('host1')
        self.audit()
        self.assertDearChosen(self.boot(10))
        self.assertUntouched(self.boot(10))
        self.assertGone(self.cheap)

    def set_status(self, host, status):
        self.api.put_service(self.service_id(host), {'status': status})

    def set_down(self, host, is_down):
        self.api.put_service_force_down(self.service_id(host), is_down)

    def service_id(self, host):
        (service,) = self.api.get_services('nova-compute', host)
        return service['id']


class DestinationTest(CheapAndDearCase):
    def test_any_host_means_the_cheap_one(self):
        self.fill()
        self.assertCheapChosen(self.boot(10))

    def test_a_forced_host_is_the_only_one_with_victims(self):
        self.fill()
        self.assertDearChosen(self.boot(10, 'host2'))
        self.assertNoValidHost(self.boot(1, 'host2', state='ERROR'))
        self.assertUntouched(self.cheap)

    def test_a_requested_host_is_the_only_one_with_victims(self):
        self.fill()
        self.assertDearChosen(self.boot(10, destination='host2'))
        self.assertNoValidHost(
            self.boot(1, destination='host2', state='ERROR')
        )
        self.assertUntouched(self.cheap)

    def test_a_requested_node_is_the_only_one_with_victims(self):
        self.fill()
        self.assertDearChosen(self.boot(10, hypervisor_hostname='host2'))

    def test_victims_are_in_the_zone_that_was_asked_for(self):
        self.add_aggregate('zone2', 'host2', availability_zone='zone2')
        self.cheap = self.boot_preemptible(10, 'host1')
        self.dear = [
            self.boot_preemptible(5, availability_zone='zone2')
            for _ in range(2)
        ]
        self.assertDearChosen(self.boot(10, availability_zone='zone2'))
        self.assertNoValidHost(
            self.boot(1, availability_zone='zone2', state='ERROR')
        )
        self.assertUntouched(self.cheap)

    def test_a_required_trait_is_on_the_host(self):
        self.fill()
        self.add_trait('host2', 'CUSTOM_FAST')
        fast = self.flavor(10, extra_specs={'trait:CUSTOM_FAST': 'required'})
        self.assertDearChosen(self.boot(flavor=fast))
        self.assertNoValidHost(self.boot(flavor=fast, state='ERROR'))
        self.assertUntouched(self.cheap)

    def test_a_forbidden_trait_is_not_on_the_host(self):
        self.fill()
        self.add_trait('host1', 'CUSTOM_SLOW')
        flavor = self.flavor(
            10, extra_specs={'trait:CUSTOM_SLOW': 'forbidden'}
        )
        self.assertDearChosen(self.boot(flavor=flavor))

    def add_trait(self, host, trait):
        provider = self._get_provider_uuid_by_host(host)
        self._create_trait(trait)
        self._set_provider_traits(
            provider, [*self._get_provider_traits(provider), trait]
        )


class TenantIsolationTest(CheapAndDearCase):
    @testcase.attr('smoke')
    def test_a_tenant_refused_by_its_aggregate_stays_refused(self):
        self.fill()
        self.flags(
            limit_tenants_to_placement_aggregate=True,
            placement_aggregate_required_for_tenants=True,
            group='scheduler',
        )
        self.assertRefused(self.boot(10, state='ERROR'))
        (line,) = self.logged('No room is made for')
        self.assertIn('No hosts available for tenant', line)
        self.add_aggregate(
            'mine', 'host2', filter_tenant_id=self.api.project_id
        )
        self.assertDearChosen(self.boot(10))
