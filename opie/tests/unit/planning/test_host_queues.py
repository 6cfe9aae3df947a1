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

"""Of the requests of one worker, one at a time is next on a host."""

import testtools

from opie.scheduler.planning import host_queues

_EARLY, _LATE = (1.0, 'b'), (2.0, 'a')


class HostQueuesTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.queues = host_queues.HostQueues()

    def next_on(self, provider='host1'):
        return [
            place
            for place in (_EARLY, _LATE)
            if self.queues.is_next(provider, place)
        ]

    def test_the_one_that_began_first(self):
        with (
            self.queues.joined(['host1'], _LATE),
            self.queues.joined(['host1'], _EARLY),
        ):
            self.assertEqual([_EARLY], self.next_on())

    def test_the_next_one_once_it_is_through(self):
        with self.queues.joined(['host1'], _LATE):
            with self.queues.joined(['host1'], _EARLY):
                pass
            self.assertIn(_LATE, self.next_on())

    def test_or_has_failed(self):
        with self.queues.joined(['host1'], _LATE):
            with (
                testtools.ExpectedException(ValueError),
                self.queues.joined(['host1'], _EARLY),
            ):
                raise ValueError
            self.assertIn(_LATE, self.next_on())

    def test_hosts_do_not_matter_to_one_another(self):
        with (
            self.queues.joined(['host1', 'host2'], _EARLY),
            self.queues.joined(['host2', 'host3'], _LATE),
        ):
            self.assertEqual([_EARLY], self.next_on('host2'))
            self.assertIn(_LATE, self.next_on('host3'))

    def test_of_the_same_moment_the_names_tell(self):
        with (
            self.queues.joined(['host1'], (1.0, 'a')),
            self.queues.joined(['host1'], (1.0, 'b')),
        ):
            self.assertTrue(self.queues.is_next('host1', (1.0, 'a')))
            self.assertFalse(self.queues.is_next('host1', (1.0, 'b')))
