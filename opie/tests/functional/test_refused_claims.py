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


"""Claims that placement would refuse again are not made again."""

from oslo_utils import uuidutils
from placement.objects import allocation as placement_allocation

from opie.scheduler.claims import together
from opie.tests.functional import base


class RefusedClaimTest(base.CloudTestCase):
    """The cheapest victim is on host1, those on host2 cost more.

    A preemptor of 7 evicts all that is preemptible on a host.
    """

    def setUp(self):
        super().setUp()
        self.cheap = self.boot_preemptible(10, 'host1')
        self.dear = self.boot_preemptible(10, 'host2')
        self.has_run(self.dear, 3000)
        self.big = self.flavor(7)
        self.claims = []

        def write(real, claims):
            self.claims += claims
            return real(claims)

        self.wrap(together, 'write', write)

    def assertServedAfter(self, claims, refused):
        """Check that a request loses no more than one plan."""
        self.held = self.allocations(self.cheap)
        preemptor = self.boot(flavor=self.big)
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertGone(self.dear)
        self.assertUntouched(preemptor)
        self.assertTrue(self.is_alive(self.cheap))
        self.assertEqual(self.held, self.allocations(self.cheap))
        self.assertEqual(claims, len(self.claims))
        (line,) = self.logged('is void')
        self.assertIn(refused, line)
        self.assertNoJournal()

    def put(self, url, **body):
        answer = self.placement.put(url, body, version='1.28')
        self.assertIn(answer.status, (200, 204))

    def create_pool(self, **inventory):
        """Let the cheapest victim hold 20 GB of a pool; return its uuid."""
        pool = uuidutils.generate_uuid()
        answer = self.placement.post(
            '/resource_providers', {'name': 'pool', 'uuid': pool}
        )
        self.assertEqual(201, answer.status)
        self.set_inventory(pool, 0)
        url = '/allocations/%s' % self.cheap['id']
        held = self.placement.get(url, version='1.28').body
        held['allocations'][pool] = {'resources': {'DISK_GB': 20}}
        self.put(url, **held)
        return pool

    def set_inventory(self, pool, generation, **fields):
        self.put(
            '/resource_providers/%s/inventories' % pool,
            resource_provider_generation=generation,
            inventories={'DISK_GB': {'total': 100, **fields}},
        )

    def test_a_victim_that_keeps_what_is_not_allowed_is_left_out(self):
        pool = self.create_pool()
        self.set_inventory(pool, 2, max_unit=10)
        self.assertServedAfter(2, 'violate inventory constraints')
        # The next request knows it.
        refused = self.boot(flavor=self.big, state='ERROR')
        self.assertNoValidHost(refused)
        self.assertEqual(2, len(self.claims))
        self.assertEqual(self.held, self.allocations(self.cheap))

    def test_a_host_over_its_capacity_is_left_out_by_a_strict_placement(self):
        def check(real, context, allocations, *args):
            return real(context, allocations, *[{} for _ in args])

        # As before release 14 of placement.
        self.wrap(placement_allocation, '_check_capacity_exceeded', check)
        self._reserve_placement_resource('host1', 'VCPU', 1)
        self.assertServedAfter(
            2, "for 'VCPU' on resource provider 'host1'. The requested amount"
        )
        refused = self.boot(flavor=self.big, state='ERROR')
        self.assertNoValidHost(refused)
        self.assertEqual(2, len(self.claims))
        (line,) = self.logged('No room is made for')
        self.assertIn('over its capacity of VCPU', line)
