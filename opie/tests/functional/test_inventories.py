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


"""Amounts are counted as placement counts them."""

from nova.virt import fake

from opie.tests.functional import base

_UNCONSTRAINED = {
    'total': 8,
    'reserved': 0,
    'min_unit': 1,
    'max_unit': 8,
    'step_size': 1,
    'allocation_ratio': 1.0,
}


class InventoryCase(base.CloudTestCase):
    """Hosts whose hypervisors report more than fake ones do.

    :cvar inventories: host to resource class to what is particular about it.
    """

    hosts = ('host1',)
    inventories = {}

    def configure(self):
        def report(real, driver, tree, nodename, allocations=None):
            real(driver, tree, nodename, allocations)
            inventory = tree.data(nodename).inventory
            for name, particular in self.inventories[nodename].items():
                fields = inventory.get(name, _UNCONSTRAINED)
                inventory[name] = dict(fields, **particular)
            tree.update_inventory(nodename, inventory)

        self.wrap(fake.FakeDriver, 'update_provider_tree', report)

    def asking_for(self, vcpu, **amounts):
        """Return the id of a flavor that asks for CUSTOM_ amounts."""
        return self.flavor(
            vcpu,
            extra_specs={
                'resources:CUSTOM_%s' % name: str(amount)
                for name, amount in amounts.items()
            },
        )

    def used(self, host, name):
        provider = self._get_provider_uuid_by_host(host)
        return self._get_provider_usages(provider)[name]

    def taken_of(self, servers):
        """Return how many of the servers are gone; the rest are untouched."""
        alive = [server for server in servers if self.is_alive(server)]
        self.assertUntouched(*alive)
        return len(servers) - len(alive)


class CustomClassTest(InventoryCase):
    inventories = {'host1': {'CUSTOM_X': {'total': 2, 'max_unit': 2}}}

    def test_victims_are_those_that_hold_the_class_in_short_supply(self):
        one_x = self.asking_for(1, X=1)
        plain = self.boot_preemptible(6)
        holders = [self.boot_preemptible(flavor=one_x) for _ in range(2)]
        for server in holders:
            self.has_run(server, 3000)
        preemptor = self.boot(flavor=one_x)
        self.assertUntouched(plain, preemptor)
        self.assertEqual(1, self.taken_of(holders))
        for _ in range(2):
            self.assertEqual(2, self.used('host1', 'CUSTOM_X'))
            self.assertEqual(8, self.used('host1', 'VCPU'))
            self.audit()
        self.assertNoJournal()

    def test_no_victim_helps_where_a_normal_server_holds_the_class(self):
        plain = self.boot_preemptible(8)
        normal = self.boot(flavor=self.asking_for(1, X=2))
        refused = self.boot(flavor=self.asking_for(1, X=1), state='ERROR')
        self.assertNoValidHost(refused)
        self.assertUntouched(plain, normal)


class AllocationRatioTest(InventoryCase):
    inventories = {'host1': {'VCPU': {'allocation_ratio': 2.0}}}

    def test_one_victim_suffices_where_a_host_is_overcommitted(self):
        victims = [self.boot_preemptible(10) for _ in range(2)]
        preemptor = self.boot(10)
        self.assertEqual(1, self.taken_of(victims))
        self.assertUntouched(preemptor)
        self.assertEqual(20, self.used_vcpus('host1'))


class ReservedTest(InventoryCase):
    inventories = {'host1': {'VCPU': {'reserved': 4}}}

    def test_two_victims_are_needed_where_the_host_keeps_some(self):
        victims = [self.boot_preemptible(3) for _ in range(2)]
        preemptor = self.boot(4)
        self.assertGone(*victims)
        self.assertUntouched(preemptor)
        self.assertEqual(4, self.used_vcpus('host1'))

    def test_what_the_host_keeps_is_not_given_away(self):
        victim = self.boot_preemptible(6)
        self.assertNoValidHost(self.boot(7, state='ERROR'))
        self.assertUntouched(victim)


class UnitsTest(InventoryCase):
    hosts = ('host1', 'host2')
    inventories = {
        'host1': {
            'CUSTOM_MAX': {'max_unit': 1},
            'CUSTOM_MIN': {'min_unit': 2},
            'CUSTOM_STEP': {'step_size': 2},
        },
        'host2': {'CUSTOM_MAX': {}, 'CUSTOM_MIN': {}, 'CUSTOM_STEP': {}},
    }

    def test_a_host_whose_units_forbid_the_amount_does_not_serve(self):
        cheap = self.boot_preemptible(10, 'host1')
        dear = [self.boot_preemptible(3, 'host2') for _ in range(3)]
        for server in dear:
            self.has_run(server, 3000)
        for amount in ({'MAX': 2}, {'MIN': 1}, {'STEP': 3}):
            flavor = self.asking_for(3, **amount)
            preemptor = self.boot(flavor=flavor)
            self.assertEqual('host2', self.host_of(preemptor), amount)
        self.assertGone(*dear)
        self.assertUntouched(cheap)
        allowed = self.asking_for(3, MAX=1, MIN=2, STEP=2)
        self.assertEqual('host1', self.host_of(self.boot(flavor=allowed)))
        self.assertGone(cheap)


class LeftOverTest(InventoryCase):
    """A victim keeps an amount that placement allows until it is gone."""

    inventories = {
        'host1': {
            'CUSTOM_MIN': {'min_unit': 3, 'total': 6},
            'CUSTOM_FULL': {'min_unit': 3, 'total': 4},
            'CUSTOM_STEP': {'step_size': 2, 'total': 6},
        }
    }

    def test_a_victim_keeps_the_least_that_it_may_hold(self):
        victim = self.boot_preemptible(flavor=self.asking_for(1, MIN=4))
        preemptor = self.boot(flavor=self.asking_for(1, MIN=3))
        self.assertGone(victim)
        self.assertUntouched(preemptor)
        self.assertEqual(3, self.used('host1', 'CUSTOM_MIN'))

    def test_a_victim_keeps_whole_steps(self):
        victim = self.boot_preemptible(flavor=self.asking_for(1, STEP=6))
        preemptor = self.boot(flavor=self.asking_for(1, STEP=2))
        self.assertGone(victim)
        self.assertUntouched(preemptor)
        self.assertEqual(2, self.used('host1', 'CUSTOM_STEP'))

    def test_a_victim_that_could_keep_nothing_allowed_is_none(self):
        victim = self.boot_preemptible(flavor=self.asking_for(1, FULL=4))
        refused = self.boot(flavor=self.asking_for(1, FULL=3), state='ERROR')
        self.assertNoValidHost(refused)
        self.assertUntouched(victim)
        (line,) = self.logged('No room is made for')
        self.assertIn('placement would refuse what is left', line)
