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

"""Servers with addresses, and what users make of networks and images."""

from openstack import exceptions

from opie.tests.e2e import base
from opie.tests.e2e import networks


class NetworksTest(networks.NetworksTestCase):
    settings = base.SMALL

    def test_an_image_is_made_of_a_server(self):
        image = self.compute().create_server_image(
            self.boot(), 'snapshot', wait=True
        )
        images = self.connections['demo'].image
        self.addCleanup(images.delete_image, image)
        self.assertEqual('active', images.get_image(image.id).status)
        other = self.connections['other'].image
        self.assertIsNone(other.find_image(image.id))

    def test_what_the_stand_in_lacks_is_refused(self):
        network = self.connections['demo'].network
        self.assertEqual([], list(network.ips()))
        with self.assertRaisesRegex(exceptions.HttpException, '501'):
            network.create_router(name='router')
