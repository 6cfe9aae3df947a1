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

"""A request looks once more at who is where, before its first eviction.

What it looks for has come since its plan was made.
"""

import threading

from nova.compute import manager as compute_manager
from testtools import testcase

from opie.scheduler.preempting import eviction
from opie.tests.functional import base
from opie.tests.functional import meanwhile
from opie.tests.functional import test_pending
from opie.tests.functional import two_schedulers


class RivalsTest(
    meanwhile.MeanwhileMixin,
    two_schedulers.TwoSchedulersMixin,
    test_pending.PendingCase,
):
    """Two schedulers each plan for a companion of the other's request.

    The plans have other victims on the same host, or on another host.
    """

    def setUp(self):
        super().setUp()
        self.fill_of_two_sizes()
        self.start_second_scheduler()
        self.let_both_plan_before_one_claims()
        barrier = threading.Barrier(2)
        calls = []

        def meet(real, *args):
            calls.append(args)
            if len(calls) <= barrier.parties:
                barrier.wait(base.WAIT_SECONDS)
            return real(*args)

        # Both have claimed before one looks.
        self.wrap(eviction.Eviction, 'run', meet)

    def fill_of_two_sizes(self):
        self.flags(min_runtime_seconds=1500, group='opie')
        cheap = [self.boot_preemptible(vcpu, 'host1') for vcpu in (3, 7)]
        self.boot_preemptible(3, 'host2')
        self.boot_preemptible(7, 'host2')
        for server in cheap:
            self.has_run(server, 3000)

    def boot_both(self, group):
        """Boot a small and a large server at the same moment."""
        servers = [self.boot(vcpu, hints=group, state=None) for vcpu in (3, 7)]
        for server in servers:
            self._wait_for_state_change(server, 'ACTIVE')
        return [self.host_of(server) for server in servers]

    def assertOneWithdrew(self):
        (line,) = self.logged('is void')
        self.assertIn('came meanwhile', line)
        self.assertFalse(self.logged('Wasted'))
        self.assertSound()

    def test_of_two_members_that_keep_apart_one_withdraws(self):
        hosts = self.boot_both(self.group('anti-affinity'))
        self.assertEqual(['host1', 'host2'], sorted(hosts))
        self.assertEqual(2, len(self.logged('Evicting')))
        self.assertOneWithdrew()

    def test_one_does_where_computes_do_not_ask(self):
        self.flags(disable_group_policy_check_upcall=True, group='workarounds')
        hosts = self.boot_both(self.group('anti-affinity'))
        self.assertEqual(['host1', 'host2'], sorted(hosts))
        self.assertOneWithdrew()

    def test_members_that_may_share_a_host_do(self):
        hosts = self.boot_both(
            self.group('anti-affinity', max_server_per_host=2)
        )
        self.assertEqual(['host1', 'host1'], hosts)
        self.assertFalse(self.logged('is void'))

    def test_of_two_members_that_were_parted_one_withdraws(self):
        group = self.group('affinity')
        servers = [
            self.boot(vcpu, hints=group, destination=host, state=None)
            for vcpu, host in ((3, 'host1'), (7, 'host2'))
        ]
        states = sorted(self.end_of(server) for server in servers)
        # The one that withdraws may go to no other host.
        self.assertEqual(['ACTIVE', 'ERROR'], states)
        self.assertEqual(1, len(self.logged('Evicting')))
        self.assertOneWithdrew()


class PlacedMeanwhileTest(
    meanwhile.MeanwhileMixin,
    two_schedulers.TwoSchedulersMixin,
    test_pending.PendingCase,
):
    """nova places a companion after a plan was made."""

    def setUp(self):
        super().setUp()
        self.fill()
        self.release.set()

    def place_meanwhile(self, state='ACTIVE', **kwargs):
        """Let nova place a server on the cheap host before the next claim."""

        def place():
            self.companion = self.boot(
                flavor=self.flavor_for_any_room(),
                destination='host1',
                state=state,
                **kwargs,
            )
            self._wait_for_assert(
                lambda: self.assertTrue(self.allocations(self.companion))
            )

        self.meanwhile(meanwhile.BEFORE_CLAIM, place)

    def assertPlannedAgain(self, preemptor):
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertTrue(self.logged('came meanwhile'))
        self.assertFalse(self.logged('Wasted'))
        self.assertNoJournal()

    @testcase.attr('smoke')
    def test_a_member_on_the_host_is_seen(self):
        group = self.group('anti-affinity')
        self.place_meanwhile(hints=group)
        self.assertPlannedAgain(self.boot(5, hints=group))
        self.assertUntouched(*self.victims['host1'])

    def test_a_member_that_only_placement_knows_is_seen(self):
        group = self.group('anti-affinity')
        go_on = threading.Event()
        self.addCleanup(go_on.set)

        def hold(real, *args, **kwargs):
            go_on.wait(base.WAIT_SECONDS)
            return real(*args, **kwargs)

        self.wrap_once(
            compute_manager.ComputeManager, '_do_build_and_run_instance', hold
        )
        # Of two schedulers that know nothing of one another.
        self.start_second_scheduler()
        self.place_meanwhile(hints=group, state=None)
        preemptor = self.boot(5, hints=group)
        go_on.set()
        self._wait_for_state_change(self.companion, 'ACTIVE')
        self.assertPlannedAgain(preemptor)

    def test_a_member_elsewhere_is_where_its_group_is(self):
        group = self.group('affinity')

        def place():
            self.boot(
                flavor=self.flavor_for_any_room(),
                destination='host2',
                hints=group,
            )

        self.meanwhile(meanwhile.BEFORE_CLAIM, place)
        self.assertPlannedAgain(self.boot(5, hints=group))
