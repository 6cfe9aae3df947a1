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

"""The flavors and the images that a new cloud boots servers from."""

from opie.sandbox import identity
from opie.sandbox.stand_ins import glance

# Name to (VCPU, RAM in MB).  Without a disk, so that only these two count.
FLAVORS = {
    'small': (1, 512),
    'medium': (2, 1024),
    'large': (4, 2048),
    'huge': (8, 4096),
}


def create_flavors(site):
    """Create the flavors that are not there."""
    compute = identity.connect(site).compute
    there = {flavor.name for flavor in compute.flavors()}
    for name, (vcpus, ram_mb) in FLAVORS.items():
        if name not in there:
            compute.create_flavor(
                name=name, id=name, vcpus=vcpus, ram=ram_mb, disk=0
            )


def create_images(site):
    """Create the images in the real glance, as the stand-in has them."""
    image = identity.connect(site).image
    there = {item.name for item in image.images()}
    for image_id, name in glance.IMAGES.items():
        if name not in there:
            image.create_image(
                name,
                id=image_id,
                data=bytes(glance.SIZE_BYTES),
                container_format='bare',
                disk_format='raw',
                visibility='public',
            )
