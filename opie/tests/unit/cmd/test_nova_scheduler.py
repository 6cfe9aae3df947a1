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


"""``opie-nova-scheduler`` starts nova's scheduler service."""

import sys
from unittest import mock

from opie.tests.unit.cmd import base  # isort: skip

from nova.scheduler import host_manager as nova_host_manager
import testtools

from opie.cmd import nova_scheduler
from opie.conf import checks
from opie.scheduler import host_manager
from opie.tests.unit.preemption import builders


@builders.scenarios(
    {
        'a path keeps its directory': (
            '/usr/bin/opie-nova-scheduler',
            '/usr/bin/nova-scheduler',
        ),
        'a bare name stays bare': ('opie-nova-scheduler', 'nova-scheduler'),
        'a module that is run': (
            '/lib/opie/cmd/nova_scheduler.py',
            '/lib/opie/cmd/nova-scheduler',
        ),
    }
)
class TestServedAs(testtools.TestCase):
    def check(self, path, expected):
        self.assertEqual(expected, nova_scheduler.as_nova_scheduler(path))


class TestMain(base.CommandTestCase):
    def setUp(self):
        super().setUp()
        arguments = ['/usr/bin/opie-nova-scheduler', '--debug']
        self.patch(mock.patch.object(sys, 'argv', arguments))
        self.parse_args = self.patch(
            mock.patch('nova.config.parse_args', autospec=True)
        )
        self.novas_main = self.patch(
            mock.patch('nova.cmd.scheduler.main', autospec=True)
        )

    def test_nova_reads_its_files_by_its_own_name(self):
        nova_scheduler.main()
        self.parse_args.assert_called_once_with(
            ['/usr/bin/nova-scheduler', '--debug'],
            configure_db=False,
            init_rpc=False,
        )

    def test_nova_is_started_with_the_classes_in_place(self):
        def check():
            self.assertIs(
                host_manager.HostManager, nova_host_manager.HostManager
            )

        self.novas_main.side_effect = check
        nova_scheduler.main()
        self.novas_main.assert_called_once_with()

    def test_nova_is_not_started_with_a_class_that_cannot_be_used(self):
        self.config.config(scheduler_driver='opie_test_absent.Driver')
        error = self.assertRaises(SystemExit, nova_scheduler.main)
        self.assertIn('opie-nova-scheduler: [DEFAULT]', error.code)
        self.novas_main.assert_not_called()

    def test_options_that_cannot_work_are_said_without_a_traceback(self):
        self.novas_main.side_effect = checks.ConfigError('too long')
        error = self.assertRaises(SystemExit, nova_scheduler.main)
        self.assertEqual('opie-nova-scheduler: too long', error.code)
