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

"""The reaper waits for slow conductors and computes."""

import datetime
import threading

import fixtures
from nova import exception
from nova import objects
from nova.compute import rpcapi
from nova.conductor import manager as conductor_manager
from nova.db.main import api as main_db
from oslo_utils import timeutils

from opie.scheduler.repair import findings
from opie.tests.functional import base

# Longer than any deadline and its margin.
_LONG_SECONDS = 1000


class SlowTest(base.CloudTestCase):
    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.victim = self.boot_preemptible(10)

    def test_a_conductor_that_has_not_told_the_cell_yet(self):
        told, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        def hold(real, manager, *args):
            told.set()
            go_on.wait(base.WAIT_SECONDS)
            return real(*args)

        self.wrap_once(
            conductor_manager.ComputeTaskManager,
            '_map_instance_to_cell',
            hold,
        )
        preemptor = self.boot(10, state=None)
        self.assertTrue(told.wait(base.WAIT_SECONDS))
        with fixtures.MockPatchObject(
            findings, 'MARGIN_SECONDS', -_LONG_SECONDS
        ):
            self.reap()
        self.assertHolds(10, preemptor)
        go_on.set()
        self._wait_for_state_change(preemptor, 'ACTIVE')
        self.assertUntouched(preemptor)
        self.assertNoJournal()

    def test_a_deletion_is_repeated_once_for_all_workers(self):
        casts = []
        self.wrap(
            rpcapi.ComputeAPI,
            'terminate_instance',
            lambda real, *args: casts.append(args),
        )
        self.flags(preemption_timeout_seconds=3, group='opie')
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.reap()
        self.assertEqual(1, len(casts))
        instance = self.instance(self.victim)
        long_ago = timeutils.utcnow() - datetime.timedelta(
            seconds=_LONG_SECONDS
        )
        main_db.instance_update(
            instance._context, instance.uuid, {'updated_at': long_ago}
        )
        for _ in range(3):
            self.reap()
        self.assertEqual(2, len(casts))


class AggregatesTest(base.CloudTestCase):
    def test_a_worker_that_starts_knows_the_aggregates_of_now(self):
        """Not those of when the service was started."""
        host_manager = self.scheduler_service.manager.host_manager
        self.scheduler_service.stop()
        aggregate = self.api.post_aggregate({'aggregate': {'name': 'new'}})
        self.assertEqual({}, host_manager.aggs_by_id)
        self.scheduler_service.start()
        self.assertIn(aggregate['id'], host_manager.aggs_by_id)

    def test_it_keeps_the_old_ones_when_the_database_is_away(self):
        """The old aggregates may say that no server is to be evicted."""
        host_manager = self.scheduler_service.manager.host_manager
        aggregate = self.api.post_aggregate({'aggregate': {'name': 'old'}})
        self.scheduler_service.stop()
        self.scheduler_service.start()
        self.scheduler_service.stop()

        def fail(*args):
            raise exception.NovaException('the database is away')

        with fixtures.MockPatchObject(objects.AggregateList, 'get_all', fail):
            self.scheduler_service.start()
        self.assertIn(aggregate['id'], host_manager.aggs_by_id)
