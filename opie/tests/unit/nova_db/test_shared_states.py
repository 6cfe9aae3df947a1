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

"""Tests that threads which wait for victims share their reads."""

from concurrent import futures
import contextlib
import threading
import time
from unittest import mock

from oslo_utils.fixture import uuidsentinel as uuids
import testtools

from opie.scheduler import waiting
from opie.scheduler.nova_db import shared_states

_THREADS = 8
_SECONDS = 10


class SharedStatesTest(testtools.TestCase):
    """Tests SharedStates with a cell that is no database."""

    def setUp(self):
        super().setUp()
        self.shared = shared_states.SharedStates()
        self.asked = []
        for name, double in (
            ('opie.scheduler.nova_db.instances.states_of', self._read),
            ('nova.context.target_cell', self._target),
        ):
            patch = mock.patch(name, double)
            patch.start()
            self.addCleanup(patch.stop)

    @staticmethod
    @contextlib.contextmanager
    def _target(context, cell):
        yield cell

    def _read(self, cell, servers):
        self.asked.append((cell.uuid, servers))
        return dict.fromkeys(servers, (cell.uuid, 'deleting'))

    def _ask_together(self, asks):
        """Return the futures of some (cell, servers), asked at one moment."""
        waits = threading.Barrier(len(asks) + 1, timeout=_SECONDS)
        enough = threading.Event()

        def ask(cell, servers):
            waits.wait()
            return self.shared.states_of(None, cell, servers)

        def gather(pauses, waited_seconds=0):
            enough.wait(_SECONDS)

        with (
            mock.patch.object(waiting.Pauses, 'sleep', gather),
            futures.ThreadPoolExecutor(len(asks)) as pool,
        ):
            calls = [pool.submit(ask, *one) for one in asks]
            waits.wait()
            deadline = waiting.Deadline.after(_SECONDS)
            while self._gathered() < len(asks):
                deadline.check()
                time.sleep(0.001)
            enough.set()
            futures.wait(calls, _SECONDS)
        return calls

    def _gathered(self):
        """Return how many servers are asked for."""
        gathering = list(self.shared._gathering.values())
        return sum(len(reading.servers) for reading in gathering)

    def test_one_query_answers_all_threads(self):
        cell = mock.Mock(uuid=uuids.cell)
        servers = ['server-%d' % index for index in range(_THREADS)]
        calls = self._ask_together([(cell, [one]) for one in servers])
        self.assertEqual(
            [{one: (uuids.cell, 'deleting')} for one in servers],
            [call.result() for call in calls],
        )
        self.assertEqual([(uuids.cell, servers)], self.asked)

    def test_each_cell_is_asked_for_its_own(self):
        cells = [mock.Mock(uuid=one) for one in (uuids.one, uuids.two)]
        calls = self._ask_together([(cells[0], ['a']), (cells[1], ['b'])])
        self.assertEqual(
            [{'a': (uuids.one, 'deleting')}, {'b': (uuids.two, 'deleting')}],
            [call.result() for call in calls],
        )

    def test_all_threads_hear_that_a_cell_is_silent(self):
        cell = mock.Mock(uuid=uuids.cell)
        with mock.patch(
            'opie.scheduler.nova_db.instances.states_of', side_effect=OSError
        ):
            calls = self._ask_together([(cell, ['a']), (cell, ['b'])])
        for call in calls:
            self.assertIsInstance(call.exception(), OSError)

    def test_a_later_call_reads_anew(self):
        cell = mock.Mock(uuid=uuids.cell)
        self.shared.states_of(None, cell, ['a'])
        self.shared.states_of(None, cell, ['a'])
        self.assertEqual(2, len(self.asked))

    def test_a_server_that_is_gone_has_no_state(self):
        cell = mock.Mock(uuid=uuids.cell)
        with mock.patch(
            'opie.scheduler.nova_db.instances.states_of', return_value={}
        ):
            self.assertEqual({}, self.shared.states_of(None, cell, ['a']))
