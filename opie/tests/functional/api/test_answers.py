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
"""The member ``preemptible`` in answers, and lists of preemptible servers."""

import contextlib
import threading

from nova import context as nova_context
from nova.db.api import api as api_db
from nova.db.main import api as main_db
from nova.scheduler import manager
from oslo_db import exception as db_exc
import sqlalchemy as sa

from opie.tests import waits
from opie.tests.functional.api import base

IMAGE = '155d900f-4e14-4e4c-a73d-069cbf4541e6'


class AnswersTest(base.ApiTestCase):
    def test_every_answer_that_shows_a_server_says_it(self):
        for version in base.MICROVERSIONS:
            for is_preemptible in (True, False):
                server = self.create(version, preemptible=is_preemptible)
                path = '/servers/%s' % server['id']
                renamed = {'server': {'name': 'renamed'}}
                rebuild = {'rebuild': {'imageRef': IMAGE}}
                for method, suffix, body in (
                    ('GET', '', None),
                    ('PUT', '', renamed),
                    ('POST', '/action', rebuild),
                ):
                    answer = self.call(
                        method, path + suffix, body, version=version
                    )
                    self.assertIs(
                        is_preemptible, answer.json()['server']['preemptible']
                    )
                self.wait_for(server)
                for path in ('/servers/detail', '/servers'):
                    (listed,) = self.list(version=version, path=path)
                    self.assertIs(is_preemptible, listed['preemptible'])
                self.api.delete_server(server['id'])
                self._wait_until_deleted(server)

    def test_a_server_that_waits_for_its_host_says_it(self):
        marked = self.flavor(1, extra_specs={'opie:preemptible': 'true'})
        go_on = threading.Event()

        def hold(real, *args, **kwargs):
            go_on.wait(waits.WAIT_SECONDS)
            return real(*args, **kwargs)

        self.wrap(manager.SchedulerManager, 'select_destinations', hold)
        self.addCleanup(go_on.set)
        for members in ({'preemptible': True}, {'flavorRef': marked}):
            server = self.post(**members).json()['server']
            self.assertIs(True, self.show(server)['preemptible'])
        server = self.post().json()['server']
        self.assertIs(False, self.show(server)['preemptible'])

    def test_a_server_that_found_no_room_says_it(self):
        huge = self.flavor(100)
        server = self.post(flavorRef=huge, preemptible=True).json()['server']
        self.wait_for(server, 'ERROR')
        self.assertIs(True, self.show(server)['preemptible'])

    def test_a_flavor_mark_is_shown_without_its_extra_specs(self):
        marked = self.flavor(1, extra_specs={'opie:preemptible': 'true'})
        server = self.create(flavorRef=marked)
        shown = self.show(server, '2.1')
        self.assertNotIn('extra_specs', shown['flavor'])
        self.assertIs(True, shown['preemptible'])

    def test_a_deleted_server_says_it(self):
        told = {}
        for is_preemptible in (True, False):
            server = self.create(preemptible=is_preemptible)
            told[server['id']] = is_preemptible
            self.api.delete_server(server['id'])
            self._wait_until_deleted(server)
        servers = self.list('?deleted=1')
        self.assertEqual(
            told, {server['id']: server['preemptible'] for server in servers}
        )

    def test_nova_s_own_media_type_says_it_too(self):
        self.create(preemptible=True)
        self.create()
        media_type = 'application/vnd.openstack.compute+json'
        for query, told in (
            ('', [False, True]),
            ('?preemptible=true', [True]),
        ):
            response = self.call(
                'GET', '/servers/detail' + query, Accept=media_type
            )
            self.assertEqual(
                media_type, response.headers['Content-Type'].partition(';')[0]
            )
            servers = response.json()['servers']
            self.assertEqual(
                told, sorted(server['preemptible'] for server in servers)
            )

    def test_a_page_costs_the_same_however_many_servers_it_has(self):
        for _ in range(2):
            self.create(preemptible=True)
        self.list()
        few = self._count_queries()
        for _ in range(3):
            self.create(preemptible=True)
        self.list()
        self.assertEqual(few, self._count_queries())

    def _count_queries(self):
        """Return how many statements a page takes.

        Services report in the background, which can only add to it: the
        least of some pages is what one takes.
        """
        managers = [
            api_db.context_manager,
            main_db.context_manager,
            *self._cell_managers(),
        ]
        counts = [self._count_once(managers) for _ in range(5)]
        self.assertNotIn(0, counts)
        return min(counts)

    def _count_once(self, managers):
        statements = []
        with self._each_statement(
            lambda *args: statements.append(args), managers
        ):
            self.list()
        return len(statements)

    @contextlib.contextmanager
    def _each_statement(self, listener, managers):
        """Call the listener before each statement on some databases."""
        engines = {manager.reader.get_engine() for manager in managers}
        for engine in engines:
            sa.event.listen(engine, 'before_cursor_execute', listener)
        try:
            yield
        finally:
            for engine in engines:
                sa.event.remove(engine, 'before_cursor_execute', listener)

    def _cell_managers(self):
        for mapping in self.cell_mappings.values():
            with nova_context.target_cell(
                nova_context.get_admin_context(), mapping
            ) as cell_context:
                if cell_context.db_connection is not None:
                    yield cell_context.db_connection

    def test_a_cell_that_is_silent_leaves_it_out(self):
        self.create(preemptible=True)
        with self._each_statement(_fail, self._cell_managers()):
            (server,) = self.list()
            self.assertEqual('UNKNOWN', server['status'])
            self.assertNotIn('preemptible', server)
            self.assertEqual([], self.list('?preemptible=true'))
            self.assertEqual([], self.list('?preemptible=false'))


def _fail(connection, cursor, statement, *args):
    # NOTE: nova 32, nova/objects/instance.py, fill_faults: read from the main
    # database, which nova's fixtures have be that of a cell.
    if statement != 'BEGIN' and 'instance_faults' not in statement:
        raise db_exc.DBError()


class ListTest(base.ApiTestCase):
    def setUp(self):
        super().setUp()
        self.servers = [
            self.create(name='server-%d' % number, preemptible=kind)
            for number, kind in enumerate((True, False, True))
        ]

    def ids(self, servers):
        return {server['id'] for server in servers}

    def test_a_parameter_chooses(self):
        for version in base.MICROVERSIONS:
            for path in ('/servers', '/servers/detail'):
                for text, wanted in (
                    ('true', (0, 2)),
                    ('1', (0, 2)),
                    ('False', (1,)),
                    ('no', (1,)),
                ):
                    found = self.list(
                        '?preemptible=' + text, version=version, path=path
                    )
                    self.assertEqual(
                        self.ids(self.servers[i] for i in wanted),
                        self.ids(found),
                    )

    def test_other_parameters_still_count(self):
        query = '?name=server-&preemptible=true&status=ACTIVE&sort_dir=asc'
        self.assertEqual(2, len(self.list(query)))
        query = '?preemptible=true&name=another'
        self.assertEqual(0, len(self.list(query)))

    def test_the_links_of_other_lists_are_those_of_nova(self):
        page = self.call('GET', '/servers/detail?limit=1').json()
        (link,) = page['servers_links']
        self.assertNotIn('preemptible', link['href'])

    def test_what_is_no_boolean_is_refused(self):
        for version in base.MICROVERSIONS:
            for path in ('/servers', '/servers/detail'):
                for text in ('', 'maybe', 'tRuE', 'true&preemptible=x'):
                    response = self.call(
                        'GET', path + '?preemptible=' + text, version=version
                    )
                    self.assertRefused(
                        400,
                        'Invalid input for query parameters preemptible.',
                        response,
                    )

    def test_an_unknown_parameter_gets_the_answer_of_nova(self):
        response = self.call('GET', '/servers/detail?preemptibel=true')
        self.assertRefused(400, 'preemptibel', response)
