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

"""No server is evicted while deletions fail everywhere."""

import time

import fixtures
import nova.conf
from nova.tests import fixtures as nova_fixtures
import testtools

import opie.conf
from opie.scheduler.planning import failing_deletions
from opie.tests.unit.planning import test_protection

CONF = nova.conf.CONF
opie.conf.register_opts(CONF)

_NOW = 1e9


def _failed(host, seconds_ago=10, **values):
    """Return a victim that nova has failed to delete on a host."""
    return test_protection.server(
        **{
            'uuid': 'victim on ' + host,
            'host': host,
            'vm_state': 'error',
            'asked_to_delete_at': _NOW - seconds_ago,
            **values,
        }
    )


class FailingDeletionsTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(nova_fixtures.ConfFixture(CONF))
        self.log = self.useFixture(
            fixtures.FakeLogger(format='%(levelname)s %(message)s')
        )
        self.useFixture(fixtures.MockPatchObject(time, 'time', lambda: _NOW))
        self.failing = failing_deletions.FailingDeletions()

    def why_not(self, *servers):
        return self.failing.why_not(servers)

    def test_a_few_hosts_have_faults_of_their_own(self):
        self.assertIsNone(self.why_not(_failed('a'), _failed('b')))

    def test_several_victims_of_one_host_are_one_fault(self):
        victims = [_failed('a', uuid=uuid) for uuid in 'vwxy']
        self.assertIsNone(self.why_not(*victims))

    def test_on_several_hosts_it_is_no_fault_of_theirs(self):
        reason = self.why_not(*map(_failed, 'abc'))
        self.assertIn('on 3 hosts within 5 minutes', reason)
        self.assertIn('[opie] failed_deletions_hosts', reason)

    def test_what_failed_long_ago_does_not_count(self):
        self.assertIsNone(
            self.why_not(_failed('a'), _failed('b'), _failed('c', 300))
        )

    def test_nor_does_what_goes_after_all(self):
        leaving = _failed('c', task_state='deleting')
        self.assertIsNone(self.why_not(_failed('a'), _failed('b'), leaving))

    def test_nor_does_what_runs_again(self):
        running = _failed('c', vm_state='active', asked_to_delete_at=None)
        self.assertIsNone(self.why_not(_failed('a'), _failed('b'), running))

    def test_the_number_is_the_operators(self):
        CONF.set_override('failed_deletions_hosts', 1, 'opie')
        self.assertIsNotNone(self.why_not(_failed('a')))
        CONF.set_override('failed_deletions_hosts', 0, 'opie')
        self.assertIsNone(self.why_not(*map(_failed, 'abcdef')))

    def test_the_log_tells_it_once_and_how_it_ends(self):
        for _ in range(3):
            self.why_not(*map(_failed, 'abc'))
        (line,) = self.log.output.splitlines()
        self.assertTrue(line.startswith('ERROR '), line)
        self.assertIn('victim on b on b', line)
        self.assertIn('Evictions go on by themselves', line)

    def test_and_that_it_has_ended(self):
        self.why_not(*map(_failed, 'abc'))
        self.why_not()
        self.why_not()
        _, line = self.log.output.splitlines()
        self.assertEqual('INFO Servers may be evicted again.', line)
