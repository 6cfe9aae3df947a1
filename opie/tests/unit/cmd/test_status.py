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

"""``opie-status`` tells an operator what an upgrade would break."""

import pathlib
from unittest import mock

from opie.tests.unit.cmd import base  # isort: skip

from nova import context as nova_context
from oslo_upgradecheck import upgradecheck

from opie.cmd import status
from opie.cmd import upgrade_checks
from opie.nova_compat import check
from opie.nova_compat import source

Code = upgradecheck.Code


class TestChecks(base.CommandTestCase):
    def setUp(self):
        super().setUp()
        self.patch(mock.patch('builtins.print'))

    def run_checks(self):
        """Return check to (code, details) of all that is not in order."""
        checks = upgrade_checks.Checks()
        found = {
            name: check(checks)
            for name, check in upgrade_checks.Checks._upgrade_checks
        }
        # The worst is the exit status.
        self.assertEqual(
            max(result.code for result in found.values()), checks.check()
        )
        return {
            name: (result.code, result.details)
            for name, result in found.items()
            if result.code != Code.SUCCESS
        }

    def be_release(self, version):
        self.patch(mock.patch.object(check, 'release', lambda: version))

    def test_by_default_all_is_well(self):
        self.assertEqual({}, self.run_checks())

    def test_a_release_that_is_too_old_fails(self):
        self.be_release('30.1.0')
        said = 'nova 30.1.0 is older than 31, the oldest release'
        code, details = self.run_checks()['Release of nova']
        self.assertEqual(Code.FAILURE, code)
        self.assertIn(said, details)

    def test_a_release_that_is_too_new_is_a_warning(self):
        self.be_release('35.0.0.0rc1')
        said = 'nova 35.0.0.0rc1 is newer than 34, the newest release'
        code, details = self.run_checks()['Release of nova']
        self.assertEqual(Code.WARNING, code)
        self.assertIn(said, details)

    def test_what_nova_does_not_have_fails(self):
        self.be_release('34.9.0')
        self.patch(mock.patch.object(nova_context, 'CELL_TIMEOUT'))
        del nova_context.CELL_TIMEOUT
        self.assertEqual(
            {
                'Symbols of nova': (
                    Code.FAILURE,
                    'nova 34.9.0 has no nova.context.CELL_TIMEOUT, which opie '
                    'needs to read cells.',
                )
            },
            self.run_checks(),
        )

    def test_without_its_source_opie_is_checked_as_far_as_that_goes(self):
        self.patch(mock.patch.object(source, '_HOME', pathlib.Path('/no')))
        source.uses.cache_clear()
        self.addCleanup(source.uses.cache_clear)
        code, details = self.run_checks()['Symbols of nova']
        self.assertEqual(Code.WARNING, code)
        self.assertIn('no source of opie in /no', details)

    def test_a_class_that_cannot_be_used_fails(self):
        self.config.config(scheduler_driver='opie_test_absent.Driver')
        code, details = self.run_checks()['Classes of the scheduler']
        self.assertEqual(Code.FAILURE, code)
        self.assertIn("scheduler_driver = 'opie_test_absent.Driver'", details)

    def test_classes_of_nova_are_a_warning(self):
        self.config.config(
            scheduler_driver='nova.scheduler.manager.SchedulerManager'
        )
        code, details = self.run_checks()['Classes of the scheduler']
        self.assertEqual(Code.WARNING, code)
        self.assertIn('nothing is preempted', details)

    def test_options_that_cannot_work_together_fail(self):
        self.config.config(long_rpc_timeout=1)
        code, details = self.run_checks()['Options that depend on one another']
        self.assertEqual(Code.FAILURE, code)
        self.assertIn('long_rpc_timeout', details)


class TestMain(base.CommandTestCase):
    def test_it_reads_the_files_of_nova(self):
        run = self.patch(mock.patch.object(upgradecheck, 'main'))
        self.assertIs(run.return_value, status.main())
        run.assert_called_once_with(
            base.CONF, project='nova', upgrade_command=mock.ANY
        )
