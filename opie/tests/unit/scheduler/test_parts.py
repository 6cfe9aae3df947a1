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

"""What is taken of a victim is split over those that hold it."""

import testtools

from opie.preemption import model
from opie.scheduler import resources
from opie.tests.unit.preemption import builders


@builders.scenarios(
    {
        'a victim without a migration gives all itself': (
            {},
            {'a': {'VCPU': 3}},
            {'victim': {'a': {'VCPU': 3}}},
        ),
        'a migration gives first': (
            {'migration': {'VCPU': 2}},
            {'a': {'VCPU': 3}},
            {'migration': {'a': {'VCPU': 2}}, 'victim': {'a': {'VCPU': 1}}},
        ),
        'preemptors take one after the other': (
            {'migration': {'VCPU': 2}},
            {'a': {'VCPU': 1}, 'b': {'VCPU': 3}},
            {
                'migration': {'a': {'VCPU': 1}, 'b': {'VCPU': 1}},
                'victim': {'a': {}, 'b': {'VCPU': 2}},
            },
        ),
        'classes are split one by one': (
            {'migration': {'VCPU': 2, 'MEMORY_MB': 10}},
            {'a': {'VCPU': 1, 'MEMORY_MB': 30}},
            {
                'migration': {'a': {'VCPU': 1, 'MEMORY_MB': 10}},
                'victim': {'a': {'MEMORY_MB': 20}},
            },
        ),
        'one that takes nothing takes it of the victim': (
            {'migration': {'VCPU': 2}},
            {'a': {}},
            {'victim': {'a': {}}},
        ),
    }
)
class PartsTest(testtools.TestCase):
    def check(self, by_migration, shares, expected):
        server = model.Server(
            'victim',
            {'VCPU': 6, 'MEMORY_MB': 60},
            by_migration=by_migration,
        )
        self.assertEqual(expected, resources.by_consumer(server, shares))
