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

"""The bound on how long the guest of a preemptible server may shut down.

nova is busy with a server as long as its guest takes to stop, up to the image
property ``os_shutdown_timeout``.  As long as nova is busy with it, it is no
victim.
"""

from nova import block_device
from nova import exception
import nova.conf
from nova.image import glance
from nova.volume import cinder
from oslo_log import log as logging

import opie.conf

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

opie.conf.register_opts(CONF)

PROPERTY = 'os_shutdown_timeout'


class TooLong(ValueError):
    """A property is more than a preemptible server may have."""


def check(value):
    """Check the value of the property.

    :param value: a number or a text; None if the image has no such property.
    :raises TooLong: if it is too much.
    """
    most = CONF.opie.max_shutdown_timeout_seconds
    try:
        # NOTE: as nova/compute/utils.py reads it.
        is_too_long = most and value is not None and int(value) > most
    except ValueError:
        # nova takes its own option instead.
        return
    if is_too_long:
        raise TooLong(
            'Invalid image property %s: %s. A preemptible server may have %d '
            'at most.' % (PROPERTY, value, most)
        )


def check_new(context, server):
    """Check the image, or the volume, that a server is to boot from.

    :param server: the ``server`` of the body of a request to create one.
    :raises TooLong: if its property is too much.
    """
    _check_image(lambda: _image_of(context, server))


def check_rebuilt(context, image_ref):
    """Check the image that a server is to be rebuilt from.

    :raises TooLong: if its property is too much.
    """
    _check_image(lambda: glance.API().get(context, image_ref))


def _check_image(read):
    if not CONF.opie.max_shutdown_timeout_seconds:
        return
    try:
        image = read()
    except (
        exception.NovaException,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        # nova reads the same, and has its own answer.
        LOG.debug('Cannot read the image of a request: %s', error)
        return
    check((image.get('properties') or {}).get(PROPERTY))


def _image_of(context, server):
    # NOTE: as nova/compute/api.py finds it.
    if server.get('imageRef'):
        return glance.API().get(context, server['imageRef'])
    legacy = server.get('block_device_mapping')
    mapping = legacy or [
        # It changes what it is given.
        block_device.BlockDeviceDict.from_api(dict(item), False)
        for item in server.get('block_device_mapping_v2') or ()
    ]
    return block_device.get_bdm_image_metadata(
        context, glance.API(), cinder.API(), mapping, legacy_bdm=bool(legacy)
    )
