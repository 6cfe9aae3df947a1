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

"""Threads that wait for turns on one host read once for all of them."""

from concurrent import futures
import contextlib
import threading
from unittest import mock

import fixtures
import testtools

from opie.scheduler.nova_db import own_deletions
from opie.scheduler.nova_db import shared_deletions
from opie.tests.stand_ins import clock

_THREADS = 8
_SECONDS = 10


class SharedDeletionsTest(testtools.TestCase):
    """Tests SharedDeletions with cells that are no databases."""

    def setUp(self):
        super().setUp()
        self.shared = shared_deletions.SharedDeletions()
        self.clock = clock.Clock()
        self.asked = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.replace('nova_db.instances.cell_of_host', mock.Mock())
        self.replace('nova_db.own_deletions.on_host', self._read)
        self.replace('nova_db.shared_deletions.time', self.clock)
        self.useFixture(
            fixtures.MonkeyPatch('nova.context.target_cell', self._target)
        )

    def replace(self, name, double):
        self.useFixture(fixtures.MonkeyPatch('opie.scheduler.' + name, double))

    @staticmethod
    @contextlib.contextmanager
    def _target(context, cell):
        yield context

    def _read(self, context, host, seconds):
        self.asked.append(host)
        self.may_answer.wait(_SECONDS)
        return own_deletions.OnHost({'read': len(self.asked)}, None)

    def on_host(self, host='a', **kwargs):
        return self.shared.on_host(mock.sentinel.context, host, **kwargs)

    def test_threads_that_ask_together_read_once(self):
        self.may_answer.clear()
        with futures.ThreadPoolExecutor(_THREADS) as pool:
            found = [pool.submit(self.on_host) for _ in range(_THREADS)]
            self.may_answer.set()
            self.assertEqual(1, len({id(one.result()) for one in found}))
        self.assertEqual(['a'], self.asked)

    def test_each_host_is_read_for_itself(self):
        self.assertIsNot(self.on_host('a'), self.on_host('b'))
        self.assertEqual(['a', 'b'], self.asked)

    def test_it_is_read_again_after_a_moment(self):
        first = self.on_host()
        self.clock.sleep(shared_deletions._SHARED_SECONDS / 2)
        self.assertIs(first, self.on_host())
        self.clock.sleep(shared_deletions._SHARED_SECONDS)
        self.assertIsNot(first, self.on_host())

    def test_at_once_for_a_request_that_is_about_to_go(self):
        first = self.on_host()
        fresh = self.on_host(is_fresh=True)
        self.assertIsNot(first, fresh)
        self.assertIs(fresh, self.on_host())

    def test_all_hear_of_a_failure_and_the_next_ones_read_again(self):
        with mock.patch(
            'opie.scheduler.nova_db.own_deletions.on_host',
            side_effect=RuntimeError,
        ) as read:
            self.assertRaises(RuntimeError, self.on_host)
            self.assertRaises(RuntimeError, self.on_host)
            self.assertEqual(1, read.call_count)
        self.clock.sleep(2 * shared_deletions._SHARED_SECONDS)
        self.on_host()
