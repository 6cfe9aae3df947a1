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

"""``opie-manage preemptible list`` on a cloud."""

import io
import json

from opie.cmd import manage
from opie.tests.functional import base


class PreemptibleListTest(base.CloudTestCase):
    def setUp(self):
        super().setUp()
        self.first = self.boot_preemptible(1, 'host1')
        self.second = self.boot_preemptible(1, 'host2')
        self.normal = self.boot(1)

    def rows(self):
        out = io.StringIO()
        self.assertEqual([], manage.show_preemptible('json', out))
        return {row['server']: row for row in json.loads(out.getvalue())}

    def reason(self, server):
        return self.rows()[server['id']]['reason']

    def test_each_preemptible_server_is_shown(self):
        self.has_run(self.first, 1800)
        rows = self.rows()
        self.assertEqual({self.first['id'], self.second['id']}, rows.keys())
        first = rows[self.first['id']]
        self.assertEqual('host1', first['host'])
        self.assertTrue(first['is_potential_victim'])
        self.assertIsNone(first['reason'])
        self.assertAlmostEqual(1800, first['age_seconds'], delta=60)
        # One victim, and half a billing period.
        self.assertAlmostEqual(1500, first['cost'], delta=50)

    def test_why_one_is_no_potential_victim(self):
        self.add_aggregate('calm', 'host1', **{'opie:evict': 'false'})
        self.assertIn('an aggregate says', self.reason(self.first))
        self.assertIsNone(self.reason(self.second))
        instance = self.instance(self.second)
        instance.task_state = 'powering-off'
        instance.save()
        self.assertEqual('is busy: powering-off', self.reason(self.second))
        instance.task_state = None
        instance.save()
        self.flags(
            min_runtime_seconds=3600, min_runtime_strict=True, group='opie'
        )
        self.assertIn('min_runtime_seconds', self.reason(self.second))
        project = instance.project_id
        self.flags(never_evicted_projects=[project], group='opie')
        self.assertIn('never_evicted_projects', self.reason(self.second))

    def test_the_table_has_a_line_for_each(self):
        out = io.StringIO()
        self.assertEqual([], manage.show_preemptible('table', out))
        for server in (self.first, self.second):
            (line,) = [
                one
                for one in out.getvalue().splitlines()
                if server['id'] in one
            ]
            self.assertIn('(it is one)', line)
