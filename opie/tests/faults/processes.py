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

"""Kills the scheduler's process of a real cloud, again and again."""

import contextlib
import dataclasses
import pathlib
import subprocess
import sys
import tempfile
import time
from unittest import mock

from opie.sandbox import programs
from opie.sandbox.services import compute
from opie.sandbox.services import nova
from opie.sandbox.services import scheduler
from opie.tests.e2e import base
from opie.tests.faults import launcher
from opie.tests.interruptions import killer

_SCHEDULER = scheduler.name(1)
_TIMEOUT_SECONDS = 20
_REAPER_INTERVAL_SECONDS = 5
# Every 5 seconds the scheduler finds out whether it is the reaper's turn.
_RECOVERY_SECONDS = (
    _TIMEOUT_SECONDS
    + launcher.MARGIN_SECONDS
    + 2 * (_REAPER_INTERVAL_SECONDS + 5)
)
_TRACKER_INTERVAL_SECONDS = 3
# NOTE: nova/compute/resource_tracker.py says it at the end of each update.
_TRACKED = 'Final resource view'


class ProcessCase(base.CloudTestCase):
    settings = {
        'hosts': 1,
        'vcpus': 4,
        'ram_mb': 4096,
        'preemption_timeout_seconds': _TIMEOUT_SECONDS,
        'nova_options': {
            'DEFAULT': {
                # How long the conductor misses the scheduler.
                'rpc_response_timeout': 10,
                'update_resources_interval': _TRACKER_INTERVAL_SECONDS,
                # The only sign that the tracker has compared the host.
                'default_log_levels': 'nova.compute.resource_tracker=DEBUG',
            },
            'opie': {'reaper_interval_seconds': _REAPER_INTERVAL_SECONDS},
        },
    }

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.note = pathlib.Path(folder.name) / 'note'
        self.held, self.go_on = launcher.hold_files(self.note)
        self.addCleanup(self.cloud.restart, _SCHEDULER)

    @contextlib.contextmanager
    def dying_at(self, point, entry=killer.PREEMPTION, hold=''):
        """Let a scheduler be started that ends itself at a point.

        :param hold: after which call it waits for :attr:`go_on`.
        """
        opies_own = scheduler.make_services

        def make_services(site):
            return [
                dataclasses.replace(
                    service,
                    command=(
                        sys.executable,
                        '-m',
                        launcher.__name__,
                        *service.command[1:],
                    ),
                    environment={
                        **service.environment,
                        'OPIE_CRASH_ENTRY': entry,
                        'OPIE_CRASH_HOLD': hold,
                        'OPIE_CRASH_POINT': point,
                        'OPIE_CRASH_NOTE': str(self.note),
                    },
                )
                for service in opies_own(site)
            ]

        for path in (self.note, self.held, self.go_on):
            path.unlink(missing_ok=True)
        with mock.patch.object(scheduler, 'make_services', make_services):
            self.cloud.restart(_SCHEDULER)
            yield

    def preempt(self):
        """Ask for a server at the cost of two; return it and the victims."""
        self.delete_all()
        victims = self.create_preemptible('medium', 2)
        self.before = self.watcher.allocations()
        return self.create('large', 'normal'), victims

    def wait_for_death(self):
        self.wait_for(lambda: self.assertTrue(self.note.exists(), 'it lives'))

    def told(self):
        """Return (whether it is a write, text) of each point of a record."""
        lines = self.note.read_text().splitlines()
        return [
            (is_write == '1', point)
            for is_write, point in (line.split('\t') for line in lines)
        ]

    def points(self):
        """Return a point for each state: before each write, and the last."""
        # The calls of a cloud's first preemption alone come before.
        normal, _ = self.preempt()
        self.final_statuses([normal])
        with self.dying_at(''):
            normal, _ = self.preempt()
            self.assertEqual(
                ['ACTIVE'], list(self.final_statuses([normal]).values())
            )
        told = self.told()
        return [
            *(point for is_write, point in told[:-1] if is_write),
            told[-1][1],
        ]

    def recover(self, normal, victims):
        """Start another scheduler; see that it leaves a sound cloud."""
        died_at = time.monotonic()
        self.cloud.restart(_SCHEDULER)
        self.assertEqual(
            ['ERROR'], list(self.final_statuses([normal]).values())
        )
        self.wait_for(
            self.assert_recovered,
            _RECOVERY_SECONDS - (time.monotonic() - died_at),
        )
        self.assert_nothing_is_left()
        # A victim may still be on its way out, if its deletion was lost.
        self.wait_for(lambda: self.assert_whole(victims))
        self.audit()
        self.wait_for_the_tracker()
        self.assert_recovered()
        self.assert_whole(victims)
        self.assertEqual([], self.watcher.over_capacity())

    def assert_whole(self, victims):
        """Check that victims run with their allocations, or are gone."""
        alive = victims & self.watcher.placed()
        held = self.watcher.allocations()
        self.assertEqual(
            {victim: self.before[victim] for victim in alive},
            {victim: held.get(victim) for victim in alive},
        )
        self.assertEqual({}, self.watcher.tasks(alive))
        if alive:
            self.assertEqual({'active'}, self.watcher.states(alive))

    def assert_recovered(self):
        self.assertEqual(set(), self.watcher.journal())
        self.assertEqual(
            self.watcher.placed(), self.watcher.allocations().keys()
        )

    def audit(self):
        """Let ``nova-manage placement audit`` find nothing."""
        command = (
            programs.script('nova-manage'),
            '--config-file=%s' % nova.conf(self.cloud.site),
            'placement',
            'audit',
            '--verbose',
        )
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def wait_for_the_tracker(self):
        """Let the compute compare its host with placement, all of it once."""

        def number():
            return len(self.logged(_TRACKED, compute.name(1) + '*'))

        # The next one may have begun already.
        enough = number() + 2
        self.wait_for(lambda: self.assertLessEqual(enough, number()))
