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

"""Of which resource classes a host's victims may hold more than is known."""

import dataclasses

import testtools

from opie.preemption import model
from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.placement import providers
from opie.scheduler.planning import host_values
from opie.tests.unit.preemption import builders

_NODE = compute_nodes.Compute(
    'cell', 'uuid', 'host', 'node', 8, 8, 8, 8, 8, 8, 1.0, 1.0, 1.0
)
_SERVER = preemptibles.PreemptibleServer(
    uuid='server',
    project_id='project',
    host='host',
    node='node',
    vm_state='active',
    task_state=None,
    launched_at=0.0,
    locked_by=None,
    disable_terminate=False,
    memory_mb=2,
    vcpus=2,
    root_gb=2,
    ephemeral_gb=0,
)
_CLASSES = ('VCPU', 'MEMORY_MB', 'DISK_GB', 'CUSTOM_X')


def _facts(**held):
    return providers.ProviderFacts(
        0.0,
        1,
        {name: model.Inventory(8) for name in _CLASSES},
        {'server': held} if held else {},
    )


@builders.scenarios(
    {
        'nothing where the host is as it was read': (
            _facts(VCPU=1, MEMORY_MB=2, DISK_GB=2),
            1,
            set(),
        ),
        'what no flavor tells, of a host that has changed': (
            _facts(VCPU=2, MEMORY_MB=2, DISK_GB=2),
            2,
            {'CUSTOM_X'},
        ),
        'what its flavor says to be more, of a host that has changed': (
            _facts(VCPU=1, MEMORY_MB=2),
            2,
            {'VCPU', 'DISK_GB', 'CUSTOM_X'},
        ),
        'what no flavor tells, of a server that came after the reading': (
            _facts(),
            1,
            {'CUSTOM_X'},
        ),
        'nothing where nova alone tells of the host': (None, 1, set()),
    }
)
class TestUncertain(testtools.TestCase):
    def check(self, facts, generation, expected):
        values = host_values.HostValues()
        if facts:
            values.providers._facts['uuid'] = facts
        host = values.host(_NODE, generation, (_SERVER,))
        self.assertEqual(expected, host.uncertain)
        self.assertEqual(
            facts is not None and generation == 1, host.is_capacity_known
        )


class TestDedicated(testtools.TestCase):
    def test_dedicated_cpus_in_use_are_not_taken_from_the_others(self):
        """nova's record of the host counts both sorts together."""
        inventories = {
            'VCPU': model.Inventory(4, used=2),
            'PCPU': model.Inventory(4, used=3),
        }
        for generation, node_used, expected in (
            (1, 5, (2, 3)),
            # Another server came since, which may have either.
            (2, 6, (3, 3)),
            (2, 2, (0, 3)),
        ):
            values = host_values.HostValues()
            values.providers._facts['uuid'] = providers.ProviderFacts(
                0.0, 1, inventories, {}
            )
            node = dataclasses.replace(_NODE, vcpus_used=node_used)
            host = values.host(node, generation, ())
            used = tuple(one.used for one in host.inventories.values())
            self.assertEqual(expected, used)
