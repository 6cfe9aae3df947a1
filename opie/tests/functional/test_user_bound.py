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


"""Victims that only their users can delete as a whole stay."""

from nova.network import model
from oslo_utils.fixture import uuidsentinel as uuids

from opie.tests.functional import base


class UserBoundTest(base.CloudTestCase):
    """host1 has cheap servers that stay, and host2 a dear one that may go."""

    def setUp(self):
        super().setUp()
        sizes = 2, 2, 2, 1, 1
        self.bound = [self.boot_preemptible(one, 'host1') for one in sizes]
        self.note(self.bound[0], 'vtpm_secret_uuid', self.bound[0]['id'])
        self.note(self.bound[1], 'image_hw_tpm_version', '2.0')
        self.specify(self.bound[2], 'hw:tpm_version', '2.0')
        self.specify(self.bound[3], 'accel:device_profile', 'gpu')
        self.have_port(self.bound[4], {'arq_uuid': uuids.accelerator})
        self.free = self.boot_preemptible(8, 'host2')
        self.has_run(self.free, 3000)

    def note(self, server, key, value):
        instance = self.instance(server)
        instance.system_metadata[key] = value
        instance.save()

    def specify(self, server, key, value):
        """Let nova's copy of a server's flavor have an extra spec."""
        instance = self.instance(server)
        instance.flavor.extra_specs = {key: value}
        instance.save()

    def have_port(self, server, profile):
        """Let nova's cache have a port of a server, with a profile."""
        cache = self.instance(server).info_cache
        cache.network_info = model.NetworkInfo(
            [
                model.VIF(
                    id=uuids.port,
                    network=model.Network(id=uuids.network, subnets=[]),
                    profile=profile,
                )
            ]
        )
        cache.save()

    def test_they_stay_and_a_refusal_says_why(self):
        self.assertEqual('host2', self.host_of(self.boot(8)))
        self.assertGone(self.free)
        refused = self.boot(8, state='ERROR')
        self.assertNoValidHost(refused)
        self.assertUntouched(*self.bound)
        (line,) = self.logged('No room is made for')
        self.assertIn(
            '5 preemptible servers on 1 host: 3 have a virtual TPM, whose '
            'secret only its user can delete, 2 have accelerators of cyborg, '
            'which only its user can free, 0 may be evicted',
            line,
        )
        self.assertIn('even without those that may be evicted', line)
