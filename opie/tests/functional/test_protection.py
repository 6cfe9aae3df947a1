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

"""A server is protected for a while from its first launch on."""

import datetime

from nova import context as nova_context
from nova.db.main import api as main_db
from nova.db.main import models as main_models
from oslo_utils import timeutils

from opie.tests.functional import base

_HOUR_SECONDS = 3600


@main_db.pick_context_manager_writer
def _set_created_at(context, uuid, moment):
    server = main_models.Instance
    query = context.session.query(server).filter(server.uuid == uuid)
    query.update({'created_at': moment})


@main_db.pick_context_manager_writer
def _set_built_at(context, uuid, moment):
    action, event = main_models.InstanceAction, main_models.InstanceActionEvent
    (create,) = (
        context.session.query(action)
        .filter(action.instance_uuid == uuid, action.action == 'create')
        .all()
    )
    events = context.session.query(event).filter(event.action_id == create.id)
    events.update({'finish_time': moment})


class ProtectionTest(base.CloudTestCase):
    def setUp(self):
        super().setUp()
        self.server = self.boot_preemptible(10, 'host1')
        self.boot(10, 'host2')
        self.flags(
            min_runtime_seconds=_HOUR_SECONDS,
            min_runtime_strict=True,
            group='opie',
        )

    def write(self, setter, hours):
        """Write a time of the server's, which is so many hours ago."""
        moment = timeutils.utcnow() - datetime.timedelta(hours=hours)
        with nova_context.target_cell(
            nova_context.get_admin_context(),
            self._mapping(self.server).cell_mapping,
        ) as context:
            setter(context, self.server['id'], moment)

    def was_built(self, hours):
        """Let the server have been built so many hours ago."""
        self.write(_set_created_at, hours)
        self.write(_set_built_at, hours)

    def assertIsEvicted(self):
        preemptor = self.boot(10)
        self.assertGone(self.server)
        self.assertUntouched(preemptor)

    def assertIsProtected(self):
        self.assertNoValidHost(self.boot(10, state='ERROR'))
        self.assertUntouched(self.server)

    def test_no_user_renews_the_protection_of_a_server(self):
        self.was_built(10)
        for action, state in (('rescue', 'RESCUE'), ('unrescue', 'ACTIVE')):
            self.api.post_server_action(self.server['id'], {action: None})
            self._wait_for_state_change(self.server, state)
        launched_at = self.instance(self.server).launched_at
        self.assertFalse(timeutils.is_older_than(launched_at, _HOUR_SECONDS))
        self.assertIsEvicted()

    def test_a_server_that_waited_long_for_its_build_is_protected(self):
        self.write(_set_created_at, 10)
        self.assertIsProtected()
        self.was_built(10)
        self.has_run(self.server, 10 * _HOUR_SECONDS)
        self.assertIsEvicted()
