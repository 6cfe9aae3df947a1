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

"""Which requests can be served, and whether by roots alone."""

from nova import objects
from nova.scheduler import utils as scheduler_utils
import testtools

from opie.scheduler import errors
from opie.scheduler.planning import requirements
from opie.tests.unit.preemption import builders

objects.register_all()

_PINNED = {'hw:cpu_policy': 'dedicated'}
_MIXED = {'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '^0'}


def _spec(extra_specs, requested=(), devices=()):
    """Return the RequestSpec of a server of two CPUs."""
    return objects.RequestSpec(
        flavor=objects.Flavor(
            vcpus=2,
            memory_mb=512,
            root_gb=1,
            ephemeral_gb=0,
            swap=0,
            extra_specs=extra_specs,
        ),
        image=objects.ImageMeta(properties=objects.ImageMetaProps()),
        is_bfv=False,
        request_level_params=objects.RequestLevelParams(),
        requested_resources=list(requested),
        numa_topology=None,
        pci_requests=objects.InstancePCIRequests(requests=list(devices)),
    )


def _groups(spec):
    resource_request = scheduler_utils.ResourceRequest.from_request_spec(spec)
    requirements._check_shape(spec, resource_request)
    return requirements._read_groups(resource_request)


_PORT = objects.RequestGroup(
    requester_id='port',
    use_same_provider=True,
    resources={'NET_BW_EGR_KILOBIT_PER_SEC': 1},
)
_FUNCTION = objects.InstancePCIRequest(count=1, spec=[], alias_name=None)
_DEVICE = objects.InstancePCIRequest(count=1, spec=[], alias_name='gpu')
_ACCELERATOR = objects.RequestGroup(
    requester_id='device_profile_0',
    use_same_provider=True,
    resources={'FPGA': 1},
)


@builders.scenarios(
    {
        'shared CPUs': ({}, {'VCPU': 2}),
        'dedicated CPUs': (_PINNED, {'PCPU': 2}),
        'both sorts of CPUs': (_MIXED, {'VCPU': 1, 'PCPU': 1}),
        'a CPU for emulator threads': (
            {**_PINNED, 'hw:emulator_threads_policy': 'isolate'},
            {'PCPU': 3},
        ),
        'emulator threads that share CPUs': (
            {**_PINNED, 'hw:emulator_threads_policy': 'share'},
            {'PCPU': 2},
        ),
        'devices by an alias': (
            {'pci_passthrough:alias': 'gpu:1'},
            {'VCPU': 2},
        ),
    }
)
class OfRootsTest(testtools.TestCase):
    def check(self, extra_specs, cpus):
        asked = _groups(_spec(extra_specs))
        self.assertFalse(requirements._is_spread(asked))
        self.assertEqual(
            {'MEMORY_MB': 512, 'DISK_GB': 1, **cpus},
            asked.groups[''].resources,
        )


@builders.scenarios(
    {
        'a group with a suffix': ({'resources1:VGPU': '1'}, ()),
        'a class that may be anywhere': ({'resources:VGPU': '1'}, ()),
        'resources of a port': ({}, [_PORT]),
        'resources of a port, and a device': ({}, [_PORT], [_DEVICE]),
    }
)
class SpreadTest(testtools.TestCase):
    def check(self, *spec):
        asked = _groups(_spec(*spec))
        self.assertTrue(requirements._is_spread(asked))


_BARE_METAL = {'resources:VCPU': '0', 'resources:CUSTOM_NODE': '1'}


@builders.scenarios(
    {
        'a device profile': (_spec({}, [_ACCELERATOR]), 'a device profile'),
        'an SR-IOV port with bandwidth': (
            _spec({}, [_PORT], [_FUNCTION]),
            'an SR-IOV port and for bandwidth',
        ),
        'several groups that no policy is said for': (
            _spec({'resources1:VGPU': '1', 'resources2:VGPU': '1'}),
            'group_policy',
        ),
        'a node of bare metal': (_spec(_BARE_METAL), 'for bare metal'),
    }
)
class RefusedTest(testtools.TestCase):
    def check(self, spec, reason):
        error = self.assertRaises(errors.UnsupportedRequest, _groups, spec)
        self.assertIn(reason, str(error))
