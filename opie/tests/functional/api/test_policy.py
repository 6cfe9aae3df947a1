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
"""Which users may or must create preemptible servers, and may preempt."""

from nova.tests.functional.api import client

from opie.tests.functional.api import base

NO_USER = '!'


class PolicyTest(base.ApiTestCase):
    def setUp(self):
        super().setUp()
        self.marked = self.flavor(1, extra_specs={'opie:preemptible': 'true'})

    def forbids(self, rule, response):
        self.assertRefused(
            403,
            "Policy doesn't allow %s to be performed." % rule,
            response,
        )

    def test_by_default_all_users_may_and_none_must(self):
        for preemptible in (True, False):
            server = self.create(client=self.member, preemptible=preemptible)
            self.assertIs(preemptible, server['preemptible'])

    def test_which_users_may_create_preemptible_servers(self):
        self.set_policy(create_preemptible=NO_USER)
        rule = 'opie:create:preemptible'
        for response in (
            self.post(preemptible=True),
            self.post(hints={'preemptible': 'yes'}),
            self.post(flavorRef=self.marked),
            self.post(flavorRef=self.marked, preemptible=False),
            self.post('2.1', preemptible=True, client=self.member),
        ):
            self.forbids(rule, response)
        self.assertNothingCreated()
        self.create()

    def test_which_users_must(self):
        held = 'not project_id:%s' % self.member.project_id
        self.set_policy(create_normal=held)
        for response in (
            self.post(),
            self.post(preemptible=False),
            self.post(hints={'preemptible': []}),
            self.post('2.1', client=self.member),
        ):
            self.forbids('opie:create:normal', response)
        self.assertNothingCreated()
        self.create(preemptible=True)
        self.create(flavorRef=self.marked)
        self.set_policy(create_normal='not project_id:another')
        self.create()

    def test_an_overridden_method_is_no_way_around(self):
        server = self.create(flavorRef=self.marked)
        self.set_policy(create_normal=NO_USER)
        body = {'server': self.server_body()}
        resize = {'resize': {'flavorRef': self.flavor_id}}
        action = '/servers/%s/action' % server['id']
        for method in ('PUT', 'POST'):
            for path, rule, sent in (
                ('/servers', 'opie:create:normal', body),
                (action, 'opie:resize:normal', resize),
            ):
                response = self.call(method, path + '?_method=post', sent)
                self.forbids(rule, response)
        self.assertEqual(1, len(self.list()))

    def test_rules_may_refer_to_those_of_nova(self):
        self.set_policy(create_preemptible='rule:context_is_admin')
        self.assertEqual(202, self.post(preemptible=True).status_code)
        self.forbids(
            'opie:create:preemptible',
            self.post(preemptible=True, client=self.member),
        )

    def test_a_resize_follows_the_flavor(self):
        server = self.create()
        for flavor, is_preemptible in (
            (self.marked, True),
            (self.flavor_id, False),
        ):
            response = self.resize(server, flavor)
            self.assertEqual(202, response.status_code, response.content)
            self.wait_for(server, 'VERIFY_RESIZE')
            self.assertIs(is_preemptible, self.show(server)['preemptible'])
            self.assertEqual(is_preemptible, self.gives_way(server))
            self.act(server, 'confirmResize')
            self.wait_for(server)

    def resize(self, server, flavor):
        return self.act(server, 'resize', {'flavorRef': flavor})

    def configure(self):
        super().configure()
        self.flags(allow_resize_to_same_host=True)

    def test_the_policy_may_refuse_what_a_resize_would_change(self):
        normal = self.create()
        by_flavor = self.create(flavorRef=self.marked)
        by_hint = self.create(preemptible=True)
        another_marked = self.flavor(
            2, extra_specs={'opie:preemptible': 'true'}
        )
        self.set_policy(resize_preemptible=NO_USER, resize_normal=NO_USER)
        self.forbids(
            'opie:resize:preemptible', self.resize(normal, self.marked)
        )
        self.forbids(
            'opie:resize:normal', self.resize(by_flavor, self.flavor_id)
        )
        for server, flavor in (
            (normal, self.flavor(2)),
            (by_flavor, another_marked),
            (by_hint, self.marked),
        ):
            response = self.resize(server, flavor)
            self.assertEqual(202, response.status_code, response.content)
            self.wait_for(server, 'VERIFY_RESIZE')
        response = self.resize(by_hint, self.flavor_id)
        self.assertEqual(409, response.status_code, response.content)

    def test_users_of_preemptible_servers_only_cannot_resize_to_others(self):
        server = self.create(flavorRef=self.marked)
        self.set_policy(create_normal=NO_USER)
        self.forbids('opie:resize:normal', self.resize(server, self.flavor_id))

    def test_a_resize_of_nothing_gets_the_answer_of_nova(self):
        self.set_policy(resize_preemptible=NO_USER, resize_normal=NO_USER)
        nothing = {'id': 'none'}
        response = self.resize(nothing, self.marked)
        self.assertEqual(404, response.status_code)
        server = self.create()
        for argument in (None, [], {}, {'flavorRef': None}):
            response = self.act(server, 'resize', argument)
            self.assertEqual(400, response.status_code, response.content)

    def test_the_servers_of_others_stay_unknown(self):
        server = self.create(flavorRef=self.marked)
        self.set_policy(resize_normal=NO_USER)
        stranger = client.TestOpenStackClient(
            'stranger',
            self.member.base_url,
            project_id='0123456789abcdef0123456789abcdef',
            roles=['reader', 'member'],
        )
        response = self.act(
            server, 'resize', {'flavorRef': self.flavor_id}, client=stranger
        )
        self.assertEqual(404, response.status_code, response.content)
        self.forbids('opie:resize:normal', self.resize(server, self.flavor_id))

    def test_which_users_may_preempt(self):
        self.set_policy(preempt='not project_id:%s' % self.member.project_id)
        victim = self.create(flavorRef=self.flavor(10), preemptible=True)
        server = self.post().json()['server']
        self.wait_for(server, 'ERROR')
        self.assertTrue(self.is_alive(victim))
        (line,) = self.logged('No room is made for')
        self.assertIn('policy opie:preempt does not allow it', line)
        self.set_policy()
        self.create()
        self.assertFalse(self.is_alive(victim))
