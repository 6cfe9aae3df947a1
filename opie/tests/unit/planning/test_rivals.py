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

"""How workers that preempt at the same moment share out the hosts."""

import time

import testtools

from opie.scheduler.claims import journal_names
from opie.scheduler.planning import rivals

_PROVIDERS = ['provider %d' % number for number in range(300)]


def preemption(worker, seconds_ago=0.0):
    began = None if seconds_ago is None else time.time() - seconds_ago
    return journal_names.Preemption(
        journal_names.new_provider(worker),
        'preemptor',
        1,
        0,
        'provider',
        'scheduler',
        began,
        'project',
    )


class BusyTest(testtools.TestCase):
    def test_others_that_have_just_begun_are_busy(self):
        own, other, third = (journal_names.new_worker() for _ in range(3))
        self.assertEqual(
            {other, third},
            rivals.busy(
                [preemption(name) for name in (own, other, third, other)], own
            ),
        )

    def test_those_of_a_while_ago_are_not(self):
        other = journal_names.new_worker()
        self.assertEqual(
            frozenset(),
            rivals.busy(
                [preemption(other, 60), preemption(other, None)], 'own'
            ),
        )


class SharesTest(testtools.TestCase):
    def test_each_host_is_of_one_worker_and_each_has_about_as_many(self):
        workers = [journal_names.new_worker() for _ in range(3)]
        shares = [
            rivals.own_ones(_PROVIDERS, one, set(workers) - {one})
            for one in workers
        ]
        self.assertEqual(
            sorted(_PROVIDERS), sorted(sum(map(list, shares), []))
        )
        self.assertTrue(all(60 < len(share) < 140 for share in shares))

    def test_a_worker_that_comes_takes_of_each_and_moves_no_other_host(self):
        before = rivals.own_ones(_PROVIDERS, 'one', {'two'})
        after = rivals.own_ones(_PROVIDERS, 'one', {'two', 'three'})
        self.assertTrue(after < before)

    def test_one_alone_has_all(self):
        self.assertEqual(
            set(_PROVIDERS), rivals.own_ones(_PROVIDERS, 'one', ())
        )
