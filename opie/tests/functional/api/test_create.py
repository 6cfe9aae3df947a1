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
"""Requests for a server with ``"preemptible"``, and their answers."""

from testtools import testcase

from opie.tests.functional.api import base

TRUE_VALUES = (True, 'true', 'True', 'YES', 'on', '1')
FALSE_VALUES = (False, 'false', 'no', 'OFF', '0')
NO_BOOLEANS = (None, 0, 1, 1.0, 'maybe', '', 'tRuE', 'y', [], [True], {})
NO_HINTS = (None, {}, {'a': 'b'}, 'maybe', 1, 't', ['maybe'], [None], [[]])


class CreateTest(base.ApiTestCase):
    @testcase.attr('smoke')
    def test_a_true_member_makes_the_server_preemptible(self):
        for version in base.MICROVERSIONS:
            server = self.create(version, preemptible=True)
            self.assertIs(True, server['preemptible'])
            self.assertTrue(self.has_true_hint(server))
            self.assertTrue(self.gives_way(server))

    def test_a_false_or_missing_member_makes_it_normal(self):
        for version in base.MICROVERSIONS:
            for members in ({'preemptible': False}, {}):
                server = self.create(version, **members)
                self.assertIs(False, server['preemptible'])
                self.assertFalse(self.gives_way(server))

    def test_all_booleans_of_nova_count(self):
        for value in TRUE_VALUES + FALSE_VALUES:
            server = self.create(preemptible=value)
            self.api.delete_server(server['id'])
            self.assertIs(value in TRUE_VALUES, server['preemptible'])

    def test_what_is_no_boolean_creates_nothing(self):
        for version in base.MICROVERSIONS:
            for value in NO_BOOLEANS:
                response = self.post(version, preemptible=value)
                self.assertRefused(
                    400,
                    'Invalid input for field/attribute preemptible. '
                    'Value: %s.' % (value,),
                    response,
                )
        self.assertNothingCreated()

    def test_a_hint_says_the_same(self):
        for hint in (True, 'true', 'ON', ['true'], [True, 'yes']):
            server = self.create(hints={'preemptible': hint})
            self.assertIs(True, server['preemptible'])
            self.assertTrue(self.gives_way(server))
        for hint in (False, 'off', [], ['no'], ['true', 'false']):
            server = self.create(hints={'preemptible': hint})
            self.assertIs(False, server['preemptible'])
            self.assertFalse(self.gives_way(server))

    def test_a_malformed_hint_creates_nothing(self):
        for hint in NO_HINTS:
            response = self.post(hints={'preemptible': hint})
            self.assertRefused(
                400, 'Invalid input for field/attribute preemptible', response
            )
        self.assertNothingCreated()

    def test_marks_that_contradict_each_other_create_nothing(self):
        yes, no = {'preemptible': True}, {'preemptible': False}
        legacy = 'OS-SCH-HNT:scheduler_hints'
        for response in (
            self.post(hints=no, **yes),
            self.post(hints=yes, **no),
            self.post(outer={legacy: no}, **yes),
            self.post(hints=no, outer={legacy: yes}),
        ):
            self.assertRefused(400, 'contradict each other', response)
        self.assertNothingCreated()

    def test_other_hints_of_either_spelling_are_kept(self):
        for spelling in ('os:scheduler_hints', 'OS-SCH-HNT:scheduler_hints'):
            server = self.create(
                outer={spelling: {'color': 'red'}}, preemptible=True
            )
            self.assertTrue(self.gives_way(server))
            hints = self.show(server)['scheduler_hints']
            self.assertEqual(['red'], hints['color'])

    def test_a_mark_counts_that_nova_would_not_read(self):
        server = self.create(
            hints={'color': 'red'},
            outer={'OS-SCH-HNT:scheduler_hints': {'preemptible': True}},
        )
        self.assertIs(True, server['preemptible'])
        self.assertTrue(self.gives_way(server))

    def test_hints_that_are_no_object_get_the_answer_of_nova(self):
        for hints in ([], 'red', 1):
            response = self.post(hints=hints, preemptible=True)
            self.assertRefused(400, "is not of type 'object'", response)
        self.assertNothingCreated()

    def test_several_servers_of_one_request_are_all_marked(self):
        self.create(min_count=2, max_count=2, preemptible=True)
        servers = self.list()
        self.assertEqual(2, len(servers))
        for server in servers:
            self.assertIs(True, server['preemptible'])

    def test_an_answer_without_a_server_is_left_alone(self):
        response = self.post(preemptible=True, return_reservation_id=True)
        self.assertEqual(['reservation_id'], list(response.json()))
        (server,) = self.list()
        self.assertIs(True, server['preemptible'])

    def test_the_other_name_of_servers_is_no_way_around(self):
        response = self.post('2.1', path='/os-volumes_boot', preemptible='x')
        self.assertRefused(400, 'preemptible', response)

    def test_a_path_with_a_trailing_newline_is_no_way_around(self):
        response = self.post(path='/servers%0A', preemptible='maybe')
        self.assertRefused(400, 'preemptible', response)

    def test_a_refusal_carries_the_version(self):
        response = self.post('2.88', preemptible='maybe')
        self.assertEqual(
            'compute 2.88, opie 1.0',
            response.headers['OpenStack-API-Version'],
        )
        self.assertIn('OpenStack-API-Version', response.headers['Vary'])

    def test_a_bad_version_gets_the_answer_of_nova(self):
        response = self.post('2.9999', preemptible='maybe')
        self.assertEqual(406, response.status_code)

    def test_bodies_that_are_no_json_object_get_the_answer_of_nova(self):
        for body in (b'', b'{', b'[]', b'null', b'"x"', b'{}'):
            response = self.call('POST', '/servers', body)
            self.assertEqual(400, response.status_code, body)
        response = self.call('POST', '/servers', b'\xff')
        self.assertEqual(500, response.status_code)
        response = self.call(
            'POST', '/servers', b'{"server": []}', **{'Content-Type': 'a/b'}
        )
        self.assertEqual(415, response.status_code)
        response = self.call('POST', '/servers', b'[' * 200_000)
        self.assertEqual(413, response.status_code)
        self.assertNothingCreated()

    def test_the_answer_is_as_long_as_it_says(self):
        response = self.post(preemptible=True)
        self.assertEqual(
            len(response.content), int(response.headers['Content-Length'])
        )
        self.assertIn('Location', response.headers)


class LegacyCreateTest(base.ApiTestCase):
    def setUp(self):
        super().setUp()
        self.admin.base_url = self.admin.base_url.replace('/v2.1', '/v2')

    def test_the_member_works_where_nova_drops_what_it_does_not_know(self):
        server = self.create('2.1', preemptible=True)
        # This API takes no version of anything.
        self.assertNotIn('preemptible', server)
        self.assertTrue(self.gives_way(server))
        self.flags(always_show_preemptible=True, group='opie')
        server = self.create('2.1', preemptible=True)
        self.assertIs(True, server['preemptible'])
        self.assertTrue(self.gives_way(server))
        self.assertRefused(
            400, 'preemptible', self.post('2.1', preemptible='maybe')
        )


class FlavorTest(base.ApiTestCase):
    def test_the_flavor_decides_against_the_request(self):
        marked = self.flavor(1, extra_specs={'opie:preemptible': 'true'})
        for members in ({}, {'preemptible': False}, {'preemptible': True}):
            server = self.create(flavorRef=marked, **members)
            self.assertIs(True, server['preemptible'])
            self.assertIs(True, self.show(server)['preemptible'])
            self.assertTrue(self.gives_way(server))

    def test_the_flavor_may_be_named_by_its_url(self):
        marked = self.flavor(1, extra_specs={'opie:preemptible': 'true'})
        server = self.create(flavorRef='http://nova/flavors/' + marked)
        self.assertIs(True, server['preemptible'])

    def test_a_flavor_that_does_not_exist_gets_the_answer_of_nova(self):
        for flavor in ('none', 'http://['):
            response = self.post(flavorRef=flavor, preemptible=True)
            self.assertIn(response.status_code, (400, 500))
            self.assertNotIn('preemptible', response.text)
