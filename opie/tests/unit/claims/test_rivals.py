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

"""Which of several requests goes first on a host."""

import time

from oslo_utils.fixture import uuidsentinel as uuids

from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import rivals
from opie.tests.unit.claims import cloud

_WORKER = 'aaaaaaaa'
_UNSEEN_SECONDS = rivals._UNSEEN_SECONDS


class FirstOnHostTest(cloud.CloudTestCase):
    def setUp(self):
        super().setUp()
        self.host('host1', VCPU=10)
        self.host('host2', VCPU=10)
        self.began = round(time.time(), 3)
        self.own = [self.preemption('own')]

    def preemption(
        self,
        name,
        seconds_later=0,
        host='host1',
        worker=_WORKER,
        seconds_left=60,
    ):
        return journal_names.Preemption(
            journal_names.new_provider(worker),
            getattr(uuids, name),
            1,
            int(time.time()) + seconds_left,
            getattr(uuids, host),
            'a scheduler',
            self.began + seconds_later,
            journal_names.label(cloud.PROJECT),
        )

    def claim_for(self, preemption, is_leaving=False):
        """Open the journal of a preemption, and book a victim there."""
        entry = journal.entry_for({'VCPU': 1}, is_leaving)
        journal.open_provider(self.client, preemption, [entry])
        victim = self.client.consumer(uuids.victim)
        body = victim.body({preemption.journal_provider: entry})
        body['project_id'] = body['user_id'] = 'owner'
        self.client.replace_allocations({uuids.victim: body})

    def is_first(self):
        return rivals.is_first_on(self.client, self.own, uuids.host1)

    def test_one_that_is_alone(self):
        self.assertTrue(self.is_first())

    def test_one_that_began_first_goes_first(self):
        self.claim_for(self.preemption('other', -1))
        self.assertFalse(self.is_first())

    def test_those_of_another_host_do_not_matter(self):
        self.claim_for(self.preemption('other', -1, host='host2'))
        self.assertTrue(self.is_first())

    def test_nor_one_whose_victims_are_gone(self):
        other = self.preemption('other', -1)
        self.claim_for(other)
        self.delete_server('victim')
        self.assertTrue(self.is_first())

    def test_nor_one_that_evicts_no_server(self):
        self.claim_for(self.preemption('other', -1), is_leaving=True)
        self.assertTrue(self.is_first())

    def test_nor_one_whose_time_is_over(self):
        """Its scheduler may have died."""
        self.claim_for(self.preemption('other', -1, seconds_left=-1))
        self.assertTrue(self.is_first())

    def test_one_of_the_same_worker_that_began_later_waits(self):
        self.claim_for(self.preemption('other', 0.5))
        self.assertTrue(self.is_first())

    def test_one_of_another_worker_may_have_asked_before(self):
        """It has seen this one when some time is over."""
        self.claim_for(self.preemption('other', 0.5, worker='bbbbbbbb'))
        self.assertFalse(self.is_first())
        # Its time is rounded.
        self.began -= _UNSEEN_SECONDS + 0.001
        self.own = [self.preemption('own')]
        self.assertTrue(self.is_first())

    def test_of_requests_for_several_hosts_never_both_wait(self):
        """Each has a preemptor on either host."""
        requests = [
            [
                self.preemption('%s on %s' % (name, host), 0, host, worker)
                for host in ('host1', 'host2')
            ]
            for name, worker in (('a', _WORKER), ('b', 'bbbbbbbb'))
        ]
        for request in requests:
            for one in request:
                entry = journal.entry_for({'VCPU': 1})
                journal.open_provider(self.client, one, [entry])
        self.began -= _UNSEEN_SECONDS + 0.001
        waits = [
            not all(
                rivals.is_first_on(self.client, request, provider)
                for provider in (uuids.host1, uuids.host2)
            )
            for request in requests
        ]
        self.assertNotEqual([True, True], waits)
