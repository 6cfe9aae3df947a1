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

"""Requests for NUMA cells get those of exactly the right servers."""

from testtools import testcase

from opie.scheduler.preempting import alternates
from opie.tests.functional import base
from opie.tests.functional import libvirt_cloud


class PinnedTest(libvirt_cloud.LibvirtCloud):
    """Each of two NUMA cells has four CPUs, all of them dedicated."""

    dedicated_cpus = '0-7'

    def pinned(self, vcpu, **policies):
        specs = {'hw:cpu_policy': 'dedicated'}
        specs.update(
            ('hw:' + name, policy) for name, policy in policies.items()
        )
        return self.flavor(vcpu, extra_specs=specs)

    def boot_four(self):
        """Boot four servers; the first two cost least, on different cells."""
        # nova fills the cells in turns.
        small = self.pinned(2)
        servers = [self.boot_preemptible(flavor=small) for _ in range(4)]
        self.assertEqual([[0], [1]] * 2, list(map(self.cells_of, servers)))
        self.has_run_hours(*zip(servers, (1, 2, 10, 5), strict=True))
        return servers

    @testcase.attr('smoke')
    def test_the_cheapest_pair_goes_that_frees_one_cell(self):
        servers = self.boot_four()
        wanted = []
        self.wrap(
            alternates,
            'find',
            lambda real, manager, context, attempt: (
                wanted.append(attempt.shot.spec.numa_topology)
                or real(manager, context, attempt)
            ),
        )
        preemptor = self.boot(flavor=self.pinned(4))
        self.assertEqual([1], self.cells_of(preemptor))
        # The alternates have to have room for it, too.
        self.assertEqual(4, len(wanted[0].cells[0].pcpuset))
        self.assertGone(servers[1], servers[3])
        self.assertEqual(
            {'PCPU': 4, 'MEMORY_MB': 400, 'DISK_GB': 1}, self.held(preemptor)
        )
        for server in (servers[0], servers[2]):
            self.assertEqual(2, self.held(server)['PCPU'])
        self.audit()
        self.assertEqual([[0, 1, 2, 3], [4, 5, 6, 7]], self.pinned_cpus())
        self.assertNoJournal()

    def test_emulator_threads_have_a_cpu_of_their_own(self):
        servers = self.boot_four()
        preemptor = self.boot(
            flavor=self.pinned(3, emulator_threads_policy='isolate')
        )
        self.assertEqual([1], self.cells_of(preemptor))
        self.assertGone(servers[1], servers[3])
        self.assertEqual(4, self.held(preemptor)['PCPU'])

    def test_no_server_goes_for_more_cells_than_there_are(self):
        servers = self.boot_four()
        flavor = self.pinned(3, numa_nodes='3')
        for host in (None, 'host1'):
            self.assertNoValidHost(
                self.boot(host=host, flavor=flavor, state='ERROR')
            )
        for line in self.logged('No room is made for'):
            self.assertIn('NUMATopologyFilter', line)
        for server in servers:
            self.assertTrue(self.is_alive(server))
            self.assertEqual(2, self.held(server)['PCPU'])

    def test_two_preemptors_get_a_cell_each(self):
        servers = self.boot_four()
        self.boot(flavor=self.pinned(4), state=None, min_count=2, max_count=2)
        self._wait_for_assert(lambda: self.assertGone(*servers))
        preemptors = self.api.get_servers()
        self.assertEqual(
            [[0], [1]],
            sorted(
                self.cells_of(self._wait_for_state_change(one, 'ACTIVE'))
                for one in preemptors
            ),
        )

    def test_a_pending_preemptor_counts_with_its_cell(self):
        servers = self.boot_four()
        begun, release = self.hold_deletions()
        flavor = self.pinned(4)
        first = self.boot(flavor=flavor, state=None)
        self.assertTrue(begun.wait(base.WAIT_SECONDS))
        # Its victims are still there, and so is their cell's usage.
        second = self.boot(flavor=flavor, state=None)
        self._wait_for_assert(
            lambda: self.assertEqual(2, len(self.journal_providers()))
        )
        release.set()
        cells = [
            self.cells_of(self._wait_for_state_change(one, 'ACTIVE'))
            for one in (first, second)
        ]
        self.assertEqual([[0], [1]], sorted(cells))
        self.assertGone(*servers)

    def test_an_unshelved_server_gets_a_cell_again(self):
        server = self.boot(flavor=self.pinned(4))
        self.patch(self.hypervisor, 'snapshot', lambda *args: None)
        self._shelve_server(server)
        servers = self.boot_four()
        self.api.post_server_action(server['id'], {'unshelve': None})
        self._wait_for_state_change(server, 'ACTIVE')
        self.assertGone(servers[1], servers[3])
        self.assertEqual([1], self.cells_of(server))
        self.assertEqual(4, self.held(server)['PCPU'])


class MixedTest(libvirt_cloud.LibvirtCloud):
    """Half of the CPUs of each cell are dedicated."""

    shared_cpus = '0-1,4-5'
    dedicated_cpus = '2-3,6-7'

    def mixed(self):
        """Return a flavor of one shared and two dedicated CPUs."""
        return self.flavor(
            3,
            extra_specs={
                'hw:cpu_policy': 'mixed',
                'hw:cpu_dedicated_mask': '^0',
            },
        )

    def test_a_plain_request_takes_the_place_of_one_with_both(self):
        flavor = self.mixed()
        stays, goes = [self.boot_preemptible(flavor=flavor) for _ in 'ab']
        normal = self.boot(2)
        self.has_run_hours((stays, 5), (goes, 2))
        preemptor = self.boot(1)
        self.assertGone(goes)
        self.assertUntouched(normal, preemptor)
        self.assertEqual(2, self.held(stays)['PCPU'])

    def test_a_server_with_both_sorts_of_cpus_gives_both(self):
        flavor = self.mixed()
        stays, goes = [self.boot_preemptible(flavor=flavor) for _ in 'ab']
        plain = self.boot_preemptible(1)
        self.has_run_hours((stays, 5), (goes, 2), (plain, 1))
        preemptor = self.boot(flavor=flavor)
        self.assertGone(goes)
        self.assertTrue(self.is_alive(stays) and self.is_alive(plain))
        self.assertEqual(
            {'VCPU': 1, 'PCPU': 2, 'MEMORY_MB': 300, 'DISK_GB': 1},
            self.held(preemptor),
        )

    def test_emulator_threads_share_cpus(self):
        flavor = self.flavor(
            2,
            extra_specs={
                'hw:cpu_policy': 'dedicated',
                'hw:emulator_threads_policy': 'share',
            },
        )
        stays, goes = [self.boot_preemptible(flavor=flavor) for _ in 'ab']
        self.has_run_hours((stays, 5), (goes, 2))
        preemptor = self.boot(flavor=flavor)
        self.assertGone(goes)
        self.assertEqual(2, self.held(stays)['PCPU'])
        self.assertEqual([1], self.cells_of(preemptor))


class HugePagesTest(libvirt_cloud.LibvirtCloud):
    """One of two NUMA cells has huge pages, of 1 GiB together."""

    huge_pages = (0, 512)

    def with_pages(self, memory_mb):
        return self.flavor(
            1, memory_mb, extra_specs={'hw:mem_page_size': 'large'}
        )

    def test_the_server_goes_that_has_the_pages(self):
        half = self.with_pages(512)
        stays, goes = [self.boot_preemptible(flavor=half) for _ in 'ab']
        plain = self.boot_preemptible(1, destination='host1')
        self.has_run_hours((stays, 5), (goes, 2), (plain, 1))
        preemptor = self.boot(flavor=half)
        self.assertGone(goes)
        self.assertUntouched(stays, plain, preemptor)
        self.assertEqual([1], self.cells_of(preemptor))
