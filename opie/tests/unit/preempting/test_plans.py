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

"""How many victims a request may have, from plan to plan."""

import testtools

from opie.preemption import model
from opie.scheduler.preempting import plans


class VictimsLeftTest(testtools.TestCase):
    def left(self, most_victims, evicted):
        budget = plans.PlanBudget()
        budget.evicted = evicted
        request = model.Request(
            ('preemptor',), {'VCPU': 1}, most_victims=most_victims
        )
        return plans._with_victims_left(request, budget).most_victims

    def test_victims_of_void_attempts_count(self):
        self.assertEqual(1, self.left(3, 2))

    def test_none_is_left_once_as_many_have_gone(self):
        self.assertEqual(0, self.left(1, 1))

    def test_without_a_limit_any_number_may_go(self):
        self.assertIsNone(self.left(None, 5))
