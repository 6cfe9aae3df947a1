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

"""The sandbox itself: started, used, started again, and stopped.

It needs MariaDB and RabbitMQ and takes some minutes.
"""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from opie.sandbox import cloud
from opie.sandbox import errors
from opie.sandbox import processes
from opie.sandbox.stand_ins import glance

_COMMAND = (sys.executable, '-m', 'opie.cmd.sandbox')
# Alone it takes a third of that; other tests run beside it.
_FIRST_UP_SECONDS = 180


class SandboxTest(unittest.TestCase):
    def setUp(self):
        super().setUp()
        # TMPDIR may be too long, because the path of a socket is short.
        folder = tempfile.TemporaryDirectory(prefix='opie-', dir='/tmp')
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / 'cloud'
        self.cloud = cloud.SandboxCloud(self.path)
        self.addCleanup(self.cloud.down)

    def call(self, *arguments, status=0):
        """Run the command; return what it printed."""
        done = subprocess.run(
            [*_COMMAND, *arguments, '--state-dir', self.path],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.assertEqual(status, done.returncode, done.stdout)
        return done.stdout

    def interrupt_up(self, number, is_time):
        """Start a cloud and send the command a signal at some time."""
        with subprocess.Popen(
            [*_COMMAND, 'up', '--hosts', '1', '--state-dir', self.path],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as up:
            while not is_time():
                self.assertIsNone(up.poll())
                time.sleep(0.05)
            up.send_signal(number)
        return up.returncode

    def boot(self, name, **kwargs):
        with contextlib.closing(self.cloud.connect()) as connection:
            server = connection.compute.create_server(
                name=name,
                flavor_id='small',
                image_id=glance.IMAGE_ID,
                networks='none',
                **kwargs,
            )
            return connection.compute.wait_for_server(server, wait=60)

    def pids(self):
        return {
            name: self.cloud.pids(name)[:1] for name in self.cloud.services()
        }

    def assert_nothing_runs(self):
        self.assertEqual([], processes.of_home(self.cloud.home.path))

    def noted(self, name):
        return lambda: name in self.cloud.home.noted()

    def test_from_the_first_start_to_the_last_stop(self):
        start = time.monotonic()
        self.call('up', '--hosts', '2', '--schedulers', '2')
        self.assertLess(time.monotonic() - start, _FIRST_UP_SECONDS)
        self.assertIn('nova-scheduler-2', self.call('status'))
        server = self.boot('first', scheduler_hints={'preemptible': True})
        self.assertEqual('ACTIVE', server.status)

        before = self.pids()
        self.call('up')
        self.assertEqual(before, self.pids())

        self.call('up', '--hosts', '3', '--schedulers', '1')
        after = self.pids()
        self.assertEqual({'nova-scheduler-2'}, before.keys() - after.keys())
        self.assertEqual(
            {'nova-compute-1'},
            {name for name in after if after[name] != before[name]},
        )
        with contextlib.closing(self.cloud.connect('admin')) as admin:
            self.assertEqual(
                {'host1', 'host2', 'host3'},
                {item.name for item in admin.compute.hypervisors()},
            )
        self.assertIn('reset', self.call('up', '--hosts', '1', status=1))
        self.assertEqual(after, self.pids())

        self.call('down')
        self.assert_nothing_runs()
        self.call('status', status=1)

        self.take_a_port('keystone')
        self.call('up')
        with contextlib.closing(self.cloud.connect()) as connection:
            (found,) = connection.compute.servers()
        self.assertEqual(server.id, found.id)
        self.assertEqual('ACTIVE', self.boot('second').status)
        self.call('reset')
        self.assert_nothing_runs()
        self.assertEqual(['lock'], os.listdir(self.path))

    def take_a_port(self, name):
        port = self.cloud.site.ports[name]
        listener = socket.create_server(('127.0.0.1', port))
        self.addCleanup(listener.close)

    def test_killed_in_the_middle_of_its_first_start(self):
        self.interrupt_up(signal.SIGKILL, self.noted('mariadb'))
        self.assertTrue(processes.of_home(self.cloud.home.path))
        with self.assertRaises(errors.SandboxError):
            self.cloud.auth_url  # noqa: B018
        self.cloud.up(hosts=2, compute_processes=2, service_down_seconds=10)
        self.assertEqual('ACTIVE', self.boot('server').status)
        self.see_a_compute_stopped_alone()

        # As if the machine had been switched off: no command has noted that.
        for process in processes.of_home(self.cloud.home.path):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        self.assertIn('stopped', self.call('status', status=1))
        self.cloud.up()
        self.assertEqual('ACTIVE', self.boot('another').status)

    def test_interrupted_it_leaves_nothing_behind(self):
        status = self.interrupt_up(signal.SIGINT, self.noted('rabbitmq'))
        self.assertEqual(130, status)
        self.assert_nothing_runs()
        status = self.interrupt_up(signal.SIGTERM, self.noted('keystone'))
        self.assertEqual(130, status)
        self.assert_nothing_runs()

    def see_a_compute_stopped_alone(self):
        self.cloud.signal('nova-compute-2', signal.SIGSTOP)
        self.wait_for_state('host2', 'down')
        self.assertEqual('host1', self.boot_host('on the other'))
        self.cloud.signal('nova-compute-2', signal.SIGCONT)
        self.wait_for_state('host2', 'up')

    def boot_host(self, name):
        server = self.boot(name)
        with contextlib.closing(self.cloud.connect('admin')) as admin:
            return admin.compute.get_server(server).compute_host

    def wait_for_state(self, host, state):
        deadline = time.monotonic() + 60
        with contextlib.closing(self.cloud.connect('admin')) as admin:
            while time.monotonic() < deadline:
                (service,) = admin.compute.services(
                    host=host, binary='nova-compute'
                )
                if service.state == state:
                    return
                time.sleep(0.5)
        self.fail('%s does not become %s' % (host, state))
