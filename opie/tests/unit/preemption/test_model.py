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


"""The values that planning works on refuse wrong arguments."""

import testtools

from opie.preemption import errors
from opie.preemption import model
from opie.tests.unit.preemption import builders


@builders.scenarios(
    {
        'all of the total': (builders.inventory(8), 8),
        'reserved is kept back': (builders.inventory(8, reserved=3), 5),
        'the ratio multiplies': (
            builders.inventory(8, allocation_ratio=4.0),
            32,
        ),
        'the ratio multiplies what is not reserved': (
            builders.inventory(8, reserved=2, allocation_ratio=1.5),
            9,
        ),
        'a ratio below one gives a fraction': (
            builders.inventory(5, allocation_ratio=0.5),
            2.5,
        ),
    }
)
class CapacityTest(testtools.TestCase):
    def check(self, inventory, expected):
        self.assertEqual(expected, inventory.capacity)


@builders.scenarios(
    {
        'the least': (4, True),
        'less than the least': (2, False),
        'the most': (12, True),
        'more than the most': (14, False),
        'between two steps': (5, False),
        'on a step': (6, True),
    }
)
class IsUnitTest(testtools.TestCase):
    def check(self, amount, expected):
        inventory = builders.inventory(
            100, min_unit=4, max_unit=12, step_size=2
        )
        self.assertIs(expected, inventory.is_unit(amount))


@builders.scenarios(
    {
        'no preemptor to place': ((), {'VCPU': 1}, 'no preemptor'),
        'a preemptor named twice': (('p', 'p'), {'VCPU': 1}, 'twice'),
        'no resources': (('p',), {}, 'no resources'),
        'nothing of a class': (('p',), {'VCPU': 1, 'GPU': 0}, '0 of GPU'),
        'less than nothing': (('p',), {'VCPU': -1}, '-1 of VCPU'),
    }
)
class InvalidRequestTest(testtools.TestCase):
    def check(self, preemptors, resources, problem):
        error = self.assertRaises(
            errors.InvalidRequest, model.Request, preemptors, resources
        )
        self.assertIn(problem, str(error))


class InvalidHostTest(testtools.TestCase):
    def test_a_server_listed_twice_is_refused(self):
        error = self.assertRaises(
            errors.InvalidHost,
            builders.host,
            'crowded',
            builders.server('twin', VCPU=1),
            builders.server('twin', VCPU=2),
            VCPU=8,
        )
        self.assertIn('crowded', str(error))
        self.assertIn('twice', str(error))

    def test_a_server_holding_what_the_host_lacks_is_refused(self):
        error = self.assertRaises(
            errors.InvalidHost,
            builders.host,
            'plain',
            builders.server('gamer', VCPU=1, VGPU=1, DISK_GB=1),
            VCPU=8,
        )
        self.assertIn('Host plain', str(error))
        self.assertIn('gamer holds DISK_GB, VGPU,', str(error))

    def test_the_errors_are_value_errors(self):
        self.assertTrue(issubclass(errors.InvalidHost, ValueError))


class HostAfterTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.goes = builders.server('goes', VCPU=2, DISK_GB=5)
        self.stays = builders.server('stays', VCPU=1)
        self.host = builders.host(
            'a',
            self.goes,
            self.stays,
            busy={'VCPU': 1},
            VCPU=builders.inventory(8, reserved=1),
            DISK_GB=50,
            preference=3,
        )

    def test_victims_are_gone_and_resources_taken(self):
        after = self.host.after([self.goes], {'VCPU': 4})
        self.assertEqual(6, after.inventories['VCPU'].used)
        self.assertEqual(0, after.inventories['DISK_GB'].used)
        self.assertEqual((self.stays,), after.potential_victims)

    def test_all_else_is_as_before(self):
        after = self.host.after([self.goes], {'VCPU': 2, 'DISK_GB': 5})
        self.assertEqual(self.host.inventories, after.inventories)
        self.assertEqual(('a', 3), (after.provider, after.preference))

    def test_the_host_itself_does_not_change(self):
        self.host.after([self.goes, self.stays], {'VCPU': 4})
        self.assertEqual(4, self.host.inventories['VCPU'].used)
        self.assertEqual(2, len(self.host.potential_victims))


class PlanTest(testtools.TestCase):
    def test_a_plan_without_nominations_is_not_feasible(self):
        self.assertFalse(model.Plan(reasons={'a': 'full'}).is_feasible)

    def test_a_plan_without_victims_is_feasible(self):
        plan = model.Plan((model.Nomination('p', 'a'),))
        self.assertTrue(plan.is_feasible)
        self.assertEqual((), plan.victims)

    def test_victims_come_by_host_then_uuid(self):
        one, two, three = (
            builders.server(uuid, VCPU=1) for uuid in ('1', '2', '3')
        )
        plan = model.Plan(
            (
                model.Nomination('p', 'b', (one,)),
                model.Nomination('q', 'a', (three,)),
                model.Nomination('r', 'a', (two,)),
            )
        )
        self.assertEqual((('a', two), ('a', three), ('b', one)), plan.victims)
