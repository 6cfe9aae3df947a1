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


"""Requests that are spread over the provider trees of hosts: devices."""

import collections

from testtools import testcase

from opie.scheduler.placement import provider_trees
from opie.tests.functional import base
from opie.tests.functional import gpus
from opie.tests.functional import meanwhile


class TreeCase(gpus.GpusMixin, meanwhile.MeanwhileMixin, base.CloudTestCase):
    """Hosts of 10 VCPUs, with four GPUs; each GPU has a provider."""

    def assertUntouched(self, *servers):
        """Assert that servers run and hold what their flavors say."""
        for server in servers:
            now = self.api.get_server(server['id'])
            self.assertEqual('ACTIVE', now['status'])
            self.assertIsNone(now['OS-EXT-STS:task_state'])
            held = collections.Counter()
            for one in self.allocations(server).values():
                held.update(one['resources'])
            flavor = now['flavor']
            asked = [
                name for name in flavor['extra_specs'] if gpus.GPU in name
            ]
            self.assertEqual(
                (flavor['vcpus'], len(asked)), (held['VCPU'], held[gpus.GPU])
            )

    def gpus_of(self, server):
        """Return the names of the GPUs that a server holds."""
        names = {one['uuid']: one['name'] for one in self._get_all_providers()}
        return sorted(
            names[provider][-4:]
            for provider, held in self.allocations(server).items()
            if gpus.GPU in held['resources']
        )


class OneHostTest(TreeCase):
    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        flavor = self.gpu_flavor()
        self.normal = [self.boot(flavor=flavor) for _ in range(3)]
        self.cheap = self.boot_preemptible(1)
        self.victim = self.boot_preemptible(flavor=flavor)
        self.has_run(self.victim, 1800)

    @testcase.attr('smoke')
    def test_the_server_that_has_the_device_goes(self):
        freed = self.gpus_of(self.victim)
        preemptor = self.boot(flavor=self.gpu_flavor())
        self.assertGone(self.victim)
        self.assertEqual(freed, self.gpus_of(preemptor))
        self.assertUntouched(*self.normal, self.cheap)
        self.assertSound()

    def test_so_does_one_that_is_short_of_what_the_root_has(self):
        preemptor = self.boot(flavor=self.gpu_flavor(vcpu=7))
        self.assertGone(self.victim, self.cheap)
        self.assertEqual(1, len(self.gpus_of(preemptor)))
        self.assertSound()

    def test_no_server_goes_for_more_devices_than_would_be_free(self):
        self.assertNoValidHost(
            self.boot(flavor=self.gpu_flavor(gpus=2), state='ERROR')
        )
        self.assertUntouched(*self.normal, self.cheap, self.victim)
        self.assertNoJournal()

    def test_no_server_goes_for_a_trait_that_its_device_lacks(self):
        (freed,) = self.gpus_of(self.victim)
        lacking = gpus.SLOW if freed == 'gpu0' else gpus.FAST
        flavor = self.gpu_flavor(**{'trait1:%s' % lacking: 'required'})
        self.assertNoValidHost(self.boot(flavor=flavor, state='ERROR'))
        self.assertUntouched(*self.normal, self.cheap, self.victim)
        has = gpus.FAST if freed == 'gpu0' else gpus.SLOW
        flavor = self.gpu_flavor(**{'trait1:%s' % has: 'required'})
        self.assertEqual([freed], self.gpus_of(self.boot(flavor=flavor)))
        self.assertGone(self.victim)
        self.assertSound()

    def test_a_class_without_a_group_of_its_own_may_be_anywhere(self):
        flavor = self.flavor(1, extra_specs={'resources:%s' % gpus.GPU: '1'})
        preemptor = self.boot(flavor=flavor)
        self.assertGone(self.victim)
        self.assertEqual(1, len(self.gpus_of(preemptor)))
        self.assertUntouched(*self.normal, self.cheap)
        self.assertSound()

    def test_a_plain_request_takes_of_the_root_alone(self):
        preemptor = self.boot(6)
        self.assertGone(self.cheap)
        self.assertEqual([], self.gpus_of(preemptor))
        self.assertUntouched(*self.normal, self.victim)
        self.assertSound()


class SeveralTest(TreeCase):
    def setUp(self):
        super().setUp()
        flavor = self.gpu_flavor()
        self.victims = [
            self.boot_preemptible(host=host, flavor=flavor)
            for host in self.hosts
            for _ in range(self.gpus)
        ]

    def alive(self):
        return [one for one in self.victims if self.is_alive(one)]

    def test_a_request_for_two_devices_has_them_on_one_host(self):
        preemptor = self.boot(flavor=self.gpu_flavor(gpus=2))
        self.assertEqual(2, len(self.gpus_of(preemptor)))
        left = self.alive()
        self.assertEqual(6, len(left))
        self.assertUntouched(*left)
        self.assertSound()

    def test_trees_of_which_more_must_go_are_not_read_again(self):
        cheap, dear = self.hosts
        for victim in self.victims:
            self.has_run(victim, 600 if self.host_of(victim) == cheap else 900)
        read = []

        def note(real, trees, client, roots, classes):
            read[-1].update(roots)
            return real(trees, client, roots, classes)

        self.wrap(provider_trees.Trees, 'read', note)
        for _ in range(2):
            read.append(set())
            preemptor = self.boot(flavor=self.gpu_flavor(gpus=2))
            self.assertEqual(cheap, self.host_of(preemptor))
        both = {self._get_provider_uuid_by_host(one) for one in self.hosts}
        self.assertEqual(
            [both, {self._get_provider_uuid_by_host(cheap)}], read
        )
        self.assertEqual({dear}, {self.host_of(one) for one in self.alive()})
        self.assertSound()

    def test_several_servers_have_a_device_each(self):
        self.boot(
            flavor=self.gpu_flavor(), name='many', min_count=5, max_count=5
        )
        many = [
            one
            for one in self.api.get_servers()
            if one['name'].startswith('many')
        ]
        for one in many:
            self._wait_for_state_change(one, 'ACTIVE')
            self.assertEqual(1, len(self.gpus_of(one)))
        left = self.alive()
        self.assertEqual(3, len(left))
        self.assertUntouched(*left)
        self.assertSound()


class LeavingTest(TreeCase):
    hosts = ('host1',)
    gpus = 2

    def test_a_device_that_is_about_to_be_free_is_waited_for(self):
        begun, release = self.hold_deletions()
        flavor = self.gpu_flavor()
        deleted = self.boot(flavor=flavor)
        victim = self.boot_preemptible(flavor=flavor)
        self.api.delete_server(deleted['id'])
        self.assertTrue(begun.wait(base.WAIT_SECONDS))
        preemptor = self.boot(flavor=flavor, state=None)
        self._wait_for_assert(
            lambda: self.assertTrue(self.allocations(preemptor))
        )
        release.set()
        self._wait_for_state_change(preemptor, 'ACTIVE')
        self.assertUntouched(preemptor, victim)
        self.assertFalse(self.logged('Evicting '))
        self.assertSound()
