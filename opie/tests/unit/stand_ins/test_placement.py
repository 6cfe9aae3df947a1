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

"""The contract between the in-memory placement and the installed one."""

from oslo_utils.fixture import uuidsentinel as uuids

from opie.tests.unit.stand_ins import contract

OVERTAKEN = 'placement.concurrent_update'


class ProvidersTest(contract.ContractTestCase):
    def setUp(self):
        super().setUp()
        self.assertEqual(200, self.create(uuids.root, 'root'))
        self.assertEqual(200, self.create(uuids.child, 'child', uuids.root))
        self.assertEqual(200, self.create(uuids.other, 'other'))
        self.addCleanup(self.assertSameState)

    def found(self, query):
        found = self.read('/resource_providers?' + query)
        return {name for name, *_ in found.values()}

    def test_each_is_found_by_its_uuid_its_name_and_its_tree(self):
        for query, names in (
            ('uuid=' + uuids.root, {'root'}),
            ('name=other', {'other'}),
            ('in_tree=' + uuids.root, {'root', 'child'}),
            ('in_tree=' + uuids.child, {'root', 'child'}),
            ('in_tree=%s&name=child' % uuids.root, {'child'}),
            ('uuid=' + uuids.unknown, set()),
            ('in_tree=' + uuids.unknown, set()),
        ):
            self.assertEqual(names, self.found(query), query)

    def test_each_is_found_by_its_traits(self):
        for provider, traits in (
            (uuids.root, ['HW_CPU_X86_AVX', 'COMPUTE_STATUS_DISABLED']),
            (uuids.other, ['HW_CPU_X86_AVX']),
        ):
            self.ask(
                'put',
                '/resource_providers/%s/traits' % provider,
                {'resource_provider_generation': 0, 'traits': traits},
            )
        for value, names in (
            ('HW_CPU_X86_AVX', {'root', 'other'}),
            ('HW_CPU_X86_AVX,!COMPUTE_STATUS_DISABLED', {'other'}),
            ('!HW_CPU_X86_AVX', {'child'}),
            ('HW_CPU_X86_AVX2', set()),
        ):
            self.assertEqual(names, self.found('required=' + value), value)

    def test_each_is_found_by_its_aggregates(self):
        for provider, aggregates in (
            (uuids.root, [uuids.blue, uuids.green]),
            (uuids.other, [uuids.green]),
        ):
            self.ask(
                'put',
                '/resource_providers/%s/aggregates' % provider,
                {'resource_provider_generation': 0, 'aggregates': aggregates},
            )
        blue_or_green = 'in:%s,%s' % (uuids.blue, uuids.green)
        for query, names in (
            ('member_of=' + uuids.green, {'root', 'other'}),
            ('member_of=' + blue_or_green, {'root', 'other'}),
            (
                'member_of=%s&member_of=%s' % (uuids.blue, uuids.green),
                {'root'},
            ),
            ('member_of=!' + uuids.blue, {'child', 'other'}),
            ('member_of=!' + blue_or_green, {'child'}),
        ):
            self.assertEqual(names, self.found(query), query)

    def test_a_uuid_and_a_name_are_given_once(self):
        self.assertEqual(409, self.create(uuids.root, 'new'))
        self.assertEqual(409, self.create(uuids.new, 'root'))

    def test_a_bad_parent_or_name_is_refused(self):
        self.assertEqual(400, self.create(uuids.new, 'new', uuids.unknown))
        self.assertEqual(400, self.create(uuids.new, 'n' * 201))
        self.assertEqual(200, self.create(uuids.new, 'n' * 200))

    def delete(self, provider):
        status, told = self.ask('delete', '/resource_providers/' + provider)
        return (status, told and told[0])

    def test_a_parent_cannot_be_deleted(self):
        self.assertEqual(
            (409, 'placement.resource_provider.cannot_delete_parent'),
            self.delete(uuids.root),
        )
        self.assertEqual((204, None), self.delete(uuids.child))
        self.assertEqual((204, None), self.delete(uuids.root))
        self.assertEqual(404, self.delete(uuids.root)[0])

    def test_what_is_in_use_cannot_be_deleted(self):
        self.set_inventories(uuids.child, 0, VCPU=4)
        self.allocate(**{uuids.server: (None, {uuids.child: {'VCPU': 1}})})
        self.assertEqual(
            (409, 'placement.resource_provider.inuse'),
            self.delete(uuids.child),
        )
        self.ask('delete', '/allocations/' + uuids.server)
        self.assertEqual((204, None), self.delete(uuids.child))

    def test_a_class_is_made_once(self):
        for status, name in (
            (201, 'CUSTOM_CONTRACT'),
            (204, 'CUSTOM_CONTRACT'),
            (400, 'VCPU'),
            (400, 'CONTRACT'),
        ):
            told = self.ask('put', '/resource_classes/' + name, None)
            self.assertEqual(status, told[0], name)


class InventoriesTest(contract.ContractTestCase):
    def setUp(self):
        super().setUp()
        self.create(uuids.host)
        self.set_inventories(uuids.host, 0, VCPU=4, MEMORY_MB=100)
        self.addCleanup(self.assertSameState)

    def test_a_change_names_the_generation_and_raises_it(self):
        for status, generation in ((409, 0), (200, 1), (409, 1), (200, 2)):
            told = self.set_inventories(uuids.host, generation, VCPU=4)
            self.assertEqual(status, told[0])
            if status == 409:
                self.assertEqual(OVERTAKEN, told[1][0])

    def test_bad_ones_are_refused(self):
        for inventories in (
            {'CUSTOM_UNKNOWN': 1},
            {'VCPU': 0},
            {'VCPU': {'total': 4, 'reserved': 5}},
        ):
            told = self.set_inventories(uuids.host, 1, **inventories)
            self.assertEqual(400, told[0], inventories)
        told = self.set_inventories(
            uuids.host, 1, VCPU={'total': 4, 'reserved': 4}
        )
        self.assertEqual(200, told[0])

    def test_an_unknown_provider_has_none(self):
        told = self.set_inventories(uuids.unknown, 0, VCPU=1)
        self.assertEqual(404, told[0])
        for what in ('inventories', 'allocations'):
            url = '/resource_providers/%s/%s' % (uuids.unknown, what)
            self.assertEqual(404, self.ask('get', url)[0])

    def test_what_is_in_use_stays_and_may_shrink(self):
        self.allocate(**{uuids.server: (None, {uuids.host: {'VCPU': 4}})})
        status, (code, _) = self.set_inventories(uuids.host, 2, MEMORY_MB=1)
        self.assertEqual((409, 'placement.inventory.inuse'), (status, code))
        self.assertEqual(200, self.set_inventories(uuids.host, 2, VCPU=1)[0])

    def test_all_of_them_can_go(self):
        self.assertEqual(200, self.set_inventories(uuids.host, 1)[0])
        told = self.allocate(
            **{uuids.server: (None, {uuids.host: {'VCPU': 1}})}
        )
        self.assertEqual(409, told[0])
