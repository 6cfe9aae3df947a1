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

"""The checks of options that depend on one another."""

import tempfile

import nova.conf
from nova.tests import fixtures as nova_fixtures
from oslo_config import cfg
import testtools

import opie.conf
from opie.conf import checks
from opie.conf import operations

CONF = nova.conf.CONF
opie.conf.register_opts(CONF)


class ChecksTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(nova_fixtures.ConfFixture(CONF))
        # Also registers executor_thread_pool_size.
        checks.check(CONF)
        # Tests of nova have it off.
        self.set(None, periodic_enable=True)
        self.set(None, executor_thread_pool_size=64)
        self.set('scheduler', workers=2)
        self.set('conductor', workers=2)

    def set(self, group, **options):
        for name, value in options.items():
            CONF.set_override(name, value, group)

    def assertRefused(self, *words):
        error = self.assertRaises(checks.ConfigError, checks.check, CONF)
        for word in words:
            self.assertIn(word, str(error))

    def assertWarned(self, *words):
        (warning,) = checks.warnings(CONF)
        for word in words:
            self.assertIn(word, warning)

    def test_the_defaults_are_in_order(self):
        self.assertEqual([], checks.warnings(CONF))

    def test_each_operation_that_preempts_is_one_that_nova_has(self):
        """What is in a file is checked when it is read first."""
        conf = cfg.ConfigOpts()
        with tempfile.NamedTemporaryFile('w', suffix='.conf') as file:
            file.write('[opie]\npreempt_for = boot, evacaute\n')
            file.flush()
            operations.register_opts(conf, 'opie')
            conf(['--config-file', file.name], project='nova')
        error = self.assertRaises(checks.ConfigError, checks.check, conf)
        for word in ('preempt_for', 'evacuate', "'evacaute'", file.name):
            self.assertIn(word, str(error))

    def test_none_or_all_of_them_may_preempt(self):
        for some in ([], list(operations.ALL)):
            self.set('opie', preempt_for=some)
            checks.check(CONF)

    def test_no_wait_outlasts_the_call_of_the_conductor(self):
        self.set(None, long_rpc_timeout=209)
        self.assertRefused(
            'preemption_timeout_seconds (120)', 'long_rpc_timeout (209)'
        )
        self.set(None, long_rpc_timeout=210)
        checks.check(CONF)

    def test_another_host_can_be_tried(self):
        self.set('opie', host_timeout_seconds=120)
        self.assertRefused(
            'host_timeout_seconds (120)', 'preemption_timeout_seconds (120)'
        )
        self.set('opie', host_timeout_seconds=119)
        checks.check(CONF)

    def test_and_so_it_can_where_only_the_time_of_all_is_set(self):
        self.set('opie', preemption_timeout_seconds=1)
        checks.check(CONF)

    def test_ordinary_requests_have_a_thread_left(self):
        self.set('opie', max_concurrent_preemptions=64)
        self.assertRefused(
            'max_concurrent_preemptions (64)', 'executor_thread_pool_size (64)'
        )

    def test_conductors_with_too_few_threads_are_warned_of(self):
        self.set('scheduler', workers=8)
        self.assertWarned('128 preemptions', 'has 128 by')
        self.set('conductor', workers=3)
        self.assertEqual([], checks.warnings(CONF))

    def test_a_rate_for_all_projects_alone_is_warned_of(self):
        self.set('opie', max_preemptions_per_minute=10)
        self.assertWarned('max_preemptions_per_minute_per_project')
        self.set('opie', max_preemptions_per_minute_per_project=5)
        self.assertEqual([], checks.warnings(CONF))

    def test_a_cloud_without_a_reaper_is_warned_of(self):
        self.set(None, periodic_enable=False)
        self.assertWarned('periodic_enable')
