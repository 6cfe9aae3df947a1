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

"""Which of two companions withdraws that may not be where they are."""

import random
import types
from unittest import mock

import fixtures
from nova import objects
from nova.scheduler.filters import affinity_filter
from oslo_utils.fixture import uuidsentinel as uuids

from opie.preemption import model
from opie.scheduler import errors
from opie.scheduler import host_state
from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.nova_db import whereabouts
from opie.scheduler.planning import companions
from opie.scheduler.planning import pending
from opie.scheduler.preempting import companion_check
from opie.tests.stand_ins import turns
from opie.tests.stand_ins.placement import client as stand_in
from opie.tests.unit.claims import cloud

objects.register_all()

_ORDERS = 100
_PATIENCE_SECONDS = 5
_HOSTS = ('host1', 'host2')
_FILTERS = (
    affinity_filter.ServerGroupAntiAffinityFilter(),
    affinity_filter.ServerGroupAffinityFilter(),
    affinity_filter.DifferentHostFilter(),
    affinity_filter.SameHostFilter(),
)


class _HostManager:
    def why_filtered(self, state, spec):
        for one in _FILTERS:
            if not one.host_passes(state, spec):
                return type(one).__name__
        return None


def _state(name):
    state = host_state.HostState(name, name, uuids.cell)
    state.uuid = getattr(uuids, name)
    return state


class CompanionCheckTestCase(cloud.CloudTestCase):
    """Two hosts, and servers of which nova has no record yet."""

    def setUp(self):
        super().setUp()
        for name in _HOSTS:
            self.host(name, VCPU=10)
        for owner, name, value in (
            (
                whereabouts,
                'find',
                lambda context, servers: whereabouts.Whereabouts(
                    frozenset(servers), {}
                ),
            ),
            (whereabouts, 'specs_of', lambda context, servers: {}),
            (companions, 'read_members', lambda context, spec: None),
        ):
            self.useFixture(fixtures.MockPatchObject(owner, name, value))

    def attempt(self, name, host, began, policy='anti-affinity', hints=None):
        """Return an attempt of one preemptor.

        :param began: None for a preemptor that takes nothing of a victim.
        :param policy: of the group of ``one`` and ``other``.
        """
        group = policy and objects.InstanceGroup(
            policy=policy,
            policies=[policy],
            _rules={},
            members=[uuids.one, uuids.other],
            hosts=[],
            uuid=uuids.group,
        )
        spec = objects.RequestSpec(
            instance_uuid=getattr(uuids, name),
            instance_group=group,
            scheduler_hints=hints or {},
            flavor=objects.Flavor(
                vcpus=1, memory_mb=1, root_gb=0, ephemeral_gb=0
            ),
            numa_topology=None,
            pci_requests=None,
        )
        preemption = journal_names.Preemption(
            getattr(uuids, 'journal of ' + name),
            getattr(uuids, name),
            1,
            cloud.DEADLINE,
            getattr(uuids, host),
            'a scheduler',
            began,
            began and 'a project',
        )
        states = {getattr(uuids, host): _state(host) for host in _HOSTS}
        nomination = model.Nomination(
            getattr(uuids, name), getattr(uuids, host)
        )
        return types.SimpleNamespace(
            name=name,
            host=host,
            preemption=preemption,
            preemptors={nomination.preemptor},
            move=None,
            plan=model.Plan((nomination,)),
            placement_claim=mock.Mock(preemptions=[preemption]),
            sources=mock.Mock(
                placement=self.client,
                worker=mock.Mock(
                    pending_reader=pending.Reader(),
                    host_manager=_HostManager(),
                ),
            ),
            shot=types.SimpleNamespace(
                spec=spec,
                request=model.Request((nomination.preemptor,), {'VCPU': 1}),
                states=states,
                shared=types.SimpleNamespace(
                    hosts={uuid: one.host for uuid, one in states.items()},
                    nodes=states,
                ),
            ),
        )

    def claim(self, attempt):
        journal.open_provider(
            self.client, attempt.preemption, [cloud.booked(VCPU=1)]
        )
        self.server(attempt.name, attempt.host, VCPU=1)

    def withdraw(self, attempt):
        self.delete_server(attempt.name)
        journal.close_provider(
            self.client, attempt.preemption.journal_provider
        )

    def claimed(self, *args, **kwargs):
        attempt = self.attempt(*args, **kwargs)
        self.claim(attempt)
        return attempt

    def check(self, attempt):
        companion_check.check(attempt)

    def assertWithdraws(self, attempt, reason='ServerGroupAntiAffinityFilter'):
        void = self.assertRaises(errors.AttemptVoid, self.check, attempt)
        self.assertIn(reason, str(void))
        self.assertTrue(void.is_race)
        self.assertEqual(frozenset(), void.victims)


class OrderTest(CompanionCheckTestCase):
    def test_one_that_is_alone_stays(self):
        self.check(self.claimed('one', 'host1', 1))

    def test_companions_on_two_hosts_stay(self):
        both = (
            self.claimed('one', 'host1', 1),
            self.claimed('other', 'host2', 2),
        )
        for attempt in both:
            self.check(attempt)

    def test_the_one_that_began_later_withdraws_at_once(self):
        self.claimed('one', 'host1', 1)
        self.assertWithdraws(self.claimed('other', 'host1', 2))
        self.assertEqual(0, self.clock.seconds)

    def test_the_one_that_began_first_waits_for_the_other_to_withdraw(self):
        first = self.claimed('one', 'host1', 1)
        later = self.claimed('other', 'host1', 2)
        self.placement.interrupt(
            'get',
            '/resource_providers.in_tree',
            stand_in.first(lambda: self.withdraw(later)),
            number=3,
        )
        self.check(first)
        self.assertLess(0, self.clock.seconds)
        self.assertLess(self.clock.seconds, _PATIENCE_SECONDS)

    def test_it_withdraws_if_the_other_one_stays(self):
        """The other one has looked before."""
        first = self.claimed('one', 'host1', 1)
        self.claimed('other', 'host1', 2)
        self.assertWithdraws(first)
        self.assertLessEqual(_PATIENCE_SECONDS, self.clock.seconds)

    def test_one_that_takes_nothing_goes_first(self):
        self.claimed('one', 'host1', None)
        self.assertWithdraws(self.claimed('other', 'host1', 2))
        self.assertEqual(0, self.clock.seconds)

    def test_of_two_that_take_nothing_one_withdraws_at_once(self):
        both = [self.claimed(name, 'host1', None) for name in ('one', 'other')]
        waited = []
        for attempt in both:
            before = self.clock.seconds
            self.assertWithdraws(attempt)
            waited.append(self.clock.seconds > before)
        self.assertEqual({True, False}, set(waited))

    def test_a_companion_that_nova_has_placed_stays(self):
        self.server('other', 'host1', VCPU=1)
        self.assertWithdraws(self.claimed('one', 'host1', 1))
        self.assertEqual(0, self.clock.seconds)

    def test_members_that_were_parted_do_not_both_stay(self):
        first = self.claimed('one', 'host1', 1, 'affinity')
        later = self.claimed('other', 'host2', 2, 'affinity')
        self.assertWithdraws(later, 'ServerGroupAffinityFilter')
        self.withdraw(later)
        self.check(first)

    def test_a_member_that_nova_has_placed_elsewhere_is_seen(self):
        self.server('other', 'host2', VCPU=1)
        self.assertWithdraws(
            self.claimed('one', 'host1', 1, 'affinity'),
            'ServerGroupAffinityFilter',
        )

    def test_hints_are_asked_as_well(self):
        self.server('other', 'host1', VCPU=1)
        near = {'same_host': [uuids.other]}
        self.check(self.claimed('one', 'host1', 1, None, near))
        far = {'different_host': [uuids.other]}
        self.assertWithdraws(
            self.attempt('one', 'host1', 1, None, far), 'DifferentHostFilter'
        )

    def test_a_request_that_looks_at_no_server_reads_nothing(self):
        attempt = self.claimed('one', 'host1', 1, None)
        before = len(self.placement.calls)
        self.check(attempt)
        self.assertEqual(before, len(self.placement.calls))


class AnyOrderTest(CompanionCheckTestCase):
    """Two companions claim and look, in any order of their calls."""

    def setUp(self):
        super().setUp()
        self.turns = turns.Turns()
        # Opening the journal takes two calls once there is one.
        self.withdraw(self.claimed('first', 'host1', 1))
        for method in ('get', 'post', 'put', 'delete'):
            self.placement.interrupt(
                method, '', stand_in.first(self.turns.pause), None
            )

    def test_one_of_both_stays(self):
        for seed in range(_ORDERS):
            draw = random.Random(seed)
            self.stay = []
            began = [draw.choice([None, 1, 2]) for _ in range(2)]
            both = [
                self.attempt(name, 'host1', moment)
                for name, moment in zip(('one', 'other'), began, strict=True)
            ]
            self.turns.run(
                [self.actor(attempt) for attempt in both], draw.randrange
            )
            (stayed,) = self.stay
            self.withdraw(stayed)

    def actor(self, attempt):
        def act():
            self.claim(attempt)
            try:
                self.check(attempt)
            except errors.AttemptVoid:
                self.withdraw(attempt)
            else:
                self.stay.append(attempt)

        return act
