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


"""Hosts with GPUs, each of which has a provider of its own."""

from nova.virt import fake

GPU = 'CUSTOM_GPU'
FAST, SLOW = 'CUSTOM_FAST', 'CUSTOM_SLOW'


class GpusMixin:
    """Gives the hosts GPUs.

    The first one of a host is fast, and the others are slow.

    :cvar gpus: how many each host has.
    """

    gpus = 4

    def setUp(self):
        self.wrap(fake.FakeDriver, 'update_provider_tree', self._report)
        super().setUp()

    def _report(self, real, driver, tree, nodename, *args, **kwargs):
        real(driver, tree, nodename, *args, **kwargs)
        for number in range(self.gpus):
            name = '%s_gpu%d' % (nodename, number)
            if not tree.exists(name):
                tree.new_child(name, nodename)
            tree.update_inventory(
                name, {GPU: {'total': 1, 'max_unit': 1, 'reserved': 0}}
            )
            tree.update_traits(name, [SLOW if number else FAST])

    def gpu_flavor(self, vcpu=1, gpus=1, **extra_specs):
        asked = {'resources%d:%s' % (n, GPU): '1' for n in range(1, gpus + 1)}
        asked['group_policy'] = 'none'
        return self.flavor(vcpu, extra_specs={**asked, **extra_specs})
