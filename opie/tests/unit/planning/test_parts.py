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

"""What nova's filters say of NUMA cells and PCI devices of many hosts."""

import types

from nova import objects
from nova.scheduler.filters import numa_topology_filter
from nova.scheduler.filters import pci_passthrough_filter
from oslo_utils.fixture import uuidsentinel as uuids

from opie.preemption import model
from opie.scheduler import host_manager
from opie.scheduler import host_parts
from opie.scheduler.planning import host_filters
from opie.scheduler.planning import planned
from opie.tests.unit.scheduler import test_host_parts

_FILTERS = (
    numa_topology_filter.NUMATopologyFilter,
    pci_passthrough_filter.PciPassthroughFilter,
)
_CANDIDATE = planned.candidate(
    'provider', model.Request(('preemptor',), {'PCPU': 4})
)


class PartsCase(test_host_parts.StateCase):
    def setUp(self):
        super().setUp()
        self.state.uuid, self.state.service = 'provider', {}
        self.manager = host_manager.HostManager.__new__(
            host_manager.HostManager
        )
        self.manager.enabled_filters = [one() for one in _FILTERS]

    def spec(self, cpus=0, devices=0, **members):
        spec = test_host_parts._spec(
            test_host_parts._asked(cpus) if cpus else None, devices
        )
        spec.image = objects.ImageMeta(properties=objects.ImageMetaProps())
        spec.instance_uuid = uuids.PREEMPTOR
        for name in (
            'ignore_hosts',
            'force_hosts',
            'force_nodes',
            'requested_destination',
        ):
            setattr(spec, name, members.get(name))
        return spec


class WhyUnfitTest(PartsCase):
    def why_unfit(self, spec):
        up = types.SimpleNamespace(service_is_up=lambda service: True)
        found = host_filters.why_unfit(
            types.SimpleNamespace(host_manager=self.manager, servicegroup=up),
            spec,
            {'provider': self.state},
            lambda uuid: [_CANDIDATE],
            lambda uuid: self.state.without(['a', 'b', 'c']),
            lambda uuid: self.state.without(()),
        )
        self.assertUnchanged()
        return found.get('provider')

    def test_a_host_may_pass_whose_victims_have_what_is_asked_for(self):
        for asked in ((4, 0), (0, 2), (4, 2)):
            self.assertIsNone(self.why_unfit(self.spec(*asked)))

    def test_a_host_is_refused_that_has_too_little_without_them(self):
        for cpus, devices, reason in (
            (5, 0, 'NUMATopologyFilter'),
            (0, 3, 'PciPassthroughFilter'),
        ):
            self.assertEqual(reason, self.why_unfit(self.spec(cpus, devices)))

    def test_what_was_not_read_of_cells_may_be_free(self):
        self.state.parts = host_parts.HostParts(None)
        self.assertIsNone(self.why_unfit(self.spec(4)))
        self.assertEqual('NUMATopologyFilter', self.why_unfit(self.spec(5)))

    def test_servers_without_a_device_free_none(self):
        self.state.parts = host_parts.HostParts(
            None, [test_host_parts._device('normal')]
        )
        self.assertEqual(
            'PciPassthroughFilter', self.why_unfit(self.spec(0, 1))
        )


class AskedByComputeTest(PartsCase):
    """The compute checks what filters may not have been asked."""

    def why_filtered(self, spec, *gone):
        state = self.state.without(gone)
        state.allocation_candidates = [_CANDIDATE]
        return self.manager.why_filtered(state, spec)

    def test_filters_that_are_not_enabled(self):
        self.manager.enabled_filters = []
        self.check()

    def test_a_host_that_is_forced(self):
        self.check(force_hosts=['host'])

    def test_filters_that_are_enabled(self):
        self.check()

    def check(self, **members):
        for cpus, devices, reason in (
            (4, 0, 'NUMATopologyFilter'),
            (0, 2, 'PciPassthroughFilter'),
        ):
            spec = self.spec(cpus, devices, **members)
            self.assertEqual(reason, self.why_filtered(spec, 'b'))
            self.assertIsNone(self.why_filtered(spec, 'a', 'b'))

    def test_a_host_that_tells_of_no_cells_may_take_what_asks_for_them(self):
        self.manager.enabled_filters = []
        self.state.numa_topology = None
        self.assertIsNone(self.why_filtered(self.spec(4)))


class MayAskTest(PartsCase):
    """Only what asks for parts, or an operator's filter, costs a query."""

    def test_it(self):
        may_ask = self.manager.may_ask_about_parts
        self.assertFalse(may_ask(self.spec()))
        self.assertTrue(may_ask(self.spec(4)))
        self.assertTrue(may_ask(self.spec(0, 1)))
        self.manager.enabled_filters.append(object())
        self.assertTrue(may_ask(self.spec()))
