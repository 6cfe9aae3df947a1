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

"""What is taken of each victim, on each provider."""

from oslo_utils.fixture import uuidsentinel as uuids
import testtools

from opie.preemption import model
from opie.preemption.trees import query
from opie.preemption.trees import takings
from opie.preemption.trees import victims
from opie.tests.trees import clouds
from opie.tests.unit.preemption.trees import base

provider = base.provider


class TakingsTest(testtools.TestCase):
    def take(self, cloud, text):
        """Return what is taken of all preemptible servers, by names."""
        forest = cloud.forest()
        request = query.read(clouds.pairs_of(text))
        servers = [
            victims.PotentialVictim(uuid, cloud.servers[uuid], 1)
            for uuid in sorted(cloud.preemptible)
        ]
        choice = victims.choose(forest, request, servers)
        self.assertEqual(len(servers), len(choice.victims))
        return takings.take(forest, choice.victims, choice.proposal)

    def test_each_provider_is_taken_from_by_itself(self):
        cloud = base.cloud(
            provider('host', VCPU=4, MEMORY_MB=4),
            provider('gpu0', 'host', VGPU=2),
            normal={'host': {'VCPU': 1}},
            a={'host': {'VCPU': 3, 'MEMORY_MB': 4}},
            b={'gpu0': {'VGPU': 2}},
            preemptible=['a', 'b'],
        )
        self.assertEqual(
            {
                uuids.a: {uuids.host: {'VCPU': 2, 'MEMORY_MB': 1}},
                uuids.b: {uuids.gpu0: {'VGPU': 1}},
            },
            self.take(cloud, 'resources=VCPU:2,MEMORY_MB:1&resources1=VGPU:1'),
        )

    def test_what_is_free_is_taken_last(self):
        cloud = base.cloud(
            provider('host', VCPU=8),
            provider('gpu0', 'host', VGPU=1),
            a={'host': {'VCPU': 2}, 'gpu0': {'VGPU': 1}},
            preemptible=['a'],
        )
        self.assertEqual(
            {uuids.a: {uuids.host: {'VCPU': 2}, uuids.gpu0: {'VGPU': 1}}},
            self.take(cloud, 'resources=VCPU:3&resources1=VGPU:1'),
        )

    def test_nothing_is_taken_of_other_providers(self):
        cloud = base.cloud(
            provider('host', VCPU=8),
            provider('gpu0', 'host', VGPU=1),
            provider('gpu1', 'host', VGPU=1),
            normal={'gpu1': {'VGPU': 1}},
            a={'gpu0': {'VGPU': 1}, 'host': {'VCPU': 4}},
            preemptible=['a'],
        )
        self.assertEqual(
            {uuids.a: {uuids.gpu0: {'VGPU': 1}}},
            self.take(cloud, 'resources1=VGPU:1'),
        )

    def test_a_victim_may_keep_what_placement_accepts_alone(self):
        for inventory, expected in (
            (model.Inventory(4), {'VGPU': 1}),
            # It cannot keep 3.
            (model.Inventory(4, max_unit=2), None),
        ):
            cloud = base.cloud(
                provider('host', VCPU=4),
                provider('gpu0', 'host', VGPU=inventory),
                a={'gpu0': {'VGPU': 4}},
                preemptible=['a'],
            )
            self.assertEqual(
                expected and {uuids.a: {uuids.gpu0: expected}},
                self.take(cloud, 'resources1=VGPU:1'),
            )

    def test_what_it_keeps_elsewhere_has_to_be_accepted_too(self):
        cloud = base.cloud(
            provider('host', VCPU=4, DISK_GB=model.Inventory(4, max_unit=2)),
            provider('gpu0', 'host', VGPU=1),
            a={'host': {'DISK_GB': 3}, 'gpu0': {'VGPU': 1}},
            preemptible=['a'],
        )
        self.assertIsNone(self.take(cloud, 'resources1=VGPU:1'))
