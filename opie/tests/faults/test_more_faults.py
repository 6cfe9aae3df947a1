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

"""A placement that fails from some step of a preemption on.

It takes minutes, so it is no part of the functional tests.
"""

from opie.tests.functional import base
from opie.tests.interruptions import faults


class PlacementTest(faults.FaultsMixin, base.CloudTestCase):
    def test_it_answers_500(self):
        self.fail_in_each_step(
            lambda call, go: faults.answer(500),
            faults.is_of_placement,
        )

    def test_it_answers_503(self):
        self.fail_in_each_step(
            lambda call, go: faults.answer(503),
            faults.is_of_placement,
        )

    def test_it_answers_409(self):
        self.fail_in_each_step(faults.conflicts, faults.is_of_placement)

    def test_it_hangs(self):
        self.fail_in_each_step(faults.hangs, faults.is_of_placement)

    def test_its_answers_are_lost(self):
        self.fail_in_each_step(faults.loses_the_answer, faults.is_of_placement)
