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
"""Nothing that a user does makes a preemptible server a normal one."""

from opie.tests.functional.api import base

IMAGE = '155d900f-4e14-4e4c-a73d-069cbf4541e6'


class HidingTest(base.ApiTestCase):
    """Each test ends with a normal server in the preemptible one's place."""

    def setUp(self):
        super().setUp()
        self.server = self.create(
            flavorRef=self.flavor(4), preemptible=True, client=self.member
        )
        self.path = '/servers/%s' % self.server['id']

    def configure(self):
        super().configure()
        self.flags(allow_resize_to_same_host=True)

    def ask(self, method, path, body):
        return self.call(method, self.path + path, body, client=self.member)

    def do(self, action, argument=None):
        response = self.act(self.server, action, argument, client=self.member)
        self.assertIn(response.status_code, (200, 202), response.content)

    def assertGivesWay(self, vcpus=10):
        self.assertIs(True, self.show(self.server)['preemptible'])
        self.assertTrue(self.gives_way(self.server))
        self.create(flavorRef=self.flavor(vcpus))
        self.assertFalse(self.is_alive(self.server))

    def test_by_metadata(self):
        body = {'metadata': {'preemptible': 'false'}}
        self.assertEqual(200, self.ask('PUT', '/metadata', body).status_code)
        self.assertGivesWay()

    def test_by_tags(self):
        for tag in ('preemptible=false', 'normal'):
            response = self.ask('PUT', '/tags/' + tag, None)
            self.assertEqual(201, response.status_code)
        self.assertGivesWay()

    def test_by_an_update(self):
        for member in (
            {'preemptible': False},
            {'name': 'x', 'preemptible': 0},
        ):
            response = self.ask('PUT', '', {'server': member})
            self.assertRefused(400, 'preemptible', response)
        response = self.ask('PUT', '', {'server': {'name': 'normal'}})
        self.assertEqual(200, response.status_code)
        self.assertGivesWay()

    def test_by_a_rebuild(self):
        for argument in (
            {'imageRef': IMAGE, 'preemptible': False},
            {'imageRef': IMAGE, 'os:scheduler_hints': {'preemptible': 'no'}},
        ):
            response = self.act(
                self.server, 'rebuild', argument, client=self.member
            )
            self.assertEqual(400, response.status_code, response.content)
        response = self.call(
            'POST',
            self.path + '/action',
            {
                'rebuild': {'imageRef': IMAGE},
                'os:scheduler_hints': {'preemptible': 'no'},
            },
            client=self.member,
        )
        self.assertEqual(400, response.status_code, response.content)
        self.do('rebuild', {'imageRef': IMAGE, 'metadata': {'a': 'b'}})
        self.wait_for(self.server)
        self.assertGivesWay()

    def test_by_its_lock(self):
        self.do('lock')
        self.assertGivesWay()

    def test_by_a_rescue(self):
        self.do('rescue')
        self.wait_for(self.server, 'RESCUE')
        self.assertGivesWay()

    def test_by_a_stop(self):
        self.do('os-stop')
        self.wait_for(self.server, 'SHUTOFF')
        self.assertGivesWay()

    def test_by_a_resize_that_is_left_unconfirmed(self):
        self.do('resize', {'flavorRef': self.flavor(5)})
        self.wait_for(self.server, 'VERIFY_RESIZE')
        # Until it is confirmed, the migration holds the old flavor's 4.
        self.assertGivesWay(vcpus=6)

    def test_by_an_unshelve(self):
        self.flags(shelved_offload_time=0)
        self.do('shelve')
        self.wait_for(self.server, 'SHELVED_OFFLOADED')
        self.do('unshelve')
        self.wait_for(self.server)
        self.assertGivesWay()
