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

"""The extra spec of flavors, written through nova's API."""

from nova.tests.functional.api import client

from opie.tests.functional import base

_KEY = 'opie:preemptible'


class ExtraSpecsTest(base.CloudTestCase):
    hosts = ()

    def write(self, extra_specs, microversion='2.86'):
        """Write extra specs of a new flavor; return what it then has."""
        flavor_id = self.flavor(1)
        self.admin_api.microversion = microversion
        try:
            self.admin_api.post_extra_spec(
                flavor_id, {'extra_specs': extra_specs}
            )
        finally:
            self.written = self.admin_api.get_extra_specs(flavor_id)
        return self.written

    def assertRefused(self, extra_specs, message):
        refusal = self.assertRaises(
            client.OpenStackApiException, self.write, extra_specs
        )
        self.assertEqual(400, refusal.response.status_code)
        self.assertIn(
            message, refusal.response.json()['badRequest']['message']
        )
        self.assertEqual({}, self.written)

    def test_booleans_are_written(self):
        for value in ('true', 'False', 'yes', '0'):
            self.assertEqual({_KEY: value}, self.write({_KEY: value}))
        self.assertEqual({_KEY: '1'}, self.write({_KEY: 1}))

    def test_keys_of_others_are_written(self):
        other = {'opies:thing': 'x', 'preemptible': 'x'}
        self.assertEqual(other, self.write(other))

    def test_another_value_is_refused(self):
        for value in ('ture', '', '2'):
            self.assertRefused(
                {_KEY: value}, "'%s' is not a valid boolean-like" % value
            )

    def test_a_misspelt_key_is_refused(self):
        self.assertRefused(
            {'opie:preemptable': 'true'},
            "'opie:preemptable' does not appear to be a valid extra spec",
        )

    def test_an_old_microversion_lets_everything_pass(self):
        wrong = {_KEY: 'ture', 'opie:preemptable': 'true'}
        self.assertEqual(wrong, self.write(wrong, microversion='2.85'))
