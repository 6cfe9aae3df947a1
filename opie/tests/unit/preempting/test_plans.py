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

"""What an infeasible plan ends: itself, or the request."""

from unittest import mock

import nova.conf
import testtools

import opie.conf
from opie.preemption import model
from opie.scheduler import errors
from opie.scheduler.preempting import plans

opie.conf.register_opts(nova.conf.CONF)


class RefusalTest(testtools.TestCase):
    def refusal(self, is_cut_short, number_of_read=0, **of_cloud):
        shot = mock.Mock()
        shot.cloud.states = dict.fromkeys(range(number_of_read))
        shot.cloud.has_changed = of_cloud.get('has_changed', False)
        shot.request = model.Request(('preemptor',), {'VCPU': 1})
        plan = model.Plan(is_cut_short=is_cut_short)
        return plans._refusal(shot, plan, None, plans.PlanBudget())

    def test_a_plan_that_has_seen_all_hosts_answers_requests_alike(self):
        self.assertIsInstance(self.refusal(False), errors.NoPlan)

    def test_a_search_cut_short_after_a_few_hosts_is_made_again(self):
        self.assertIsInstance(self.refusal(True, 15), errors.AttemptVoid)

    def test_one_cut_short_after_many_ends_the_request_and_no_other(self):
        for has_changed in (False, True):
            refusal = self.refusal(True, 16, has_changed=has_changed)
            self.assertIsInstance(refusal, errors.NoRoomMade)
            self.assertNotIsInstance(refusal, errors.NoPlan)
