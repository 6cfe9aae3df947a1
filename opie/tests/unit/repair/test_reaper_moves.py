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

"""Repairs for servers that were to move when their scheduler died."""

import fixtures
from oslo_utils.fixture import uuidsentinel as uuids

from opie.conf import operations
from opie.scheduler.nova_db import ended_migrations
from opie.scheduler.nova_db import instances
from opie.scheduler.nova_db import moves
from opie.scheduler.repair import findings
from opie.scheduler.repair import reaper
from opie.tests.unit.claims import cloud

EVACUATE = moves.Move(operations.EVACUATE, uuids.migration)
RESIZE = moves.Move(operations.RESIZE, uuids.migration)
UNSHELVE = moves.Move(operations.UNSHELVE)


class RepairMovesTest(cloud.CloudTestCase):
    """A server of 4 on one host has taken 6 of a victim on another one."""

    def setUp(self):
        super().setUp()
        self.record, self.deleted = None, set()
        for owner, name, stand_in_for in (
            (moves, 'record', lambda *_: self.record),
            (instances, 'deleted_servers', self._deleted_of),
            (instances, 'being_deleted', lambda *_: set()),
            (instances, 'ending', lambda *_: set()),
            (ended_migrations, 'among', lambda *_: set()),
            (instances, 'wait_until_gone', lambda _: None),
        ):
            self.useFixture(
                fixtures.MockPatchObject(owner, name, stand_in_for)
            )
        self.host('old', VCPU=10)
        self.host('host', VCPU=10)
        self.server('victim', 'host', VCPU=10)

    def _deleted_of(self, context, some):
        return self.deleted & set(some)

    def have(self, move):
        holder = 'migration' if move is RESIZE else 'new'
        if move is not UNSHELVE:
            self.server(holder, 'old', VCPU=4)
        plan = self.plan({'new': 'host'}, {'victim': {'new': {'VCPU': 6}}})
        self.make(self.claim(plan, move=move, VCPU=6))

    def repair(self, *record, seconds=findings.MARGIN_SECONDS + 1):
        """Have a reaper come so long after the deadline.

        :param record: of nova, none where the server is gone.
        """
        self.record = moves.Record(*record) if record else None
        now = cloud.DEADLINE + seconds
        with fixtures.MonkeyPatch('time.time', lambda: now):
            one = reaper.Reaper(self.client, servicegroup=None)
            one.repair(one.in_flight())

    def assertUndone(self, **held):
        self.assertNoJournal()
        self.assertEqual({'host': {'VCPU': 10}}, self.held('victim'))
        for name in ('new', 'migration'):
            self.assertEqual(held.get(name, {}), self.held(name), name)

    def test_an_evacuation_that_was_given_up_keeps_the_old_place(self):
        self.have(EVACUATE)
        self.repair('error', None, uuids.old, 'error', None)
        self.assertUndone(new={'old': {'VCPU': 4}})

    def test_while_its_conductor_may_be_slow_it_keeps_both(self):
        self.have(EVACUATE)
        waits = 'active', 'rebuilding', uuids.old, 'accepted', None
        self.repair(*waits)
        both = {'old': {'VCPU': 4}, 'host': {'VCPU': 6}}
        self.assertEqual(both, self.held('new'))
        more = cloud.CONF.long_rpc_timeout
        self.repair(*waits, seconds=findings.MARGIN_SECONDS + more + 1)
        self.assertUndone(new={'old': {'VCPU': 4}})

    def test_an_unshelving_that_was_given_up_holds_nothing(self):
        self.have(UNSHELVE)
        self.repair('shelved_offloaded', None, None, None, None)
        self.assertUndone()

    def test_a_resize_that_nova_has_rolled_back_is_left_alone(self):
        self.have(RESIZE)
        self.delete_server('migration')
        self.server('new', 'old', VCPU=4)
        self.repair('active', None, uuids.old, 'error', None)
        self.assertUndone(new={'old': {'VCPU': 4}})

    def test_one_that_nova_has_not_rolled_back_loses_its_claim_alone(self):
        self.have(RESIZE)
        self.repair('active', 'resize_prep', uuids.old, 'error', None)
        self.assertUndone(migration={'old': {'VCPU': 4}})

    def test_a_resize_that_is_done_keeps_both(self):
        self.have(RESIZE)
        self.delete_server('victim')
        self.repair('resized', None, uuids.host, 'finished', 'host', seconds=0)
        self.assertNoJournal()
        self.assertEqual({'host': {'VCPU': 6}}, self.held('new'))
        self.assertEqual({'old': {'VCPU': 4}}, self.held('migration'))

    def test_what_a_server_holds_that_was_deleted_meanwhile_is_freed(self):
        self.have(RESIZE)
        self.deleted.add(uuids.new)
        self.repair()
        self.assertUndone()
