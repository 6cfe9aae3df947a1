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

"""What nova's records tell of NUMA cells and PCI devices of servers."""

import json
import types

from nova import objects
import testtools

from opie.scheduler.nova_db import held_parts
from opie.scheduler.nova_db import whereabouts
from opie.tests.unit.preemption import builders

objects.register_all()

_REQUESTS = [
    {
        'request_id': 'one',
        'spec': [
            {
                'vendor_id': '8086',
                'physical_network': 'net',
                'remote_managed': 'True',
            }
        ],
    },
    {'request_id': 'two', 'spec': [{'a': 'b'}, {'a': 'c'}]},
    {'request_id': 'three', 'spec': [{'resource_class': 'X', 'rp_uuids': ''}]},
]
_LOCAL = ('remote_managed', 'false')


@builders.scenarios(
    {
        'what the server has asked for': (
            'one',
            _REQUESTS,
            (
                ('physical_network', 'net'),
                ('remote_managed', 'True'),
                ('vendor_id', '8086'),
            ),
        ),
        'nothing, if that is one of several sorts': (
            'two',
            _REQUESTS,
            (_LOCAL,),
        ),
        'nothing of what pools do not have': ('three', _REQUESTS, (_LOCAL,)),
        'nothing, if it is of no request': ('none', _REQUESTS, (_LOCAL,)),
        'nothing, if there is no request': (None, None, (_LOCAL,)),
    }
)
class TagsTest(testtools.TestCase):
    """A device is known by its server's request."""

    def check(self, request_id, requests, expected):
        row = types.SimpleNamespace(
            status='allocated',
            instance_uuid='server',
            address='address',
            parent_addr=None,
            vendor_id='8086',
            product_id='1515',
            dev_type='type-PCI',
            numa_node=None,
            request_id=request_id,
            extra_info='{}',
            pci_requests=requests and json.dumps(requests),
        )
        device = held_parts._device_of(row)
        self.assertEqual(('server', expected), (device.server, device.tags))
        row.extra_info = '{"rp_uuid": "provider"}'
        tracked = held_parts._device_of(row)
        self.assertIn(('rp_uuid', 'provider'), tracked.tags)
        row.status = 'unavailable'
        self.assertIsNone(held_parts._device_of(row).server)


class SpecTest(testtools.TestCase):
    """A server that is to be built counts with all that it has asked for."""

    def check(self, topology, devices):
        spec = objects.RequestSpec(
            flavor=objects.Flavor(vcpus=2),
            numa_topology=topology,
            pci_requests=devices,
        )
        found = whereabouts._spec_of(json.dumps(spec.obj_to_primitive()))
        self.assertEqual(2, found.flavor.vcpus)
        return found

    def test_numa_cells_and_devices_are_read(self):
        found = self.check(
            objects.InstanceNUMATopology(
                cells=[objects.InstanceNUMACell(id=1, memory=512)]
            ),
            objects.InstancePCIRequests(
                requests=[objects.InstancePCIRequest(count=3)]
            ),
        )
        self.assertEqual(512, found.numa_topology.cells[0].memory)
        self.assertEqual(3, found.pci_requests.requests[0].count)

    def test_there_may_be_none(self):
        found = self.check(None, None)
        self.assertIsNone(found.numa_topology)
        self.assertIsNone(found.pci_requests)
