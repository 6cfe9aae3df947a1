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
"""The API's filter when it cannot read which servers are preemptible."""

import threading

from nova.scheduler import manager
from oslo_db import exception as db_exc

from opie.api import lookup
from opie.scheduler.nova_db import marks
from opie.tests import waits
from opie.tests.functional.api import base


def fail(real, *args, **kwargs):
    raise db_exc.DBError('down')


class OutagesTest(base.ApiTestCase):
    has_api_filter = True

    def test_answers_come_without_the_member(self):
        server = self.create(preemptible=True)
        self.wrap(lookup, '_mappings', fail)
        self.assertNotIn('preemptible', self.show(server))
        (listed,) = self.list()
        self.assertNotIn('preemptible', listed)
        self.assertEqual(
            2, len(self.logged('without saying what is preemptible'))
        )

    def test_a_list_of_one_kind_is_refused_rather_than_cut_short(self):
        self.create(preemptible=True)
        self.wrap(marks.HintCache, 'marked', fail)
        for path in ('/servers', '/servers/detail'):
            for kind in ('true', 'false'):
                response = self.call('GET', path + '?preemptible=' + kind)
                self.assertEqual(500, response.status_code)

    def test_a_resize_is_refused_rather_than_let_through(self):
        marked = self.flavor(1, extra_specs={'opie:preemptible': 'true'})
        server = self.create(flavorRef=marked)
        self.set_policy(resize_normal='!')
        self.wrap_once(marks, 'read_servers', fail)
        response = self.act(server, 'resize', {'flavorRef': self.flavor_id})
        self.assertRefused(403, 'opie:resize:normal', response)


class BetweenQueriesTest(base.ApiTestCase):
    has_api_filter = True

    def test_a_server_that_gets_its_cell_meanwhile_is_told_of(self):
        go_on = threading.Event()
        self.addCleanup(go_on.set)

        def hold(real, *args, **kwargs):
            go_on.wait(waits.WAIT_SECONDS)
            return real(*args, **kwargs)

        self.wrap(manager.SchedulerManager, 'select_destinations', hold)
        server = self.post(preemptible=True).json()['server']

        def be_late(real, *args, **kwargs):
            go_on.set()
            self.wait_for(server)
            return real(*args, **kwargs)

        self.wrap_once(lookup, '_building', be_late)
        self.assertIs(True, self.show(server)['preemptible'])
