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

"""Services that fail amid a preemption, or amid a repair."""

import collections
import socket
import time

from nova import utils
import nova.conf

from opie.tests.functional import base
from opie.tests.interruptions import faults
from opie.tests.interruptions import invariants
from opie.tests.interruptions import killer
from opie.tests.interruptions import scenarios
from opie.tests.interruptions import wire

CONF = nova.conf.CONF

_SEND = 'SEND terminate_instance'
_MOST_TURNS = 60


class DatabaseTest(faults.FaultsMixin, base.CloudTestCase):
    def test_it_is_gone(self):
        self.fail_in_each_step(
            faults.database_is_gone, faults.is_of_the_database
        )


class BrokerTest(faults.FaultsMixin, base.CloudTestCase):
    def test_it_is_gone(self):
        self.fail_in_each_step(faults.broker_is_gone, faults.is_of_the_broker)


class HalfwayTest(faults.FaultsMixin, base.CloudTestCase):
    """The first of two victims is sent away; from there on something fails."""

    def test_it_is_gone(self):
        for name, fault, is_concerned in (
            (
                'placement',
                lambda call, go: faults.answer(503),
                faults.is_of_placement,
            ),
            ('database', faults.database_is_gone, faults.is_of_the_database),
            ('broker', faults.broker_is_gone, faults.is_of_the_broker),
        ):
            self.fail_halfway(name, fault, is_concerned)
        self.assert_it_preempts()

    def fail_halfway(self, name, fault, is_concerned):
        sent, failed = [], []

        def hear(call, go):
            if call.path[0] != killer.PREEMPTION:
                return go()
            if sent and is_concerned(call):
                failed.append(call)
                return fault(call, go)
            answer = go()
            if call.what == _SEND:
                sent.append(call)
            return answer

        self.disturb(scenarios.Scenario(self), hear)
        self.assertEqual(1, len(sent), name)
        self.assertTrue(failed, name)
        self.assertEqual({'ERROR'}, self.statuses('preemptor'), name)
        self.repair_after('%s, halfway' % name)


class ReaperTest(faults.FaultsMixin, base.CloudTestCase):
    """Each call of the reaper fails once in each way.

    That is one in each turn, of each of the two things that it does.  No
    deletion is repeated while the repair still fails.
    """

    def test_its_calls_fail(self):
        self.done = collections.defaultdict(list)
        scenario = scenarios.Repaired(self)
        scenario.arrange()
        for _ in range(_MOST_TURNS):
            failed = self.fail_one(scenario)
            self.assertEqual([], invariants.over_capacity(self))
            if not failed:
                break
        self.assertEqual({}, failed, 'It does not come to an end.')
        ways = collections.Counter()
        for call, done in self.done.items():
            ways[call[1]] += len(done)
        for what, number in (
            ('POST /allocations', 3),
            ('PUT /resource_providers/*/inventories', 3),
            ('DELETE /resource_providers/*', 3),
            ('UPDATE instances', 1),
            (_SEND, 1),
        ):
            self.assertLessEqual(number, ways[what], (what, ways))
        self.repair()
        self.assert_it_preempts()

    def fail_one(self, scenario):
        """Have a turn of the reaper, and return the calls that failed."""
        failed = {}

        def hear(call, go):
            part = call.step == 'the reaper repeats deletions'
            if call.path[0] != killer.REAPER or part in failed:
                return go()
            done = self.done[call.path, call.what]
            ways = ways_of(call)
            if len(done) == len(ways):
                # A deletion that is repeated leaves nothing to repair.
                is_early = call.what == _SEND and failed
                return ways[-1](call, go) if is_early else go()
            way = ways[len(done)]
            done.append(way)
            # A line of the log does without a name, and the turn goes on.
            if 'names.of_hosts' not in call.path:
                failed[part] = call
            return way(call, go)

        wire.listen(hear)
        try:
            scenario.act()
        finally:
            wire.listen(None)
        return failed


def ways_of(call):
    """Return in which ways a call can fail."""
    if faults.is_of_placement(call):
        is_away = (lambda call, go: faults.answer(503),)
        is_write = (faults.conflicts, faults.loses_the_answer)
        return is_away + is_write if call.is_write else is_away
    if faults.is_of_the_database(call):
        return (faults.database_is_gone,)
    return (faults.broker_is_gone,)


class BlockingTest(faults.FaultsMixin, base.CloudTestCase):
    """Where placement was, a socket listens and never says anything."""

    def setUp(self):
        super().setUp()
        # The scheduler has seen to it, where nova would wait for ever.
        self.assertEqual(60, CONF.placement.timeout)
        # NOTE: eventlet closes a socket without references.
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(self.listener.close)
        port = self.listener.getsockname()[1]
        self.flags(
            auth_type='none',
            endpoint_override='http://127.0.0.1:%d' % port,
            timeout=1,
            group='placement',
        )
        # As nova/scheduler/client/report.py has it.
        self.silent = utils.get_sdk_adapter('placement', admin=True)

    def test_a_call_that_blocks(self):
        seconds = []

        def block(call, go):
            began = time.monotonic()
            try:
                self.silent.get('/')
            finally:
                seconds.append(time.monotonic() - began)

        one = scenarios.Scenario(self)
        self.fail_from('claims', one, block, faults.is_of_placement)
        self.assertLess(1, min(seconds), seconds)
        self.assertEqual({'ERROR'}, self.statuses('preemptor'))
        self.assert_it_preempts()
