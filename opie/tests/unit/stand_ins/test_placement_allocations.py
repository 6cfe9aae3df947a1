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

"""Both placements write allocations alike, or refuse to."""

from oslo_utils.fixture import uuidsentinel as uuids

from opie.tests.unit.stand_ins import contract
from opie.tests.unit.stand_ins import real_placement

OVERTAKEN = 'placement.concurrent_update'
NO_CODE = 'placement.undefined_code'


class AllocationsTest(contract.ContractTestCase):
    """A host of 10 VCPU, of which a server holds 6, and another host."""

    def setUp(self):
        super().setUp()
        self.create(uuids.host)
        self.create(uuids.other)
        self.set_inventories(uuids.host, 0, VCPU=10, MEMORY_MB=1000)
        self.set_inventories(uuids.other, 0, VCPU=10)
        self.write(204, server=(None, {'host': {'VCPU': 6}}))
        self.addCleanup(self.assertSameState)

    def write(self, status, **writes):
        """Write, and assert the status; return (code, words) of an error."""
        told = self.allocate(
            **{
                getattr(uuids, consumer): (
                    generation,
                    {
                        getattr(uuids, provider): resources
                        for provider, resources in held.items()
                    },
                )
                for consumer, (generation, held) in writes.items()
            }
        )
        self.assertEqual(status, told[0], told)
        return told[1]

    def generation(self, provider):
        url = '/resource_providers/%s/allocations' % provider
        return self.read(url)['resource_provider_generation']

    def test_a_consumer_is_written_at_its_generation(self):
        for generation in (None, 0, 2):
            code, words = self.write(
                409, server=(generation, {'host': {'VCPU': 1}})
            )
            self.assertEqual(OVERTAKEN, code)
            self.assertIn('consumer generation conflict', words)
        self.write(204, server=(1, {'host': {'VCPU': 1}}))
        # A body that is sent twice is refused for its generation.
        self.write(409, server=(1, {'host': {'VCPU': 1}}))

    def test_a_new_consumer_has_none(self):
        code, words = self.write(409, new=(0, {'host': {'VCPU': 1}}))
        self.assertEqual(OVERTAKEN, code)
        self.assertIn('expected null but got 0', words)

    def test_a_conflict_of_one_undoes_all(self):
        for generation in (None, 7):
            self.write(
                409,
                new=(None, {'host': {'VCPU': 1}}),
                server=(generation, {'host': {'VCPU': 1}}),
            )
        self.write(204, new=(None, {'host': {'VCPU': 1}}))

    def test_an_unknown_provider_leaves_orphans_behind(self):
        self.write(400, new=(None, {'unknown': {'VCPU': 1}}))
        # The consumer is there, and does not show.
        told = self.read('/allocations/' + uuids.new)
        self.assertEqual({'allocations': {}}, told)
        code, words = self.write(409, new=(None, {'host': {'VCPU': 1}}))
        self.assertEqual(OVERTAKEN, code)
        self.assertIn('expected 0 but got None', words)
        self.assertEqual(
            404, self.ask('delete', '/allocations/' + uuids.new)[0]
        )
        self.write(204, new=(0, {'host': {'VCPU': 1}}))

    def test_nothing_for_an_unknown_consumer_leaves_an_orphan_behind(self):
        self.write(204, new=(None, {}))
        self.write(409, new=(None, {'host': {'VCPU': 1}}))
        self.write(204, new=(0, {}))
        self.write(204, new=(0, {'host': {'VCPU': 1}}))

    def test_an_unknown_class_leaves_none(self):
        self.write(400, new=(None, {'host': {'CUSTOM_UNKNOWN': 1}}))
        self.write(204, new=(None, {'host': {'VCPU': 1}}))

    def test_a_class_that_is_not_there_leaves_none(self):
        for held in (
            {'other': {'MEMORY_MB': 1}},
            {'other': {'VCPU': 1, 'MEMORY_MB': 1}},
            {'host': {'VCPU': 1}, 'other': {'MEMORY_MB': 1}},
        ):
            code, words = self.write(409, new=(None, held))
            self.assertEqual(NO_CODE, code)
            self.assertIn('invalid', words)
        self.write(204, new=(None, {'host': {'VCPU': 1}}))

    def test_more_than_there_is_room_for_is_refused(self):
        code, words = self.write(409, new=(None, {'host': {'VCPU': 5}}))
        self.assertEqual(NO_CODE, code)
        self.assertIn('exceed the capacity', words)
        self.write(
            409,
            new=(None, {'host': {'VCPU': 3}}),
            newer=(None, {'host': {'VCPU': 2}}),
        )
        self.write(204, new=(None, {'host': {'VCPU': 4}}))

    def test_all_consumers_go_before_room_is_checked(self):
        self.write(
            204,
            new=(None, {'host': {'VCPU': 8}}),
            server=(1, {'host': {'VCPU': 2}}),
        )
        self.write(204, new=(1, {'host': {'VCPU': 10}}), server=(2, {}))

    def test_reserved_and_ratio_count(self):
        self.set_inventories(
            uuids.other,
            1,
            VCPU={'total': 5, 'reserved': 2, 'allocation_ratio': 1.5},
        )
        self.write(409, new=(None, {'other': {'VCPU': 5}}))
        self.write(204, new=(None, {'other': {'VCPU': 4}}))

    def test_units_count(self):
        self.set_inventories(
            uuids.other,
            1,
            VCPU={'total': 9, 'min_unit': 2, 'max_unit': 6, 'step_size': 2},
        )
        for amount in (1, 3, 8):
            _, words = self.write(409, new=(None, {'other': {'VCPU': amount}}))
            self.assertIn('violate inventory constraints', words)
        self.write(204, new=(None, {'other': {'VCPU': 6}}))

    def test_over_capacity_no_worse_is_allowed_from_release_14_on(self):
        self.write(204, second=(None, {'host': {'VCPU': 4}}))
        self.set_inventories(uuids.host, 3, VCPU=7)
        no_worse = 204 if real_placement.is_lenient() else 409
        self.write(no_worse, second=(1, {'host': {'VCPU': 3}}))
        generation = 1 if no_worse == 409 else 2
        self.write(
            no_worse,
            second=(generation, {}),
            third=(None, {'host': {'VCPU': 3}}),
        )
        self.write(409, fourth=(None, {'host': {'VCPU': 1}}))
        self.write(204, server=(1, {}))

    def test_every_consumer_and_each_provider_named_is_raised(self):
        self.write(
            204,
            server=(1, {'host': {'VCPU': 1}}),
            new=(None, {'other': {'VCPU': 1}}),
        )
        self.assertEqual(3, self.generation(uuids.host))
        self.assertEqual(2, self.generation(uuids.other))
        self.write(
            204,
            server=(2, {'host': {'VCPU': 1}}),
            new=(1, {'other': {'VCPU': 1}}),
        )

    def test_a_provider_that_is_left_is_not_raised(self):
        self.write(204, server=(1, {'other': {'VCPU': 1}}))
        self.assertEqual(2, self.generation(uuids.host))
        self.write(204, server=(2, {}))
        # The generation is raised if nothing is left at all.
        self.assertEqual(3, self.generation(uuids.other))

    def test_a_consumer_without_allocations_is_gone(self):
        self.write(204, server=(1, {}))
        self.write(204, server=(None, {'host': {'VCPU': 1}}))

    def test_a_deletion_raises_nothing_and_asks_for_no_generation(self):
        url = '/allocations/' + uuids.server
        self.assertEqual(204, self.ask('delete', url)[0])
        self.assertEqual(2, self.generation(uuids.host))
        self.assertEqual(404, self.ask('delete', url)[0])
        self.write(204, server=(None, {'host': {'VCPU': 1}}))

    def test_nothing_is_no_write(self):
        self.write(400)

    def test_the_last_write_tells_whose_it_is(self):
        url = '/allocations/' + uuids.server
        self.assertEqual('a project', self.read(url)['project_id'])
        body = {
            'allocations': {uuids.host: {'resources': {'VCPU': 1}}},
            'project_id': 'another',
            'user_id': 'another user',
            'consumer_generation': 1,
        }
        self.ask('post', '/allocations', {uuids.server: body})
        self.assertEqual('another', self.read(url)['project_id'])
