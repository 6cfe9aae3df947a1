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

"""Preemptible servers whose guests would take too long to shut down."""

import json

from opie.tests.functional.api import base

_TOO_LONG = {'os_shutdown_timeout': '604800'}
_LONG_ENOUGH = {'os_shutdown_timeout': '600'}
_REFUSAL = 'Invalid image property os_shutdown_timeout: 604800.'


class ShutdownTimeoutTest(base.ApiTestCase):
    def image(self, **properties):
        """Return the id of a new image."""
        return self.glance.create(
            None,
            {
                'name': 'image',
                'is_public': True,
                'status': 'active',
                'container_format': 'raw',
                'disk_format': 'raw',
                'min_ram': 0,
                'min_disk': 0,
                'properties': properties,
            },
        )['id']

    def act(self, server, **action):
        path = '/servers/%s/action' % server['id']
        return self.call('POST', path, action)

    def boot_from(self, image, **members):
        server = self.create(imageRef=image, **members)
        return self._wait_for_state_change(server, 'ACTIVE')

    def test_no_preemptible_server_is_created_from_such_an_image(self):
        image = self.image(**_TOO_LONG)
        marked = self.flavor(1, extra_specs={'opie:preemptible': 'true'})
        for version in base.MICROVERSIONS:
            for members in (
                {'preemptible': True},
                {'hints': {'preemptible': 'true'}},
                {'flavorRef': marked},
            ):
                response = self.post(version, imageRef=image, **members)
                self.assertRefused(400, _REFUSAL, response)
        self.assertNothingCreated()

    def test_any_other_server_is(self):
        self.boot_from(self.image(**_TOO_LONG))
        for properties in ({}, _LONG_ENOUGH, {'os_shutdown_timeout': 'no'}):
            self.boot_from(self.image(**properties), preemptible=True)
        self.flags(max_shutdown_timeout_seconds=0, group='opie')
        self.boot_from(self.image(**_TOO_LONG), preemptible=True)

    def test_no_preemptible_server_is_created_from_such_a_volume(self):
        image = self.image(**_TOO_LONG)
        response = self.post(
            imageRef='',
            preemptible=True,
            block_device_mapping_v2=[
                {
                    'boot_index': '0',
                    'source_type': 'image',
                    'destination_type': 'volume',
                    'volume_size': 1,
                    'uuid': image,
                }
            ],
        )
        self.assertRefused(400, _REFUSAL, response)
        self.assertNothingCreated()

    def test_no_preemptible_server_is_rebuilt_from_such_an_image(self):
        image = self.image()
        normal = self.boot_from(image)
        preemptible = self.boot_from(image, preemptible=True)
        other = self.image(**_TOO_LONG)
        response = self.act(preemptible, rebuild={'imageRef': other})
        self.assertRefused(400, _REFUSAL, response)
        # The image of the server may have been changed since.
        self.glance.update(None, image, {'properties': dict(_TOO_LONG)})
        response = self.act(preemptible, rebuild={'imageRef': image})
        self.assertRefused(400, _REFUSAL, response)
        response = self.act(normal, rebuild={'imageRef': other})
        self.assertEqual(202, response.status_code)
        self._wait_for_state_change(normal, 'ACTIVE')

    def test_no_server_of_such_an_image_becomes_preemptible(self):
        server = self.boot_from(self.image(**_TOO_LONG))
        marked = self.flavor(2, extra_specs={'opie:preemptible': 'true'})
        response = self.act(server, resize={'flavorRef': marked})
        self.assertRefused(400, _REFUSAL, response)
        text = json.dumps(self.show(server)['flavor'])
        self.assertNotIn('opie:preemptible', text)
