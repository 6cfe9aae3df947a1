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

"""Claims that take from no victim, when placement's answer is lost."""

import threading

from opie.scheduler import errors
from opie.scheduler.claims import claim
from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import attempt
from opie.tests.functional import base
from opie.tests.functional import killing
from opie.tests.interruptions import invariants


class ClaimOfRoomTest(killing.KillingTestCase):
    """host2 has room that nova's own scheduling has overlooked.

    The claim of it names no journal, so nothing can keep it from arriving.
    """

    hosts = ('host1',)

    def setUp(self):
        super().setUp()
        self.bystander = self.boot_preemptible(10)
        self.start_compute('host2')
        self.hide_room()

    def lose_the_answer(self, is_applied):
        """Have no answer to the claim.

        :returns: a list of what lets it arrive, if it has not.
        """
        late = []

        def lose(real, client, bodies):
            if is_applied:
                real(client, bodies)
            else:
                late.append(lambda: real(client, bodies))
            raise placement.NoAnswer('connection reset')

        self.wrap_once(placement.Client, 'replace_allocations', lose)
        return late

    def assertSound(self):
        self.reap()
        invariants.assert_sound(self)
        self.assertUntouched(self.bystander)

    def test_it_was_made(self):
        self.lose_the_answer(is_applied=True)
        server = self.boot(5)
        self.assertEqual('host2', self.host_of(server))
        self.assertSound()

    def fail(self):
        server = self.boot(5, state='ERROR')
        self.assertNoValidHost(server)
        self.reap()
        (provider,) = self.journal_providers()
        self.assertIn(server['id'], provider['name'])
        return server

    def test_it_was_not_made(self):
        """The scheduler cannot know that, so the journal stays."""
        self.lose_the_answer(is_applied=False)
        self.fail()
        self.let_time_pass()
        self.assertSound()

    def test_it_is_made_when_all_was_given_back(self):
        late = self.lose_the_answer(is_applied=False)
        server = self.fail()
        (arrive,) = late
        arrive()
        self.reap()
        self.assertHolds(5, server)
        self.let_time_pass()
        self.assertSound()

    def test_its_owner_gives_up_before_it(self):
        """The deletion ends the preemption before its claim is known."""
        ended, failures = threading.Event(), []

        def give_up(real, *args):
            (server,) = self.api.get_servers(search_opts={'status': 'BUILD'})
            self.api.delete_server(server['id'])
            return real(*args)

        def undo(real, one, error):
            try:
                if isinstance(error, errors.NoRoomMade):
                    failures.append(str(error))
                return real(one, error)
            finally:
                ended.set()

        self.wrap_once(claim.Claim, 'prepare', give_up)
        self.wrap_once(attempt.Attempt, 'undo', undo)
        self.boot(5, state=None)
        self.assertTrue(ended.wait(base.WAIT_SECONDS))
        self.assertEqual(
            ['every preemptor was deleted or given up by nova'], failures
        )
        self.assertSound()
