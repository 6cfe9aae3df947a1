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

"""Claims on the real placement, with other writers at the same time."""

import threading

import fixtures
from oslo_utils import uuidutils
from testtools import testcase

from opie.scheduler.claims import claim as allocations
from opie.scheduler.claims import give_back
from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import plans
from opie.tests.functional import base


class ClaimTest(base.CloudTestCase):
    """host1 is the cheaper one: it has one victim, host2 has two.

    A preemptor of 7 takes 4 from the victim on host1 and the free 3.
    """

    def setUp(self):
        super().setUp()
        self.normal = [self.boot(3, 'host1'), self.boot(3, 'host2')]
        self.victim = self.boot_preemptible(4, 'host1')
        self.others = [self.boot_preemptible(vcpu, 'host2') for vcpu in (3, 4)]
        self.big = self.flavor(7)

    def allocate(self, host, vcpu):
        """Take capacity on a host as the claim of another request does."""
        consumer = uuidutils.generate_uuid()
        answer = self.placement.put(
            '/allocations/%s' % consumer,
            {
                'allocations': {
                    self._get_provider_uuid_by_host(host): {
                        'resources': {'VCPU': vcpu}
                    }
                },
                'project_id': 'another',
                'user_id': 'another',
                'consumer_generation': None,
            },
            version='1.28',
        )
        self.assertEqual(204, answer.status)

    def before_the_first_claim(self, action):
        def claim(real, *args):
            action()
            return real(*args)

        return self.wrap_once(placement.Client, 'replace_allocations', claim)

    def assertPreemptedOnSecondHost(self):
        preemptor = self.boot(flavor=self.big)
        self.assertEqual('host2', self.host_of(preemptor))
        self.assertGone(*self.others)
        self.assertUntouched(preemptor, self.victim, *self.normal)
        self.assertNoJournal()

    def assertPreemptedOnFirstHost(self):
        preemptor = self.boot(flavor=self.big)
        self.assertEqual('host1', self.host_of(preemptor))
        self.assertGone(self.victim)
        self.assertUntouched(preemptor, *self.others, *self.normal)
        self.assertEqual(10, self.used_vcpus('host1'))
        self.assertNoJournal()

    def test_a_competing_claim_leads_to_another_plan(self):
        self.before_the_first_claim(lambda: self.allocate('host1', 3))
        self.assertPreemptedOnSecondHost()

    def test_a_victim_that_changes_before_the_claim_is_planned_anew(self):
        def rewrite():
            consumer = self.client.consumer(self.victim['id'])
            self.client.replace_allocations(
                {consumer.uuid: consumer.body(consumer.allocations)}
            )

        calls = self.before_the_first_claim(rewrite)
        self.client = placement.Client(
            self.scheduler_service.manager.placement_client
        )
        self.assertPreemptedOnFirstHost()
        # The first claim, the rewriting, the second claim.
        self.assertEqual(3, len(calls))

    def test_a_lost_answer_to_a_claim_that_holds_is_no_failure(self):
        def lose_answer(real, client, bodies):
            real(client, bodies)
            raise placement.NoAnswer('connection reset')

        calls = self.wrap_once(
            placement.Client, 'replace_allocations', lose_answer
        )
        self.assertPreemptedOnFirstHost()
        self.assertEqual(1, len(calls))

    def test_an_over_capacity_host_is_given_back_and_left_alone(self):
        def shrink_host(real, client, bodies):
            real(client, bodies)
            self._reserve_placement_resource('host1', 'VCPU', 2)

        self.wrap_once(placement.Client, 'replace_allocations', shrink_host)
        self.assertPreemptedOnSecondHost()
        (line,) = self.logged('is void')
        self.assertIn('over capacity: VCPU of host1', line)

    def test_an_unanswered_placement_gives_up_and_loses_nothing(self):
        self.useFixture(
            fixtures.MockPatchObject(give_back, '_PATIENCE_SECONDS', 0)
        )
        self.useFixture(fixtures.MockPatchObject(plans, '_MAX_LOST_RACES', 3))

        def fail(real, *args):
            raise placement.NoAnswer('down')

        self.wrap(placement.Client, 'replace_allocations', fail)
        self.assertNoValidHost(self.boot(flavor=self.big, state='ERROR'))
        self.assertUntouched(self.victim, *self.others, *self.normal)
        self.assertNoJournal()

    def test_an_audit_that_drops_the_claim_leads_to_another_one(self):
        begun, release = self.hold_deletions()
        preemptor = self.boot(flavor=self.big, state=None)
        self.assertTrue(begun.wait(base.WAIT_SECONDS))
        self._delete_server_allocations(preemptor['id'])
        release.set()
        self._wait_for_state_change(preemptor, 'ACTIVE')
        self.assertUntouched(preemptor, *self.others)
        self.assertEqual(10, self.used_vcpus('host1'))
        self.assertNoJournal()


class OneHostClaimTest(base.CloudTestCase):
    hosts = ('host1',)

    @testcase.attr('smoke')
    def test_one_of_two_preemptors_wins_the_same_victim(self):
        victim = self.boot_preemptible(10)
        barrier = threading.Barrier(2)
        claims = []

        def together(real, *args):
            claims.append(args)
            if len(claims) <= barrier.parties:
                barrier.wait(base.WAIT_SECONDS)
            return real(*args)

        self.plan_as_in_many_workers()
        self.wrap(allocations.Claim, 'prepare', together)
        preemptors = [self.boot(10, state=None) for _ in range(2)]
        states = sorted(self.end_of(server) for server in preemptors)
        self.assertEqual(['ACTIVE', 'ERROR'], states)
        self.assertGone(victim)
        self.assertEqual(10, self.used_vcpus('host1'))
        self.assertNoJournal()

    def test_a_503_from_placement_evicts_no_server_on_an_empty_cloud(self):
        bystander = self.boot_preemptible(1)
        client = self.scheduler_service.manager.placement_client

        def unavailable(real, *args, **kwargs):
            return _Answer(503)

        self.wrap_once(
            _class_of(client), 'get', self._for_candidates(unavailable)
        )
        self.assertNoValidHost(self.boot(5, state='ERROR'))
        self.assertUntouched(bystander)
        (line,) = self.logged('No room is made for')
        self.assertIn('placement did not answer', line)

    @staticmethod
    def _for_candidates(wrapper):
        def call(real, *args, **kwargs):
            if any('/allocation_candidates' in str(arg) for arg in args):
                return wrapper(real, *args, **kwargs)
            return real(*args, **kwargs)

        return call


class _Answer:
    """An answer as keystoneauth would return it."""

    def __init__(self, status_code, body=None):
        self.status_code = status_code
        self.text = ''
        self._body = body

    def json(self):
        return self._body


def _class_of(watched_client):
    return type(watched_client._report_client)
