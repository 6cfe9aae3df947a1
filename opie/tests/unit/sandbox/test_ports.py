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

"""Ports that a cloud keeps, and ports that it has to give up."""

import socket
import subprocess
import sys
import unittest

from opie.sandbox import ports


class ChooseTest(unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.listener = socket.create_server((ports.LOOPBACK, 0))
        self.addCleanup(self.listener.close)
        self.taken = self.listener.getsockname()[1]

    def test_each_name_gets_another_port(self):
        names = ['name%d' % i for i in range(50)]
        chosen = ports.choose(names, {})
        self.assertEqual(set(names), set(chosen))
        self.assertEqual(50, len(set(chosen.values())))

    def test_a_known_port_that_is_free_is_kept(self):
        known = ports.choose(['a'], {})
        self.assertEqual(known, ports.choose(['a'], known))

    def test_a_known_port_that_another_program_has_taken_is_given_up(self):
        chosen = ports.choose(['a'], {'a': self.taken})
        self.assertNotEqual(self.taken, chosen['a'])

    def test_a_port_that_its_own_server_has_taken_is_kept(self):
        known = {'a': self.taken}
        self.assertEqual(known, ports.choose(['a'], known, running=['a']))

    def test_a_port_that_another_start_has_chosen_is_not_chosen(self):
        with socket.socket(type=socket.SOCK_DGRAM) as other:
            other.bind((ports.LOOPBACK, 0))
            theirs = other.getsockname()[1]
            chosen = ports.choose(['a'], {'a': theirs})
        self.assertNotEqual(theirs, chosen['a'])

    def test_another_process_does_not_choose_the_same(self):
        mine = ports.choose(['a'], {})
        theirs = subprocess.run(
            (
                sys.executable,
                '-c',
                'from opie.sandbox import ports; '
                'print(ports.choose(["a"], %r))' % mine,
            ),
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        self.assertNotEqual(str(mine), theirs.strip())

    def test_what_is_not_asked_for_gets_none(self):
        self.assertEqual({}, ports.choose([], {'a': 20001}))

    def test_a_port_on_which_a_program_listens_is_not_free(self):
        self.assertFalse(ports.is_free(self.taken))
        self.listener.close()
        self.assertTrue(ports.is_free(self.taken))
