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

"""Opening, closing and reading the journal in placement."""

from oslo_utils.fixture import uuidsentinel as uuids

from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import journal_reader
from opie.scheduler.placement import client as placement
from opie.tests.stand_ins.placement import client as stand_in
from opie.tests.unit.claims import cloud

_ENTRY = cloud.booked(VCPU=4, MEMORY_MB=400)


class JournalTestCase(cloud.CloudTestCase):
    def open(self, name, *entries):
        """Open the journal of a preemptor; return its provider."""
        preemption = journal_names.Preemption(
            getattr(uuids, 'journal of ' + name),
            getattr(uuids, name),
            1,
            cloud.DEADLINE,
            uuids.host,
            'a scheduler',
        )
        journal.open_provider(self.client, preemption, entries or [_ENTRY])
        return preemption.journal_provider

    def enter(self, provider, *victims):
        """Have victims hold an entry on a provider of the journal."""
        for victim in victims:
            consumer = placement.Consumer(
                getattr(uuids, victim), {}, 'a project', 'a user'
            )
            self.client.replace_allocations(
                {consumer.uuid: consumer.body({provider: _ENTRY})}
            )

    def close(self, provider):
        return journal.close_provider(self.client, provider)

    def calls_of(self, action, *args):
        """Return how many calls an action takes."""
        before = len(self.placement.calls)
        action(*args)
        return len(self.placement.calls) - before

    def preemptors(self):
        return {one.preemptor for one in self.in_flight()}


class OpenTest(JournalTestCase):
    def test_there_is_room_for_the_entries_and_no_more(self):
        provider = self.open('new', _ENTRY, _ENTRY)
        self.assertEqual({uuids.new}, self.preemptors())
        _, inventories = self.client.inventories(provider)
        self.assertEqual(
            {
                'CUSTOM_PREEMPTED_VCPU': 8,
                'CUSTOM_PREEMPTED_MEMORY_MB': 800,
                'CUSTOM_PREEMPTED_SERVER': 2,
            },
            {name: item['total'] for name, item in inventories.items()},
        )
        self.assertEqual(2, journal.victims_of(inventories))
        self.enter(provider, 'some', 'other')
        self.assertRaises(
            placement.ErrorResponse, self.enter, provider, 'another'
        )

    def test_the_first_one_makes_what_the_others_find(self):
        self.assertLess(2, self.calls_of(self.open, 'first'))
        self.assertEqual(2, self.calls_of(self.open, 'second'))
        self.assertLess(
            2, self.calls_of(self.open, 'gpu', cloud.booked(PGPU=1))
        )
        self.assertEqual(
            {uuids.first, uuids.second, uuids.gpu}, self.preemptors()
        )

    def test_all_are_children_of_one_root(self):
        self.open('first')
        self.open('second')
        providers = self.client.providers([('in_tree', journal.ROOT_UUID)])
        self.assertEqual(
            {(journal.ROOT_UUID, None)}
            | {
                (uuid, journal.ROOT_UUID)
                for uuid in (
                    getattr(uuids, 'journal of first'),
                    getattr(uuids, 'journal of second'),
                )
            },
            {(one['uuid'], one['parent_provider_uuid']) for one in providers},
        )

    def test_of_two_schedulers_that_are_first_both_open_theirs(self):
        # The first call fails, because there is no root; so is this the
        # second, which is about to create it.
        self.placement.interrupt(
            'post',
            '/resource_providers',
            stand_in.first(lambda: self.open('other')),
            number=2,
        )
        self.open('new')
        self.assertEqual({uuids.new, uuids.other}, self.preemptors())

    def test_a_name_that_another_provider_has_is_told_of(self):
        self.host(journal.ROOT_NAME, VCPU=1)
        taken = self.assertRaises(journal.NameTaken, self.open, 'new')
        self.assertIn("named 'opie' already", str(taken))

    def test_a_root_that_it_cannot_make_is_told_of(self):
        self.placement.interrupt(
            'post', '/resource_providers', stand_in.answer(403), number=2
        )
        refused = self.assertRaises(placement.ErrorResponse, self.open, 'new')
        self.assertEqual(403, refused.status)

    def test_what_it_cannot_make_is_told_of(self):
        self.placement.interrupt('put', '', stand_in.answer(403))
        refused = self.assertRaises(placement.ErrorResponse, self.open, 'new')
        self.assertEqual(403, refused.status)


class CloseTest(JournalTestCase):
    def setUp(self):
        super().setUp()
        self.provider = self.open('new', _ENTRY, _ENTRY)

    def test_closing_it_tells_how_many_victims_it_had(self):
        self.assertEqual(2, self.close(self.provider))
        self.assertNoJournal()

    def test_of_two_that_close_it_one_learns_that(self):
        closed = []
        self.placement.interrupt(
            'put',
            '/resource_providers/.*/inventories',
            stand_in.first(lambda: closed.append(self.close(self.provider))),
        )
        self.assertEqual(0, self.close(self.provider))
        self.assertEqual([2], closed)
        self.assertEqual(0, self.close(self.provider))

    def test_it_stays_while_a_victim_is_booked(self):
        self.enter(self.provider, 'some', 'other')
        self.assertIsNone(self.close(self.provider))
        self.delete_server('some')
        self.assertIsNone(self.close(self.provider))
        self.assertEqual(
            {uuids.other: _ENTRY}, journal.entries(self.client, self.provider)
        )
        self.delete_server('other')
        self.assertEqual(2, self.close(self.provider))

    def test_a_claim_that_arrives_before_lets_it_stay(self):
        self.placement.interrupt(
            'put',
            '/resource_providers/.*/inventories',
            stand_in.first(lambda: self.enter(self.provider, 'some')),
        )
        self.assertIsNone(self.close(self.provider))
        self.assertEqual(1, len(self.in_flight()))

    def test_a_claim_that_arrives_amid_it_is_refused(self):
        """The provider would be deleted with the entries on it otherwise."""
        refused = []

        def arrive():
            refused.append(
                self.assertRaises(
                    placement.ErrorResponse, self.enter, self.provider, 'some'
                )
            )

        self.placement.interrupt('delete', '', stand_in.first(arrive))
        self.assertEqual(2, self.close(self.provider))
        self.assertTrue(refused[0].is_inventory_conflict)
        self.assertEqual({}, self.held('some'))

    def test_a_placement_that_is_away_is_no_answer(self):
        for method in ('get', 'put', 'delete'):
            self.placement.interrupt(method, '', stand_in.answer(503))
            self.assertRaises(placement.NoAnswer, self.close, self.provider)
        self.assertEqual(0, self.close(self.provider))

    def test_one_without_room_is_closed_too(self):
        empty = self.open('empty', {})
        self.assertEqual(0, self.close(empty))


class ReadTest(JournalTestCase):
    def test_without_a_journal_nothing_is_in_flight(self):
        self.assertNoJournal()
        self.assertEqual({}, journal.entries(self.client, uuids.unknown))
        self.assertFalse(journal.exists(self.client, uuids.unknown))

    def test_names_of_others_are_told_of_and_left_out(self):
        self.open('new')
        for name in ('opie:of:another', 'mine:a:1:2:3:4'):
            self.client.create_provider(
                getattr(uuids, name), name, journal.ROOT_UUID
            )
        self.assertEqual({uuids.new}, self.preemptors())
        self.assertEqual(2, len(self.logged('has no name of it')))

    def test_a_reader_learns_of_victims_and_preemptors(self):
        reader = journal_reader.Reader()
        provider = self.open('new', _ENTRY, _ENTRY)
        self.enter(provider, 'some')
        read = reader.read(self.client)
        self.assertEqual({uuids.some}, read.victims)
        self.assertEqual(
            [uuids.new], [one.preemptor for one in read.preemptions]
        )
        self.enter(provider, 'other')
        self.assertEqual(
            {uuids.some, uuids.other}, reader.read(self.client).victims
        )

    def test_a_reader_reads_again_what_has_changed_only(self):
        reader = journal_reader.Reader()
        for name in ('first', 'second'):
            self.enter(self.open(name, _ENTRY, _ENTRY), 'victim of ' + name)
        self.assertEqual(3, self.calls_of(reader.read, self.client))
        self.assertEqual(1, self.calls_of(reader.read, self.client))
        self.enter(getattr(uuids, 'journal of first'), 'another')
        self.assertEqual(2, self.calls_of(reader.read, self.client))

    def test_a_reader_forgets_what_is_closed(self):
        reader = journal_reader.Reader()
        provider = self.open('new')
        self.enter(provider, 'victim')
        reader.read(self.client)
        self.delete_server('victim')
        # A deletion raises no generation.
        self.assertEqual({uuids.victim}, reader.read(self.client).victims)
        self.close(provider)
        self.assertEqual((frozenset(), [], {}), reader.read(self.client))

    def test_one_that_is_closed_amid_the_reading_has_no_victims(self):
        provider = self.open('new')
        self.placement.interrupt(
            'get',
            '/resource_providers/.*/allocations',
            stand_in.first(lambda: self.close(provider)),
        )
        read = journal_reader.Reader().read(self.client)
        self.assertEqual(frozenset(), read.victims)
