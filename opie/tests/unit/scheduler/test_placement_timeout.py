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

"""The time-out of calls to placement; functional tests let it hang."""

import nova.conf
from nova.tests import fixtures as nova_fixtures
import testtools

from opie.scheduler.placement import client as placement

CONF = nova.conf.CONF


class PlacementTimeoutTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(nova_fixtures.ConfFixture(CONF))
        self.addCleanup(CONF.clear_default, 'timeout', 'placement')

    def test_no_call_waits_for_ever(self):
        self.assertIsNone(CONF.placement.timeout)
        placement.limit_waiting()
        self.assertEqual(60, CONF.placement.timeout)

    def test_an_operator_knows_better(self):
        CONF.set_override('timeout', 600, 'placement')
        placement.limit_waiting()
        self.assertEqual(600, CONF.placement.timeout)
