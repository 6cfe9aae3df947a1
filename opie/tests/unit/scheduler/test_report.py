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

"""Which victims of void attempts count as wasted when a request ends."""

import contextlib
from unittest import mock

import testtools

from opie.scheduler import report

_NONE = frozenset()


class WastedUnlessUsedTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.wasted = []
        self.enterContext(
            mock.patch.object(
                report,
                'wasted',
                lambda number, preemptors, victims: self.wasted.append(
                    (number, sorted(victims))
                ),
            )
        )

    def evict(self, *attempts, served=(), fails=False):
        """Let a request have void attempts, and end.

        :param attempts: (victim to provider, uuids that stay) of each.
        """
        with (
            contextlib.suppress(ValueError),
            report.wasted_unless_used(['preemptor']) as evicted,
        ):
            for victims, failed in attempts:
                evicted.add(victims, failed)
            if fails:
                raise ValueError
            evicted.note_served(served)
        return len(evicted)

    def test_none_where_their_room_is_used(self):
        self.assertEqual(1, self.evict(({'v': 'a'}, _NONE), served='a'))
        self.assertEqual([], self.wasted)

    def test_those_on_a_host_that_is_not_used(self):
        number = self.evict(({'v': 'a', 'w': 'b'}, _NONE), served='b')
        self.assertEqual(2, number)
        self.assertEqual([(1, ['v'])], self.wasted)

    def test_one_that_stays_in_the_way_of_the_others(self):
        self.evict(({'v': 'a', 'w': 'a'}, {'v'}), served='a')
        self.assertEqual([(1, ['v'])], self.wasted)

    def test_those_of_all_attempts_together_once(self):
        attempts = ({'v': 'a'}, {'v'}), ({'w': 'b'}, _NONE), ({}, _NONE)
        self.assertEqual(2, self.evict(*attempts, served='c'))
        self.assertEqual([(2, ['v', 'w'])], self.wasted)

    def test_all_where_the_request_fails(self):
        self.evict(({'v': 'a'}, _NONE), ({'w': 'b'}, _NONE), fails=True)
        self.assertEqual([(2, ['v', 'w'])], self.wasted)

    def test_no_server_that_was_not_sent_away(self):
        self.evict(({}, {'moved'}), served='a')
        self.assertEqual([], self.wasted)
