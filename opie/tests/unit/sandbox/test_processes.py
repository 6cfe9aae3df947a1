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

"""Which processes belong to a cloud, and that no other one is ever stopped."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

import psutil

from opie.sandbox import processes

_SLEEP = (sys.executable, '-c', 'import time; time.sleep(60)')
_STUBBORN = (
    sys.executable,
    '-c',
    'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); '
    'print("ready", flush=True); time.sleep(60)',
)
_PARENT = (
    sys.executable,
    '-c',
    'import subprocess, sys; subprocess.Popen(sys.argv[1:]); '
    'print("ready", flush=True); sys.stdin.read()',
    *_SLEEP,
)


class ProcessesTest(unittest.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)
        self.log = self.home / 'log'
        self.addCleanup(self.stop_all)

    def stop_all(self):
        processes.stop(processes.of_home(self.home))

    def start(self, command):
        popen = processes.start(command, self.home, self.log)
        self.addCleanup(popen.wait)
        # Cleanups run in reverse, and no process may be waited for before it
        # was stopped.
        self.addCleanup(self.stop_all)
        return popen

    def wait_until_ready(self):
        while b'ready' not in self.log.read_bytes():
            time.sleep(0.01)

    def test_a_process_is_found_by_its_id_and_start_time(self):
        process = processes.from_popen(self.start(_SLEEP))
        self.assertTrue(process.is_alive())
        self.assertEqual(process.pid, process.find().pid)

    def test_a_process_that_got_the_id_of_another_is_not_taken_for_it(self):
        popen = self.start(_SLEEP)
        process = processes.from_popen(popen)
        older = processes.Process(process.pid, process.start_time - 10)
        self.assertFalse(older.is_alive())
        self.assertEqual([], older.family())
        processes.stop(older.family())
        self.assertIsNone(popen.poll())

    def test_a_process_that_has_ended_is_not_alive_before_it_is_reaped(self):
        popen = self.start((sys.executable, '-c', ''))
        process = processes.Process(
            popen.pid, psutil.Process(popen.pid).create_time()
        )
        # Leaves it a zombie.
        os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT)
        self.assertFalse(process.is_alive())

    def test_a_process_that_never_was_is_not_alive(self):
        self.assertFalse(processes.Process(2**22 + 1, 0.0).is_alive())

    def test_those_of_a_cloud_are_found_without_a_note(self):
        popen = self.start(_SLEEP)
        self.assertEqual(
            [popen.pid], [item.pid for item in processes.of_home(self.home)]
        )

    def test_one_that_turns_to_its_program_this_moment_is_found(self):
        popen = self.start(_SLEEP)
        read, early = psutil.Process.environ, [{}, {}]

        def environ(process):
            if process.pid == popen.pid and early:
                return early.pop()
            return read(process)

        with mock.patch.object(psutil.Process, 'environ', environ):
            found = processes.of_home(self.home)
        self.assertEqual([popen.pid], [item.pid for item in found])

    def test_those_of_another_cloud_are_left_alone(self):
        self.start(_SLEEP)
        self.assertEqual([], processes.of_home(self.home / 'other'))
        self.assertEqual([], processes.of_home(self.home.parent))

    def test_a_command_that_only_reads_a_cloud_does_not_belong_to_it(self):
        popen = subprocess.Popen([*_SLEEP, str(self.home)])
        self.addCleanup(popen.wait)
        self.addCleanup(popen.kill)
        self.assertEqual([], processes.of_home(self.home))

    def test_children_are_of_the_family_and_of_the_cloud(self):
        popen = self.start(_PARENT)
        # Its standard input is at the end at once, so the child is alone.
        popen.wait()
        (child,) = processes.of_home(self.home)
        self.assertNotEqual(popen.pid, child.pid)

    def test_a_process_that_does_not_listen_is_killed(self):
        popen = self.start(_STUBBORN)
        self.wait_until_ready()
        processes.stop(processes.of_home(self.home), 0.2)
        self.assertEqual([], processes.of_home(self.home))
        self.assertIsNotNone(popen.wait())

    def test_a_stopped_process_ends_as_well(self):
        popen = self.start(_SLEEP)
        self.assertFalse(processes.from_popen(popen).is_stopped())
        popen.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, popen.pid, os.WSTOPPED)
        self.assertTrue(processes.from_popen(popen).is_stopped())
        processes.stop(processes.of_home(self.home), 10)
        self.assertEqual([], processes.of_home(self.home))
