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

"""What is kept of a few servers is what a look at all of them tells."""

import random
import types

from nova.compute import vm_states
import testtools

from opie.scheduler.nova_db import cell_index
from opie.tests.unit.planning import test_protection


def _row(uuid, is_there=True):
    return types.SimpleNamespace(
        uuid=uuid, deleted=0, host='host' if is_there else None, vm_state=''
    )


class CellIndexTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.cell = cell_index.CellIndex()

    def take_whole(self, *servers):
        self.cell.take_whole(
            [_row(one.uuid) for one in servers],
            {one.uuid: one for one in servers},
            cell_index.Moment.now(),
        )

    def take_changes(self, *servers, gone=(), vanished=()):
        self.cell.take_changes(
            [_row(one.uuid) for one in servers]
            + [_row(uuid, is_there=False) for uuid in gone],
            {one.uuid: one for one in servers},
            vanished,
            cell_index.Moment.now(),
        )

    def assertKept(self):
        servers = [
            one for on_host in self.cell.by_host.values() for one in on_host
        ]
        self.assertEqual(
            {
                one.uuid: one
                for one in servers
                if one.asked_to_delete_at is not None
            },
            self.cell.asked_to_delete,
        )
        self.assertEqual(
            {
                one.uuid: one
                for one in servers
                if one.vm_state == vm_states.RESIZED
            },
            self.cell.resized,
        )
        self.assertEqual(
            {one.flavor_id for one in servers if one.flavor_id is not None},
            self.cell.flavors,
        )

    def test_a_deletion_that_is_asked_for_and_ends(self):
        server = test_protection.server
        self.take_whole(server(uuid='a'), server(uuid='b'))
        self.assertEqual({}, self.cell.asked_to_delete)
        asked = server(uuid='a', asked_to_delete_at=1.0)
        self.take_changes(asked)
        self.assertEqual({'a': asked}, self.cell.asked_to_delete)
        self.take_changes(vanished=['a'])
        self.assertEqual({}, self.cell.asked_to_delete)

    def test_the_last_server_of_a_flavor_is_told_from_others(self):
        server = test_protection.server
        self.take_whole(*(server(uuid=one, flavor_id='x') for one in 'ab'))
        self.take_changes(gone=['a'])
        self.assertEqual({'x'}, self.cell.flavors)
        self.take_changes(gone=['b'])
        self.assertEqual(frozenset(), self.cell.flavors)

    def test_after_any_changes(self):
        number = random.Random(1)
        for _ in range(300):
            servers = [
                test_protection.server(
                    uuid=uuid,
                    host=number.choice('12'),
                    vm_state=number.choice(['active', vm_states.RESIZED]),
                    asked_to_delete_at=number.choice([None, None, 1.0]),
                    flavor_id=number.choice([None, 'x', 'y', 'z']),
                )
                for uuid in number.sample('abcdefgh', 3)
            ]
            if number.random() < 0.1:
                self.take_whole(*servers)
            else:
                self.take_changes(
                    *servers[:2],
                    gone=[servers[2].uuid],
                    vanished=number.sample('ijabcd', 2)[:1]
                    if number.random() < 0.5
                    else (),
                )
            self.assertKept()
