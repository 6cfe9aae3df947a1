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

"""Several preemptions that take of one victim.

One of them evicts it; the others wait for it, as for a server that its user
deletes.
"""

import hypothesis
from hypothesis import strategies as st
from oslo_utils.fixture import uuidsentinel as uuids

from opie.preemption import model
from opie.scheduler import errors
from opie.scheduler.claims import claim
from opie.scheduler.claims import give_back
from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_reader
from opie.scheduler.claims import rate_limits
from opie.scheduler.claims import together
from opie.tests.stand_ins.placement import client as stand_in
from opie.tests.unit.claims import cloud
from opie.tests.unit.claims import test_properties

_PREEMPTORS = ('first', 'second', 'third', 'fourth')


class JoinedTestCase(cloud.CloudTestCase):
    """A host that a victim fills, and claims of parts of the victim."""

    def setUp(self):
        super().setUp()
        self.have_victim(10)

    def have_victim(self, vcpu):
        self.start_placement()
        self.host('host', VCPU=vcpu, MEMORY_MB=100)
        self.server('victim', 'host', VCPU=vcpu, MEMORY_MB=100)

    def of_victim(self, preemptor, vcpu, left=None, is_leaving=True):
        """Return the claim of a part of the victim, not made yet.

        :param left: the VCPU that the victim holds then, if not as now.
        """
        plan = self.plan(
            {preemptor: 'host'},
            {'victim': {preemptor: {'VCPU': vcpu} if vcpu else {}}},
            leaving=['victim'] if is_leaving else (),
        )
        if left is not None:
            (nomination,) = plan.nominations
            (server,) = nomination.victims
            held = {'VCPU': left} if left else {}
            held['MEMORY_MB'] = 100
            plan = model.Plan(
                (
                    model.Nomination(
                        nomination.preemptor,
                        nomination.provider,
                        (model.Server(server.uuid, held, is_leaving=True),),
                    ),
                ),
                shares=plan.shares,
            )
        request = model.Request(
            (getattr(uuids, preemptor),), {'VCPU': vcpu or 1}
        )
        return claim.Claim(
            self.client, plan, request, (cloud.PROJECT, 'a user')
        )

    def evict(self, preemptor, vcpu):
        return self.make(self.of_victim(preemptor, vcpu, is_leaving=False))

    def join(self, preemptor, vcpu):
        return self.make(self.of_victim(preemptor, vcpu))

    def assertVictimHolds(self, vcpu):
        held = {'MEMORY_MB': 100}
        if vcpu:
            held['VCPU'] = vcpu
        self.assertEqual(held, self.held('victim')['host'])


class ClaimTest(JoinedTestCase):
    def test_each_takes_its_part_and_the_rest_stays(self):
        self.evict('first', 4)
        self.join('second', 3)
        self.join('third', 2)
        self.assertVictimHolds(1)
        for preemptor, vcpu in (('first', 4), ('second', 3), ('third', 2)):
            self.assertEqual({'host': {'VCPU': vcpu}}, self.held(preemptor))
        self.assertEqual(10, self.used('host'))

    def test_the_one_that_evicts_finds_what_it_has_left(self):
        first = self.evict('first', 4)
        self.join('second', 3)
        self.assertEqual(set(), first.changed({uuids.victim}))
        self.server('victim', 'host', VCPU=1)
        self.assertEqual({uuids.victim}, first.changed({uuids.victim}))

    def test_a_victim_in_flight_is_no_victim_of_another(self):
        self.evict('first', 4)
        second = self.of_victim('second', 3, is_leaving=False)
        failed = self.assertRaises(errors.ClaimFailed, self.make, second)
        self.assertEqual({uuids.victim}, failed.victims)

    def test_one_of_which_others_took_since_is_waited_for_by_the_next_plan(
        self,
    ):
        self.evict('first', 4)
        third = self.of_victim('third', 3)
        self.join('second', 3)
        failed = self.assertRaises(errors.ClaimFailed, self.make, third)
        self.assertTrue(failed.is_race)
        self.assertEqual(frozenset(), failed.victims)
        self.assertEqual({}, self.held('third'))
        self.assertEqual(
            {uuids.first, uuids.second},
            {one.preemptor for one in self.in_flight()},
        )

    def test_one_that_is_gone_is_not_brought_back(self):
        """Not even where nothing is left to take of it."""
        self.have_victim(4)
        self.server('victim', 'host', VCPU=4)
        self.evict('first', 4)
        second = self.of_victim('second', 0)
        self.delete_server('victim')
        self.assertRaises(errors.ClaimFailed, self.make, second)
        self.assertEqual({}, self.held('victim'))

    def test_it_sees_whether_another_one_still_evicts(self):
        first = self.evict('first', 4)
        second = self.join('second', 3)
        self.assertTrue(second.is_evicted_by_another(uuids.victim))
        self.assertTrue(first.give_back_for({uuids.first}))
        self.assertFalse(second.is_evicted_by_another(uuids.victim))


class TogetherTest(JoinedTestCase):
    """Claims that are written in one transaction."""

    def prepared(self):
        claims = [
            self.of_victim('first', 4, is_leaving=False),
            self.of_victim('second', 3, left=6),
            self.of_victim('third', 2, left=3),
        ]
        for one in claims:
            one.prepare(1, cloud.DEADLINE, 'a scheduler', cloud.WORKER)
        return claims

    def assertMade(self):
        self.assertVictimHolds(1)
        self.assertEqual(10, self.used('host'))
        self.assertEqual(3, len(self.in_flight()))

    def test_the_later_ones_take_of_what_the_first_one_leaves(self):
        claims = self.prepared()
        before = len(self.writes())
        self.assertEqual({}, together.write(claims))
        self.assertEqual(1, len(self.writes()) - before)
        self.assertMade()
        self.assertEqual(set(), claims[0].changed({uuids.victim}))

    def test_where_placement_refuses_them_together(self):
        claims = self.prepared()
        self.placement.interrupt('post', '/allocations', stand_in.answer(409))
        self.assertEqual({}, together.write(claims))
        self.assertMade()

    def test_without_the_first_one_the_others_are_not_made(self):
        claims = self.prepared()[1:]
        failed = together.write(claims)
        self.assertEqual(set(claims), set(failed))
        self.assertVictimHolds(10)


class GiveBackTest(JoinedTestCase):
    @test_properties.SETTINGS
    @hypothesis.given(
        st.lists(st.integers(1, 4), min_size=2, max_size=4),
        st.permutations(range(4)),
        st.integers(0, 4),
        st.sets(st.integers(0, 3)),
    )
    def test_amounts_come_out_whatever_the_order(
        self, parts, order, gone_after, by_reaper
    ):
        """Preemptions end one after the other, perhaps by the reaper."""
        names = _PREEMPTORS[: len(parts)]
        total = sum(parts) + 1
        self.have_victim(total)
        taken = dict(zip(names, parts, strict=True))
        claims = {
            name: self.join(name, part)
            if claims_before
            else self.evict(name, part)
            for claims_before, (name, part) in enumerate(taken.items())
        }
        is_gone = False
        for number, index in enumerate(order):
            if number == gone_after and not is_gone:
                self.delete_server('victim')
                is_gone = True
            name = _PREEMPTORS[index]
            if name not in taken:
                continue
            self.end(name, claims[name], index in by_reaper)
            del taken[name]
            self.assertEqual({}, self.held(name))
            if is_gone:
                self.assertEqual({}, self.held('victim'))
            else:
                self.assertVictimHolds(total - sum(taken.values()))
            self.assertEqual(
                sum(taken.values()) if is_gone else total, self.used('host')
            )
        self.assertNoJournal()

    def end(self, name, one, by_reaper):
        preemptor = getattr(uuids, name)
        if not by_reaper:
            self.assertTrue(one.give_back_for({preemptor}))
            one.close_journal({preemptor})
            return
        (preemption,) = one.preemptions
        dropped = [cloud.dropped(name)]
        result = give_back.give_back(self.client, [preemption], dropped, 0)
        self.assertTrue(result.is_done)
        journal.close_provider(self.client, preemption.journal_provider)


class JournalTest(JoinedTestCase):
    def setUp(self):
        super().setUp()
        self.evict('first', 4)
        self.join('second', 3)

    def test_it_tells_who_evicts_and_what_all_have_taken(self):
        in_flight = journal_reader.Reader().read(self.client)
        self.assertEqual({uuids.victim}, in_flight.victims)
        ((victim, eviction),) = in_flight.evictions().items()
        self.assertEqual(uuids.victim, victim)
        self.assertEqual(uuids.first, eviction.preemption.preemptor)
        self.assertEqual({'VCPU': 7}, eviction.taken)

    def test_only_the_one_that_evicts_counts(self):
        counted = {
            one.preemptor for one in self.in_flight() if one.began is not None
        }
        self.assertEqual({uuids.first}, counted)
        numbers = {}
        self.delete_server('victim')
        for one in self.in_flight():
            numbers[one.preemptor] = journal.close_provider(
                self.client, one.journal_provider
            )
        self.assertEqual({uuids.first: 1, uuids.second: 0}, numbers)

    def test_a_plan_that_only_waits_reaches_no_limit(self):
        cloud.CONF.set_override('max_preemptions_per_minute', 1, 'opie')
        self.join('third', 2)
        plan = self.plan(
            {'new': 'host'}, {'victim': {'new': {'VCPU': 1}}}, ['victim']
        )
        self.assertEqual(set(), rate_limits.counted(plan))
        rate_limits.check_plan(plan, self.in_flight(), cloud.PROJECT)

    def test_a_server_that_nova_deletes_is_evicted_by_none(self):
        self.have_victim(10)
        self.join('second', 3)
        in_flight = journal_reader.Reader().read(self.client)
        self.assertEqual({uuids.victim}, in_flight.victims)
        self.assertEqual({}, in_flight.evictions())
