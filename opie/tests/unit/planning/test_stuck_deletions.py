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

"""Which hosts do not delete what they were asked to."""

import time

import fixtures
import nova.conf
from nova.tests import fixtures as nova_fixtures
import testtools

import opie.conf
from opie.scheduler.planning import protection
from opie.scheduler.planning import stuck_deletions
from opie.tests.unit.planning import test_protection

CONF = nova.conf.CONF
opie.conf.register_opts(CONF)

_NOW = 1e9


def _asked(seconds_ago, uuid='server', **values):
    """Return a server whose deletion was asked for so long ago."""
    values = {'task_state': 'deleting', **values}
    return test_protection.server(
        uuid=uuid, asked_to_delete_at=_NOW - seconds_ago, **values
    )


class StuckDeletionsTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(nova_fixtures.ConfFixture(CONF))
        self.log = self.useFixture(fixtures.FakeLogger())
        self.useFixture(fixtures.MockPatchObject(time, 'time', lambda: _NOW))
        self.stuck = stuck_deletions.StuckDeletions()

    def test_a_host_has_its_time(self):
        self.assertEqual(set(), self.stuck.hosts([_asked(29)]))
        self.assertEqual('', self.log.output)

    def test_then_it_is_left_alone(self):
        self.assertEqual({'host1'}, self.stuck.hosts([_asked(30)]))

    def test_the_time_is_the_operators(self):
        CONF.set_override('stuck_deletion_seconds', 300, 'opie')
        self.assertEqual(set(), self.stuck.hosts([_asked(299)]))
        self.assertEqual({'host1'}, self.stuck.hosts([_asked(300)]))

    def test_a_deletion_that_has_failed_is_not_stuck(self):
        server = _asked(600, vm_state='error', task_state=None)
        self.assertEqual(set(), self.stuck.hosts([server]))

    def test_each_victim_is_told_of_once(self):
        for _ in range(3):
            self.stuck.hosts([_asked(40), _asked(50, 'other', host='host2')])
        lines = self.log.output.splitlines()
        self.assertEqual(2, len(lines), lines)
        self.assertIn('host2 has not deleted other', lines[0])

    def test_one_that_is_stuck_again_is_told_of_again(self):
        for servers in ([_asked(40)], [], [_asked(40)]):
            self.stuck.hosts(servers)
        self.assertEqual(2, len(self.log.output.splitlines()))


class ClosedHostTest(testtools.TestCase):
    def test_no_server_of_it_is_a_potential_victim(self):
        server = test_protection.server()
        closed = protection.Protection(stuck_hosts=frozenset(['host1']))
        self.assertEqual((), closed.potential_victims('host1', [server]))
        self.assertIn('stuck_deletion_seconds', closed.why_protected('host1'))
        self.assertIsNone(closed.why_protected('host2'))
