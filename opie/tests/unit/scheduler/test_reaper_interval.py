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

"""The interval between two turns of the scheduler's reaper."""

import time
import types
from unittest import mock

# NOTE: sets up the threading model before anything imports eventlet.
import nova.cmd.scheduler  # isort: skip

import nova.conf
from oslo_config import fixture as config_fixture
import testtools

from opie.scheduler import filter_scheduler
from opie.scheduler.repair import reaper

CONF = nova.conf.CONF


class ReaperIntervalTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.config = self.useFixture(config_fixture.Config(CONF))
        # What the periodic task uses of a scheduler.
        self.scheduler = types.SimpleNamespace(
            _next_reap=0, _reaper=lambda: reaper.Reaper(None, None)
        )

    def turns(self, *moments):
        """Return at which of these monotonic times the reaper runs."""
        ran = []
        for moment in moments:
            with (
                mock.patch.object(time, 'monotonic', return_value=moment),
                mock.patch.object(reaper.Reaper, 'run') as run,
            ):
                filter_scheduler.FilterScheduler._reap(self.scheduler, None)
            ran += [moment] * run.call_count
        return ran

    def test_it_runs_as_often_as_the_option_says(self):
        self.config.config(reaper_interval_seconds=30, group='opie')
        self.assertEqual(
            [100, 130, 165],
            self.turns(100, 105, 129, 130, 135, 159, 165, 190),
        )

    def test_another_interval(self):
        self.config.config(reaper_interval_seconds=10, group='opie')
        self.assertEqual([100, 110, 120], self.turns(*range(100, 130, 5)))
