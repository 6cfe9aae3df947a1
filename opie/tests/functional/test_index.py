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

"""The index follows what happens to servers, with one query per cell."""

import time
import types

import fixtures
from nova import context as nova_context
import nova.conf
from nova.db.main import api as main_db
from nova.db.main import models as main_models
import sqlalchemy as sa

from opie.scheduler import host_manager
from opie.scheduler.nova_db import preemptibles
from opie.tests.functional import base

CONF = nova.conf.CONF

_CLOCK = 'opie.scheduler.nova_db.cell_index.time'


@main_db.pick_context_manager_writer
def _delete_record(context, uuid):
    """Delete a record as nova does when a compute is down."""
    table = main_models.Instance.__table__
    context.session.execute(
        sa.update(table).where(table.c.uuid == uuid).values(deleted=table.c.id)
    )


@main_db.pick_context_manager_writer
def _mark_once_more(context, uuid):
    """Add a mark as two requests do that write it at the same time."""
    table = main_models.InstanceSystemMetadata.__table__
    context.session.execute(
        sa.insert(table).values(
            instance_uuid=uuid, key='preemptible', value='True', deleted=0
        )
    )


class IndexCase(base.CloudTestCase):
    def setUp(self):
        super().setUp()
        self.manager = host_manager.HostManager()

    def indexed(self):
        """Return host to the servers that the index has there, in order."""
        silent = self.manager.index.refresh(self.manager.enabled_cells)
        self.assertEqual([], silent)
        cells = [cell.uuid for cell in self.manager.enabled_cells]
        found = {
            host: [
                server.uuid
                for cell in cells
                for server in self.manager.index.on(cell, host, host)
            ]
            for host in self.computes
        }
        return {host: uuids for host, uuids in found.items() if uuids}

    def assertIndexed(self, **servers):
        """Assert which servers are on which host, now and read anew."""
        expected = {
            host: sorted(server['id'] for server in here)
            for host, here in servers.items()
        }
        self.assertEqual(expected, self.indexed())
        before, self.manager = self.manager, host_manager.HostManager()
        self.assertEqual(expected, self.indexed())
        self.manager = before

    def change(self, server, **fields):
        instance = self.instance(server)
        for name, value in fields.items():
            setattr(instance, name, value)
        instance.save()


class IndexTest(IndexCase):
    def test_boots_and_deletions(self):
        self.assertIndexed()
        first = self.boot_preemptible(1, 'host1')
        self.boot(1, 'host1')
        self.assertIndexed(host1=[first])
        second = self.boot_preemptible(1, 'host1')
        third = self.boot_preemptible(1, 'host2')
        self.assertIndexed(host1=[first, second], host2=[third])
        self.api.delete_server(first['id'])
        self._wait_until_deleted(first)
        self.assertIndexed(host1=[second], host2=[third])

    def test_a_deletion_while_the_compute_is_down(self):
        server = self.boot_preemptible(1, 'host1')
        self.assertIndexed(host1=[server])
        (service,) = self.api.get_services(binary='nova-compute', host='host1')
        self.api.put_service_force_down(service['id'], True)
        self.api.delete_server(server['id'])
        self._wait_until_deleted(server)
        self.assertIndexed()

    def test_a_server_that_is_marked_twice(self):
        server = self.boot(5, 'host1')
        with nova_context.target_cell(
            nova_context.get_admin_context(), self.cell_mappings['cell1']
        ) as context:
            for _ in range(2):
                _mark_once_more(context, server['id'])
        self.assertIndexed(host1=[server])
        preemptor = self.boot(10, 'host1')
        self.assertUntouched(preemptor)
        self.assertGone(server)

    def test_a_record_that_goes_without_a_trace(self):
        server = self.boot_preemptible(1, 'host1')
        self.change(server, task_state='deleting')
        self.assertIndexed(host1=[server])
        with nova_context.target_cell(
            nova_context.get_admin_context(), self.cell_mappings['cell1']
        ) as context:
            _delete_record(context, server['id'])
        self.assertIndexed()

    def test_a_migration(self):
        server = self.boot_preemptible(1, 'host1')
        self.assertIndexed(host1=[server])
        self.api.post_server_action(server['id'], {'migrate': None})
        self._wait_for_state_change(server, 'VERIFY_RESIZE')
        self.assertIndexed(host2=[server])

    def test_a_resize_to_and_from_a_preemptible_flavor(self):
        flavor = self.flavor(2, extra_specs={'opie:preemptible': 'true'})
        server = self.boot(1, 'host1')
        self.assertIndexed()
        for flavor_id, expected in ((flavor, True), (self.flavor(1), False)):
            self.api.post_server_action(
                server['id'], {'resize': {'flavorRef': flavor_id}}
            )
            self._wait_for_state_change(server, 'VERIFY_RESIZE')
            self.api.post_server_action(server['id'], {'confirmResize': None})
            self._wait_for_state_change(server, 'ACTIVE')
            host = self.host_of(server)
            self.assertIndexed(**({host: [server]} if expected else {}))

    def test_what_it_has_of_a_server_is_up_to_date(self):
        server = self.boot_preemptible(1, 'host1')
        self.indexed()
        self.change(server, task_state='image_snapshot', locked_by='admin')
        self.indexed()
        (cell,) = self.manager.enabled_cells
        (indexed,) = self.manager.index.on(cell.uuid, 'host1', 'host1')
        self.assertEqual(
            ('image_snapshot', 'admin'),
            (indexed.task_state, indexed.locked_by),
        )
        launched_at = self.instance(server).launched_at
        self.assertEqual(launched_at.timestamp(), indexed.launched_at)


class FreshnessTest(IndexCase):
    def count_reads(self):
        """Count the reads of all servers, and of those that changed."""
        reads = {'rows_on_hosts': 0, 'rows_changed_since': 0}

        def counted(name):
            def read(real, *args):
                reads[name] += 1
                return real(*args)

            self.wrap(preemptibles, name, read)

        for name in reads:
            counted(name)
        return reads

    def refresh(self, is_routine=False):
        self.manager.index.refresh(
            self.manager.enabled_cells, is_routine=is_routine
        )

    def test_all_is_read_once_and_then_what_changed(self):
        reads = self.count_reads()
        for _ in range(3):
            self.refresh()
        self.assertEqual({'rows_on_hosts': 1, 'rows_changed_since': 2}, reads)

    def test_nothing_is_read_while_it_is_young_enough(self):
        reads = self.count_reads()
        for _ in range(3):
            self.manager.index.refresh(self.manager.enabled_cells, 3600)
        self.assertEqual({'rows_on_hosts': 1, 'rows_changed_since': 0}, reads)

    def test_what_was_missed_is_found_when_all_is_read_anew(self):
        server = self.boot_preemptible(1, 'host1')
        self.assertIndexed(host1=[server])
        self.wrap(preemptibles, 'rows_changed_since', lambda *args: [])
        other = self.boot_preemptible(1, 'host2')
        self.assertEqual({'host1': [server['id']]}, self.indexed())
        self.let_pass(CONF.opie.index_reread_seconds)
        self.refresh(is_routine=True)
        self.assertEqual(
            {'host1': [server['id']], 'host2': [other['id']]}, self.indexed()
        )

    def let_pass(self, seconds):
        """Let the index believe that some time has passed."""
        later = types.SimpleNamespace(
            monotonic=lambda: time.monotonic() + seconds
        )
        self.useFixture(fixtures.MonkeyPatch(_CLOCK, later))

    def test_a_request_leaves_reading_anew_to_the_routine(self):
        self.refresh()
        self.let_pass(1.5 * CONF.opie.index_reread_seconds)
        reads = self.count_reads()
        self.refresh()
        self.assertEqual({'rows_on_hosts': 0, 'rows_changed_since': 1}, reads)
        self.refresh(is_routine=True)
        self.assertEqual({'rows_on_hosts': 1, 'rows_changed_since': 1}, reads)

    def test_a_silent_cell_is_named_and_read_when_it_is_back(self):
        def fail(real, *args):
            raise RuntimeError('the database is away')

        (cell,) = self.manager.enabled_cells
        self.wrap_once(preemptibles, 'rows_on_hosts', fail)
        index = self.manager.index
        self.assertEqual(
            [cell.uuid], index.refresh(self.manager.enabled_cells)
        )
        # A silent cell is left alone for a while.
        self.assertEqual(
            [cell.uuid], index.refresh(self.manager.enabled_cells)
        )
        self.let_pass(60)
        self.assertEqual([], index.refresh(self.manager.enabled_cells))
        self.wrap_once(preemptibles, 'rows_changed_since', fail)
        self.assertEqual(
            [cell.uuid], index.refresh(self.manager.enabled_cells)
        )
        self.let_pass(120)
        self.assertEqual([], index.refresh(self.manager.enabled_cells))
