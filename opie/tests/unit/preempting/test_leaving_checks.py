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

"""Tests what a preemption does when a server does not leave after all."""

from unittest import mock

from nova import exception
from nova.compute import task_states
from nova.compute import vm_states
import nova.conf
from oslo_utils.fixture import uuidsentinel as uuids
import testtools

import opie.conf
from opie.scheduler import errors
from opie.scheduler.preempting import leaving_checks

opie.conf.register_opts(nova.conf.CONF)


class LeavingChecksTest(testtools.TestCase):
    """A server on one host leaves, and the attempt has claimed its room."""

    def setUp(self):
        super().setUp()
        self.server = mock.Mock(is_overdue=False)
        self.server.record.host = 'host1'
        self.attempt = mock.Mock(leaving={uuids.server: self.server})
        self.claim = self.attempt.placement_claim
        self.claim.is_evicted_by_another.return_value = False
        self.claim.is_released.return_value = False
        self.checks = leaving_checks.LeavingChecks(self.attempt)

    def void(self, method, *args):
        return self.assertRaises(
            errors.AttemptVoid, getattr(self.checks, method), *args
        )

    def test_a_host_without_service_is_no_fault_of_the_request(self):
        """Nothing was lost, so another plan is made without the server."""
        self.attempt.checks.check_service.side_effect = (
            exception.ComputeHostNotFound(host='host1')
        )
        void = self.void('check_all')
        self.assertIn('host1', str(void))
        self.assertEqual({uuids.server}, set(void.victims))

    def test_one_that_its_preemption_lets_stay_is_a_race(self):
        """It may be a victim of the next plan, and counts as no failure."""
        void = self.void('is_over', uuids.server, vm_states.ACTIVE, None)
        self.assertTrue(void.is_race)
        self.assertEqual(set(), set(void.victims))

    def test_one_whose_deletion_failed_is_excluded(self):
        void = self.void('is_over', uuids.server, vm_states.ERROR, None)
        self.assertEqual({uuids.server}, set(void.victims))

    def test_one_that_another_is_about_to_evict_is_waited_for(self):
        self.claim.is_evicted_by_another.return_value = True
        self.assertFalse(
            self.checks.is_over(uuids.server, vm_states.ACTIVE, None)
        )

    def test_one_whose_deletion_failed_late_has_left(self):
        self.claim.is_released.return_value = True
        self.assertTrue(
            self.checks.is_over(uuids.server, vm_states.ERROR, None)
        )

    def test_one_that_takes_too_long_is_excluded(self):
        self.server.is_overdue = True
        void = self.void(
            'is_over', uuids.server, vm_states.ACTIVE, task_states.DELETING
        )
        self.assertEqual({uuids.server}, set(void.victims))
