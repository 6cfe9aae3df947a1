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

"""How far nova has come with a move, by its records."""

import testtools

from opie.conf import operations
from opie.scheduler.nova_db import moves

Progress = moves.Progress

_RESIZE = moves.Move(operations.RESIZE, 'migration')
_COLD = moves.Move(operations.COLD_MIGRATE, 'migration')
_LIVE = moves.Move(operations.LIVE_MIGRATE, 'migration')
_EVACUATE = moves.Move(operations.EVACUATE, 'migration')
_UNSHELVE = moves.Move(operations.UNSHELVE)


class ProgressTest(testtools.TestCase):
    def check(self, *cases):
        """Check cases of (move, vm_state, task_state, status, destination)."""
        for expected, move, vm_state, task_state, *migration in cases:
            status, destination = migration or (None, None)
            record = moves.Record(
                vm_state, task_state, None, status, destination
            )
            self.assertIs(expected, record.progress(move), record)

    def test_of_an_unshelving(self):
        offloaded = 'shelved_offloaded'
        self.check(
            (Progress.AWAITED, _UNSHELVE, offloaded, 'unshelving'),
            (Progress.UNDER_WAY, _UNSHELVE, offloaded, 'spawning'),
            (Progress.DONE, _UNSHELVE, 'active', None),
            (Progress.DONE, _UNSHELVE, 'active', 'powering-off'),
            (Progress.ENDED, _UNSHELVE, offloaded, None),
            (Progress.DELETED, _UNSHELVE, offloaded, 'deleting'),
        )

    def test_of_a_resize_and_of_a_cold_migration(self):
        before = 'pre-migrating'
        for move in (_RESIZE, _COLD):
            self.check(
                (
                    Progress.AWAITED,
                    move,
                    'active',
                    'resize_prep',
                    before,
                    None,
                ),
                (
                    Progress.UNDER_WAY,
                    move,
                    'active',
                    'resize_prep',
                    before,
                    'b',
                ),
                (
                    Progress.UNDER_WAY,
                    move,
                    'active',
                    'resize_migrating',
                    'migrating',
                    'b',
                ),
                (Progress.DONE, move, 'resized', None, 'finished', 'b'),
                (Progress.DONE, move, 'active', None, 'confirmed', 'b'),
                (Progress.DONE, move, 'active', None, 'reverted', 'b'),
                (Progress.ENDED, move, 'active', None, 'error', None),
                (Progress.ENDED, move, 'active', None, before, None),
                (Progress.DELETED, move, 'active', 'deleting', before, None),
            )

    def test_of_a_live_migration(self):
        self.check(
            (Progress.AWAITED, _LIVE, 'active', 'migrating', 'accepted', None),
            (
                Progress.UNDER_WAY,
                _LIVE,
                'active',
                'migrating',
                'accepted',
                'b',
            ),
            (Progress.UNDER_WAY, _LIVE, 'active', 'migrating', 'running', 'b'),
            (Progress.DONE, _LIVE, 'active', None, 'completed', 'b'),
            (Progress.ENDED, _LIVE, 'active', None, 'cancelled', 'b'),
            (Progress.ENDED, _LIVE, 'active', None, 'failed', 'b'),
        )

    def test_of_an_evacuation(self):
        """The host that a user asks for is noted as soon as it is accepted."""
        for host in (None, 'b'):
            self.check(
                (
                    Progress.AWAITED,
                    _EVACUATE,
                    'active',
                    'rebuilding',
                    'accepted',
                    host,
                ),
            )
        self.check(
            (
                Progress.UNDER_WAY,
                _EVACUATE,
                'active',
                'rebuild_spawning',
                'pre-migrating',
                'b',
            ),
            (Progress.DONE, _EVACUATE, 'active', None, 'done', 'b'),
            (Progress.DONE, _EVACUATE, 'active', None, 'completed', 'b'),
            (Progress.ENDED, _EVACUATE, 'active', None, 'failed', 'b'),
            (Progress.ENDED, _EVACUATE, 'error', None, 'error', None),
        )
