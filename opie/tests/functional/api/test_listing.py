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
"""Lists of preemptible servers, page for page."""

import itertools
import threading

from nova.scheduler import manager

from opie.scheduler.nova_db import marks
from opie.tests import waits
from opie.tests.functional.api import base

# Whether each server is preemptible, in the order of their names.  The
# preemptible ones are few, and not at the beginning.
KINDS = (False, False, False, True, False, True, False)
# NOTE: nova's own lists have servers twice, or lack some, where they span
# several cells and are sorted by several keys.
ORDERS = (
    '',
    '&sort_key=display_name&sort_dir=asc',
    '&sort_key=uuid',
)
FILTERS = (
    '',
    '&all_tenants=1',
    '&status=ACTIVE',
    '&name=server-[2-9]',
    '&changes-since=2020-01-01T00:00:00Z',
    '&deleted=1',
)


class ListingTest(base.ApiTestCase):
    # Far less than nova's, so that few servers have several pages.
    max_limit = 3

    def configure(self):
        super().configure()
        self.flags(max_limit=self.max_limit, group='api')

    def setUp(self):
        super().setUp()
        if self.has_api_filter:
            from opie.api import listing

            self.patch(listing, '_LONG_PAGE', 2)
            self.patch(marks, '_BATCH', 2)
        self.kind_of = {}
        for number, kind in enumerate(KINDS):
            server = self.create(name='server-%d' % number, preemptible=kind)
            self.kind_of[server['id']] = kind
        # One of each kind that no host has room for, so that it is in cell0.
        self.huge = self.flavor(1000)
        for kind in (True, False):
            self.keep(kind, 'ERROR', name='huge', flavorRef=self.huge)

    def keep(self, kind, state, **members):
        server = self.post(preemptible=kind, **members).json()['server']
        self.kind_of[server['id']] = kind
        if state:
            self.wait_for(server, state)
        return server

    def pages(self, path, query, **kwargs):
        """Return the ids on each page, following the links."""
        url = '%s?%s' % (path, query.lstrip('&'))
        pages = []
        while url:
            response = self.call('GET', url, opie=None, **kwargs)
            self.assertEqual(200, response.status_code, response.content)
            page = response.json()
            pages.append([server['id'] for server in page['servers']])
            (link,) = page.get('servers_links', [None])
            url = link and link['href'].partition('/v2.1')[2]
        return pages

    def check(self, path, query, limit='', size=None, **kwargs):
        """Compare the pages of a list with those of nova without a choice."""
        of_all = sum(self.pages(path, query, **kwargs), [])
        for text, kind in (('true', True), ('0', False)):
            expected = [one for one in of_all if self.kind_of[one] is kind]
            asked = '%s&preemptible=%s%s' % (query, text, limit)
            pages = self.pages(path, asked, **kwargs)
            self.assertEqual(expected, sum(pages, []), asked)
            *full, last = pages
            for page in full:
                self.assertEqual(size or self.max_limit, len(page), asked)
            # As with nova's own pages, none but the last one may be empty.
            self.assertLessEqual(len(last), size or self.max_limit)

    def test_every_page_is_full_but_the_last(self):
        server = self.create(preemptible=True)
        self.kind_of[server['id']] = True
        self.api.delete_server(server['id'])
        self._wait_until_deleted(server)
        for query in map(''.join, itertools.product(FILTERS, ORDERS)):
            self.check('/servers', query)
            self.check('/servers', query, '&limit=1', 1)
        for path, query in (('/servers/detail', ''), ('/servers', ORDERS[1])):
            for limit, size in (('&limit=2', 2), ('&limit=99999', None)):
                self.check(path, query, limit, size)
        for version in base.MICROVERSIONS:
            self.check('/servers/detail', '', '', version=version)
        self.check('/servers/detail', '', '&limit=1', 1, client=self.member)

    def test_no_list_has_more_than_its_limit_of_nothing(self):
        for path in ('/servers', '/servers/detail'):
            query = '?preemptible=true&limit=0'
            self.assertEqual([], self.list(query, path=path))

    def test_a_page_may_begin_behind_any_server(self):
        order = ORDERS[1]
        of_all = sum(self.pages('/servers', order), [])
        for place, marker in enumerate(of_all):
            for text, kind in (('yes', True), ('no', False)):
                query = '%s&preemptible=%s&limit=1&marker=%s' % (
                    order,
                    text,
                    marker,
                )
                pages = self.pages('/servers', query)
                self.assertEqual(
                    [
                        one
                        for one in of_all[place + 1 :]
                        if self.kind_of[one] is kind
                    ],
                    sum(pages, []),
                )
        response = self.call('GET', '/servers?preemptible=yes&marker=none')
        self.assertRefused(400, 'marker [none] not found', response)

    def test_servers_that_wait_for_their_hosts_are_on_the_pages(self):
        go_on = threading.Event()

        def hold(real, *args, **kwargs):
            go_on.wait(waits.WAIT_SECONDS)
            return real(*args, **kwargs)

        self.wrap(manager.SchedulerManager, 'select_destinations', hold)
        self.addCleanup(go_on.set)
        for kind in (False, True, False, True):
            self.keep(kind, None)
        for limit, size in (('', None), ('&limit=1', 1)):
            self.check('/servers', '', limit, size)

    def test_the_choice_of_one_request_is_not_that_of_the_next(self):
        self.list('?preemptible=true')
        found = sum(self.pages('/servers', ''), [])
        self.assertEqual(self.kind_of.keys(), set(found))
