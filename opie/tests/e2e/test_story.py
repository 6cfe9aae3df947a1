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

"""What users and administrators see with the openstack command."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys

from opie.sandbox.services import scheduler
from opie.tests.e2e import base

_OPENSTACK = pathlib.Path(sys.executable).with_name('openstack')
_SCHEDULER = scheduler.name(1)
# The next turn of a reaper is seldom between the end of a preemption and the
# moment when its scheduler is stopped.
_TRIES = 3


class StoryTest(base.CloudTestCase):
    settings = base.SMALL

    def openstack(self, *arguments, user='demo', status=0):
        """Run the command as a user; return what it printed."""
        done = subprocess.run(
            [_OPENSTACK, *arguments],
            capture_output=True,
            text=True,
            env={
                'PATH': os.environ['PATH'],
                'HOME': str(self.cloud.home.path),
                **self.cloud.credentials(user),
            },
        )
        self.assertEqual(status, done.returncode, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def create_by_command(self, name, flavor, *options, **kwargs):
        arguments = ['server', 'create', '--wait', *options]
        arguments += ['--image', 'tiny', '--nic', 'none', '--flavor', flavor]
        return self.openstack(*arguments, name, **kwargs)

    def listed(self, *options, **kwargs):
        """Return name to row of what the user's server list has."""
        rows = json.loads(
            self.openstack(
                'server', 'list', '--long', '-f', 'json', *options, **kwargs
            )
        )
        return {row['Name']: row for row in rows}

    def test_a_normal_server_takes_the_place_of_preemptible_ones(self):
        workers = ['worker-%d' % number for number in range(4)]
        for name in workers:
            self.create_by_command(name, 'medium', '--preemptible')
        error = self.create_by_command(
            'one-more', 'medium', '--preemptible', status=1
        )
        self.assertIn('one-more', error)
        rows = self.listed()
        self.assertEqual({*workers, 'one-more'}, rows.keys())
        self.assertEqual('ERROR', rows.pop('one-more')['Status'])
        self.assertEqual(
            {('ACTIVE', True)},
            {(row['Status'], row['Preemptible']) for row in rows.values()},
        )

        self.create_by_command('normal', 'large')
        rows = self.listed()
        self.assertEqual(
            ('ACTIVE', False),
            (rows['normal']['Status'], rows['normal']['Preemptible']),
        )
        left = [name for name in workers if name in rows]
        self.assertEqual(2, len(left), rows.keys())
        self.assertEqual(
            {*left, 'one-more'}, self.listed('--preemptible').keys()
        )
        for name, is_preemptible in (('normal', 'False'), (left[0], 'True')):
            self.assertEqual(
                is_preemptible,
                self.openstack(
                    *('server', 'show', '-f', 'value', '-c', 'preemptible'),
                    name,
                ).strip(),
            )
        self.openstack('server', 'delete', 'one-more')
        self.assert_nothing_is_left()

    def test_another_member_sees_no_victim_and_may_still_preempt(self):
        victims = self.create_preemptible('large', 2)
        server = min(victims)
        self.assertEqual({}, self.listed(user='other'))
        for command in ('show', 'delete', 'stop', 'lock'):
            error = self.openstack(
                'server', command, server, user='other', status=1
            )
            self.assertIn(server, error)
        self.assertEqual({'active'}, self.watcher.states(victims))

        self.create_by_command('normal', 'large', user='other')
        self.assertEqual(['normal'], list(self.listed(user='other')))
        (left,) = victims & self.watcher.placed()
        self.assertEqual([left], [row['ID'] for row in self.listed().values()])
        (gone,) = victims - {left}
        text = self.openstack('server', 'event', 'list', gone, '--long')
        self.assertIn('preempt', text)
        self.assertIn('delete', text)
        # The victim's owner does not learn which server took its place.
        admin = self.connections['admin'].current_user_id
        other = self.connections['other'].current_user_id
        self.assertNotIn(other, text)
        self.assertNotIn(admin, text)
        self.assert_nothing_is_left()

    def manage(self, *arguments):
        """Run opie-manage as an administrator; return what it printed."""
        done = subprocess.run(
            [
                *(sys.executable, '-m', 'opie.cmd.manage'),
                *(
                    '--config-file',
                    str(self.cloud.home.etc / 'nova/nova.conf'),
                ),
                *('preemption', *arguments),
            ],
            capture_output=True,
            text=True,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def preempt(self):
        """Return the id of a preemptor that has just become ACTIVE."""
        self.delete_all()
        self.create_preemptible('large', 2)
        preemptor = self.create('large')
        self.assertEqual(
            {preemptor.id: 'ACTIVE'}, self.final_statuses([preemptor])
        )
        return preemptor.id

    @contextlib.contextmanager
    def stopped_scheduler(self):
        """Keep the reaper from doing what an administrator is about to."""
        self.cloud.signal(_SCHEDULER, signal.SIGSTOP)
        try:
            yield
        finally:
            self.cloud.signal(_SCHEDULER, signal.SIGCONT)

    def test_an_administrator_sees_and_closes_what_is_in_flight(self):
        for _ in range(_TRIES):
            preemptor = self.preempt()
            with self.stopped_scheduler():
                rows = json.loads(self.manage('list', '-f', 'json'))
                table = self.manage('list')
                would = self.manage('repair', '--dry-run')
                repaired = self.manage('repair')
            if rows:
                break
        (row,) = rows
        self.assertEqual(
            (preemptor, 'launched', [], 'delete its journal'),
            tuple(
                row[name]
                for name in ('preemptor', 'state', 'victims_left', 'repair')
            ),
        )
        self.assertIn(preemptor, table)
        self.assertIn('Would repair', would)
        self.assertIn('Repairing', repaired)
        self.assertEqual(set(), self.watcher.journal())
        self.assertIn('nothing to repair', self.manage('repair'))
