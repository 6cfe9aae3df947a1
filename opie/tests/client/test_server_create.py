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

"""``openstack server create --preemptible``."""

from opie.tests.client import base

_CREATE = 'server create --image an-image --flavor %s '


class ServerCreateTest(base.ClientTestCase):
    def setUp(self):
        super().setUp()
        self.create = _CREATE % self.flavor(1)

    def boot_by_command(self, cloud, options, microversion='2.1'):
        """Return what is shown of the new server, and the hints it has."""
        shown = self.json(
            cloud, self.create + options + ' a', microversion=microversion
        )
        server = self._wait_for_state_change(shown, 'ACTIVE')
        return shown, server['scheduler_hints'] or {}

    def test_the_option_is_a_hint_that_every_api_accepts(self):
        for cloud in self.plain, self.with_opie:
            shown, hints = self.boot_by_command(
                cloud, '--preemptible --hint other=1'
            )
            self.assertIs(True, shown['preemptible'])
            self.assertEqual({'preemptible': ['true'], 'other': ['1']}, hints)

    def test_without_the_option_the_request_is_as_before(self):
        shown, hints = self.boot_by_command(self.with_opie, '')
        self.assertIs(False, shown['preemptible'])
        self.assertEqual({}, hints)
        shown, hints = self.boot_by_command(self.plain, '')
        self.assertIsNone(shown['preemptible'])
        self.assertEqual({}, hints)

    def test_the_hint_is_shown_like_the_option(self):
        for options, is_preemptible in (
            ('--hint preemptible=YES', True),
            ('--preemptible --hint preemptible=1', True),
            ('--hint preemptible=true --hint preemptible=false', None),
        ):
            shown, _hints = self.boot_by_command(self.plain, options)
            self.assertIs(is_preemptible, shown['preemptible'], options)

    def test_a_hint_that_contradicts_the_option_creates_nothing(self):
        for hints in (
            '--hint preemptible=false',
            '--hint preemptible=true --hint preemptible=no',
        ):
            said = self.refusal(
                self.plain, self.create + '--preemptible %s a' % hints
            )
            self.assertIn('--preemptible contradicts --hint', said)
        self.assertEqual([], self.api.get_servers())
