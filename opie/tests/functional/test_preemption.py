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

"""A normal server takes the place of preemptible ones."""

from opie.tests.functional import base


class PreemptionTest(base.CloudTestCase):
    def test_a_preemptor_takes_two_small_victims(self):
        full = self.boot(10, 'host1')
        small = [self.boot_preemptible(3, 'host2') for _ in range(2)]
        normal = self.boot(4, 'host2')
        preemptor = self.boot(5)
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertGone(*small)
        self.assertUntouched(full, normal, preemptor)
        for _ in range(2):
            self.assertEqual(9, self.used_vcpus('host2'))
            self.assertEqual(10, self.used_vcpus('host1'))
            self.audit()
        self.assertNoJournal()
