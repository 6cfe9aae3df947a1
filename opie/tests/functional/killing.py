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

"""A cloud whose scheduler can be killed in the middle of a preemption."""

import fixtures

from opie.scheduler import filter_scheduler
from opie.scheduler.repair import findings
from opie.tests.functional import base
from opie.tests.interruptions import killer


class KillingTestCase(base.CloudTestCase):
    def setUp(self):
        super().setUp()
        self.wrap(
            filter_scheduler.FilterScheduler,
            'select_destinations',
            self._end_when_killed,
        )

    def _end_when_killed(self, real, *args, **kwargs):
        """Let the conductor see an error, as when it gets no answer."""
        try:
            return real(*args, **kwargs)
        except killer.Killed as exc:
            raise RuntimeError('killed at %s' % exc) from exc

    def kill_at(self, owner, name, call_first=False, number=1):
        """Kill the scheduler at one call of a method.

        :param call_first: whether it is killed after the call.
        :param number: of the call, from 1.
        """
        self.wrap(owner, name, _killer(name, call_first, number))

    def killed_at(self, owner, name):
        """Kill as :meth:`kill_at` does, within the returned context."""
        return self.wrapped(owner, name, _killer(name))

    def let_time_pass(self):
        """Let every deadline be long over."""
        self.useFixture(
            fixtures.MockPatchObject(findings, 'MARGIN_SECONDS', -10_000)
        )


class TwoVictimsTestCase(KillingTestCase):
    """One host, full of two preemptible servers."""

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.victims = [self.boot_preemptible(5) for _ in range(2)]

    def boot_in_vain(self, vcpu=10):
        preemptor = self.boot(vcpu, state='ERROR')
        self.assertIsNone(self.host_of(preemptor))
        return preemptor

    def reap_late(self):
        """Let the reaper have a turn in time, and when all time is over."""
        self.reap()
        before = [item['name'] for item in self.journal_providers()]
        self.assertEqual(1, len(before))
        self.let_time_pass()
        self.reap()

    def assertUndone(self, preemptor, *victims):
        self.assertEqual([], self.journal_providers())
        self.assertEqual({}, self.allocations(preemptor))
        self.assertUntouched(*victims)
        self.assertEqual(5 * len(victims), self.used_vcpus('host1'))
        self.audit()
        self.assertEqual(5 * len(victims), self.used_vcpus('host1'))

    def wait_for_survivors(self, number):
        """Wait until so many victims are left, and return them."""

        def survivors():
            return [one for one in self.victims if self.is_alive(one)]

        self._wait_for_assert(
            lambda: self.assertEqual(number, len(survivors()))
        )
        return survivors()


def _killer(name, call_first=False, number=1):
    calls = []

    def call(real, *args, **kwargs):
        calls.append(args)
        if len(calls) != number:
            return real(*args, **kwargs)
        if call_first:
            real(*args, **kwargs)
        raise killer.Killed(name)

    return call
