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

"""Properties of all claims, in any order of their writes and of others'."""

import contextlib
import dataclasses
import random

import fixtures
import futurist
import hypothesis
from hypothesis import strategies as st
from oslo_utils.fixture import uuidsentinel as uuids

from opie.scheduler import errors
from opie.scheduler.claims import dropping
from opie.scheduler.claims import give_back
from opie.scheduler.claims import journal
from opie.scheduler.placement import client as placement
from opie.tests.stand_ins import turns
from opie.tests.stand_ins.placement import client as stand_in
from opie.tests.unit.claims import cloud

SETTINGS = hypothesis.settings(
    deadline=None,
    max_examples=100,
    print_blob=True,
    suppress_health_check=(hypothesis.HealthCheck.too_slow,),
)
_VICTIMS = ('one', 'two', 'three')
_PREEMPTORS = ('new', 'newer', 'newest')
_RIVALS = _PREEMPTORS[:2]


@dataclasses.dataclass(frozen=True)
class Scene:
    """Victims on a host, and what preemptors are to take of them.

    :ivar held: victim to the VCPU that it holds.
    :ivar parts: preemptor to victim to VCPU to take of it.
    """

    held: dict
    parts: dict

    def taken(self, preemptor):
        return sum(self.parts[preemptor].values())


@st.composite
def _held(draw):
    """Return victim to the VCPU that it holds."""
    victims = draw(
        st.lists(st.sampled_from(_VICTIMS), min_size=1, unique=True)
    )
    return {victim: draw(st.integers(1, 4)) for victim in victims}


@st.composite
def plans(draw):
    """Return a :class:`Scene` of preemptors that share victims."""
    held = draw(_held())
    left = dict(held)
    parts = {}
    for preemptor in _PREEMPTORS:
        parts[preemptor] = {
            victim: draw(st.integers(0, left[victim]))
            for victim in held
            if draw(st.booleans())
        }
        for victim, amount in parts[preemptor].items():
            left[victim] -= amount
    return Scene(held, parts)


@st.composite
def rival_plans(draw):
    """Return a :class:`Scene` of preemptors that want the same victims."""
    held = draw(_held())
    parts = {
        preemptor: {
            victim: draw(st.integers(0, amount))
            for victim, amount in held.items()
        }
        for preemptor in _RIVALS
    }
    return Scene(held, parts)


class PropertiesTestCase(cloud.CloudTestCase):
    def set(self, scene, free):
        """Start anew with the victims of a scene on a host.

        :param free: VCPU that are free besides.
        """
        self.start_placement()
        self.capacity = sum(scene.held.values()) + free
        self.host('host', VCPU=self.capacity, MEMORY_MB=1000)
        for victim, vcpu in scene.held.items():
            self.server(victim, 'host', VCPU=vcpu, MEMORY_MB=10)

    def plan_of(self, scene, *preemptors):
        shares = {}
        for preemptor in preemptors:
            for victim, vcpu in scene.parts[preemptor].items():
                # All of its memory is left to a victim.
                taken = {'VCPU': vcpu} if vcpu else {}
                shares.setdefault(victim, {})[preemptor] = taken
        return self.plan(dict.fromkeys(preemptors, 'host'), shares)

    def assertVictimsHold(self, scene, victims):
        for victim in victims:
            held = {'VCPU': scene.held[victim], 'MEMORY_MB': 10}
            self.assertEqual({'host': held}, self.held(victim))


class OneClaimTest(PropertiesTestCase):
    @SETTINGS
    @hypothesis.given(plans(), st.permutations(_PREEMPTORS))
    def test_claim_and_give_back_restore_all(self, scene, order):
        # All preemptors claim the same, and none takes more than it claims.
        most = max(scene.taken(preemptor) for preemptor in _PREEMPTORS) or 1
        self.set(scene, free=len(_PREEMPTORS) * most)
        one = self.claim(self.plan_of(scene, *_PREEMPTORS), VCPU=most)
        self.make(one)
        for number, preemptor in enumerate(order, 1):
            self.assertTrue(one.give_back_for({getattr(uuids, preemptor)}))
            self.assertEqual({}, self.held(preemptor))
            one.close_journal({getattr(uuids, preemptor)})
            self.assertEqual(len(order) - number, len(self.in_flight()))
        self.assertVictimsHold(scene, scene.held)
        self.assertEqual(sum(scene.held.values()), self.used('host'))


class RivalsTest(PropertiesTestCase):
    """Claims, servers of others, deletions and repairs, at once."""

    def setUp(self):
        super().setUp()
        # All calls of an actor are made in its own thread.
        self.useFixture(
            fixtures.MonkeyPatch(
                'concurrent.futures.ThreadPoolExecutor',
                lambda *args: futurist.SynchronousExecutor(),
            )
        )

    def set(self, scene, free):
        super().set(scene, free)
        # As soon as the journal has been used, opening takes two calls.
        shares = {next(iter(scene.held)): {'first': {'VCPU': 1}}}
        first = self.claim(self.plan({'first': 'host'}, shares), VCPU=1)
        self.make(first)
        first.give_back_for({uuids.first})
        first.close_journal({uuids.first})
        self.turns = turns.Turns()
        for method in ('get', 'post', 'put', 'delete'):
            self.placement.interrupt(
                method, '', stand_in.first(self._before_each_call), None
            )

    def _before_each_call(self):
        self.turns.pause()
        self.assertLessEqual(
            self.placement.records.used(uuids.host, 'VCPU'), self.capacity
        )

    def claim_and_perhaps_give_back(self, one, preemptor, gives_up):
        """Return what makes a claim, and gives it back if it may be made."""

        def act():
            try:
                self.make(one)
                self.made.add(preemptor)
            except errors.ClaimFailed:
                return
            except placement.ErrorResponse:
                # A reaper that is so early deletes the journal as it is made.
                one.give_back_for({getattr(uuids, preemptor)})
            if gives_up:
                one.give_back_for({getattr(uuids, preemptor)})

        return act

    def boot_another(self):
        """Have nova claim for another server."""
        with contextlib.suppress(placement.ErrorResponse):
            self.server('another', 'host', VCPU=1)

    def delete_victim(self):
        self.delete_server('one')

    def give_all_back(self):
        """Have a reaper give all back, however early."""
        for preemption in self.in_flight():
            claim = dropping.Dropped(
                preemption.preemptor, preemption.nominated_provider
            )
            give_back.give_back(self.client, [preemption], [claim], 0)
            closed = journal.close_provider(
                self.client, preemption.journal_provider
            )
            if closed is not None:
                give_back.give_back(self.client, [], [claim], 0)

    @SETTINGS
    @hypothesis.given(
        rival_plans(),
        st.integers(0, 4),
        st.tuples(st.booleans(), st.booleans()),
        st.sets(st.sampled_from(('boot', 'delete', 'repair'))),
        st.integers(0, 2**32),
    )
    # The claim is made, and its victim deleted, before the journal is closed.
    @hypothesis.example(
        Scene({'one': 1}, {'new': {'one': 0}, 'newer': {'one': 0}}),
        2,
        (False, False),
        {'boot', 'delete', 'repair'},
        860,
    )
    def test_no_host_has_more_than_it_can_hold(
        self, scene, free, give_up, others, seed
    ):
        self.set(scene, free)
        self.made = set()
        actors = [
            self.claim_and_perhaps_give_back(
                self.claim(
                    self.plan_of(scene, preemptor),
                    VCPU=scene.taken(preemptor) + 1,
                ),
                preemptor,
                gives_up,
            )
            for preemptor, gives_up in zip(_RIVALS, give_up, strict=True)
        ]
        actors += [
            act
            for name, act in (
                ('boot', self.boot_another),
                ('delete', self.delete_victim),
                ('repair', self.give_all_back),
            )
            if name in others
        ]
        self.turns.run(actors, random.Random(seed).randrange)
        self.assertNothingIsLost(scene, 'delete' in others)

    def assertNothingIsLost(self, scene, is_one_deleted):
        """Assert that all can still be given back to victims that live."""
        for preemptor in _RIVALS:
            if preemptor not in self.made:
                self.assertEqual({}, self.held(preemptor))
        self.give_all_back()
        self.assertNoJournal()
        living = scene.held.keys() - ({'one'} if is_one_deleted else set())
        self.assertVictimsHold(scene, living)
        if is_one_deleted:
            self.assertEqual({}, self.held('one'))
        self.assertEqual(
            sum(scene.held[victim] for victim in living)
            + len(self.held('another')),
            self.used('host'),
        )
