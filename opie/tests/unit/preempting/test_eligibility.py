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

"""Which requests may preempt, as far as they tell it themselves."""

from nova import objects
import nova.conf
from nova.tests import fixtures as nova_fixtures
from oslo_utils.fixture import uuidsentinel as uuids
import testtools

import opie.conf
from opie.conf import operations
from opie.scheduler import errors
from opie.scheduler.nova_db import moves
from opie.scheduler.preempting import eligibility
from opie.scheduler.preempting import move_checks

CONF = nova.conf.CONF
opie.conf.register_opts(CONF)


def spec(hints=None, extra_specs=None, **fields):
    flavor = objects.Flavor(extra_specs=extra_specs or {})
    return objects.RequestSpec(
        flavor=flavor, scheduler_hints=hints or {}, **fields
    )


def moving(operation):
    server = objects.Instance(uuid=uuids.server, host='old')
    move = moves.Move(operation, uuids.migration)
    cell = objects.CellMapping(uuid=uuids.cell)
    return moves.Moving(move, server, cell)


class MayPreemptTest(testtools.TestCase):
    def check(self, expected, asked, uuids=(uuids.server,), objects=True):
        found = eligibility.may_preempt(asked, uuids, objects)
        self.assertIs(expected, found)

    def test_a_normal_request_may(self):
        self.check(True, spec())

    def test_a_rebuild_never_does(self):
        self.check(False, spec({'_nova_check_type': ['rebuild']}))

    def test_nor_a_preemptible_request(self):
        self.check(False, spec({'preemptible': ['true']}))
        self.check(False, spec(extra_specs={'opie:preemptible': 'true'}))

    def test_nor_one_of_an_old_conductor(self):
        self.check(False, spec(), objects=False)
        self.check(False, spec(), uuids=None)
        self.check(False, {})


class OperationTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(nova_fixtures.ConfFixture(CONF))

    def check(self, operation=None):
        found = eligibility.Preemptors(
            [uuids.server], moving(operation) if operation else None
        )
        eligibility.check_operation(found)

    def assertRefused(self, operation):
        error = self.assertRaises(errors.NoRoomMade, self.check, operation)
        self.assertIn('[opie] preempt_for', str(error))
        self.assertIn(operation or 'boot', str(error))

    def test_by_default_those_preempt_that_would_not_run_otherwise(self):
        self.check()
        self.check(operations.UNSHELVE)
        self.check(operations.EVACUATE)
        for operation in (
            operations.RESIZE,
            operations.COLD_MIGRATE,
            operations.LIVE_MIGRATE,
        ):
            self.assertRefused(operation)

    def test_each_has_its_switch(self):
        CONF.set_override('preempt_for', ['resize'], 'opie')
        self.check(operations.RESIZE)
        self.assertRefused(None)
        self.assertRefused(operations.UNSHELVE)


class NarrowTest(testtools.TestCase):
    def narrow(self, operation, **fields):
        asked = spec(**fields)
        move_checks.narrow(asked, moving(operation))
        return asked

    def test_a_move_stays_in_its_cell(self):
        for destination in (
            None,
            objects.Destination(allow_cross_cell_move=True, cell=None),
        ):
            asked = self.narrow(
                operations.RESIZE,
                ignore_hosts=[],
                requested_destination=destination,
            )
            self.assertFalse(asked.requested_destination.allow_cross_cell_move)
            self.assertEqual(uuids.cell, asked.requested_destination.cell.uuid)
            self.assertEqual([], asked.ignore_hosts)

    def test_a_cold_migration_leaves_its_host(self):
        """By nova's options it may be tried there, and fail."""
        for before in (None, [], ['other']):
            asked = self.narrow(operations.COLD_MIGRATE, ignore_hosts=before)
            self.assertEqual([*(before or ()), 'old'], asked.ignore_hosts)
