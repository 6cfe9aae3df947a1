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

"""Images: what is known of each, and who may see and change it."""

import datetime
import uuid

from opie.sandbox.stand_ins import answers
from opie.sandbox.stand_ins import glance

_KIND = 'images'
# What a caller may set, with its default; all other members are properties.
_DEFAULTS = {
    'name': None,
    'visibility': 'shared',
    'protected': False,
    'container_format': None,
    'disk_format': None,
    'min_disk': 0,
    'min_ram': 0,
    'os_hidden': False,
    'tags': [],
}
# What glance alone sets, with what a new image has.
_OWN = {
    'status': 'queued',
    'size': None,
    'virtual_size': None,
    'checksum': None,
    'os_hash_algo': None,
    'os_hash_value': None,
    'schema': '/v2/schemas/image',
}
_READ_ONLY = {
    *_OWN,
    *('id', 'owner', 'created_at', 'updated_at', 'self', 'file'),
}
BASE = (*_DEFAULTS, *sorted(_READ_ONLY))


class Images:
    """The images in a store."""

    def __init__(self, store):
        self._store = store

    def create_shared(self):
        """Make those that all projects share, in a new cloud."""
        if self._store.all(_KIND):
            return
        for image_id, name in glance.IMAGES.items():
            image = _new(
                {
                    'id': image_id,
                    'name': name,
                    'visibility': 'public',
                    'protected': True,
                    'container_format': 'bare',
                    'disk_format': 'raw',
                },
                owner=None,
            )
            self.fill(image, glance.SIZE_BYTES)

    def visible(self, caller):
        """Return those that a caller sees, the newest first, as glance."""
        found = [
            item for item in self._store.all(_KIND) if _may_see(item, caller)
        ]
        return found[::-1]

    def find(self, image_id, caller):
        """Return an image.

        :raises answers.Refusal: if there is none that the caller sees.
        """
        image = self._store.get(_KIND, image_id)
        if image is None or not _may_see(image, caller):
            raise answers.Refusal(
                404, 'Failed to find image %s to show' % image_id
            )
        return image

    def find_own(self, image_id, caller):
        """Return an image that the caller may change."""
        image = self.find(image_id, caller)
        if not (caller.is_admin or image['owner'] == caller.project_id):
            raise answers.Refusal(403, 'That image is not yours.')
        return image

    def create(self, values, caller):
        if not isinstance(values, dict):
            raise answers.Refusal(400, 'An image is a JSON object.')
        _check_writable(values.keys() - {'id', 'owner'})
        if self._store.get(_KIND, values.get('id')):
            raise answers.Refusal(409, 'An image with that id is there.')
        owner = caller.project_id
        if caller.is_admin:
            owner = values.get('owner', owner)
        image = _new(values, owner)
        self._save(image)
        return image

    def fill(self, image, size):
        """Note that an image has its content."""
        image.update(size=size, virtual_size=size, status='active')
        self._save(image)

    def patch(self, image, changes):
        """Change an image as a list of JSON patches says; return it."""
        changed = dict(image)
        for change in changes:
            name = change['path'].lstrip('/')
            _check_writable({name})
            if change['op'] == 'remove':
                if changed.pop(name, None) is None:
                    raise answers.Refusal(
                        409, 'There is no property %s.' % name
                    )
            else:
                changed[name] = change['value']
        self._save(changed)
        return changed

    def delete(self, image):
        if image['protected']:
            raise answers.Refusal(
                403,
                'Image %s is protected and cannot be deleted.' % image['id'],
            )
        self._store.remove(_KIND, image['id'])

    def _save(self, image):
        image['updated_at'] = _now()
        self._store.put(_KIND, image)


def _new(values, owner):
    image_id = values.get('id') or str(uuid.uuid4())
    path = '/v2/images/' + image_id
    return {
        **_DEFAULTS,
        **values,
        **_OWN,
        'id': image_id,
        'owner': owner,
        'created_at': _now(),
        'updated_at': _now(),
        'self': path,
        'file': path + '/file',
    }


def _may_see(image, caller):
    return (
        caller.is_admin
        or image['visibility'] in ('public', 'community')
        or image['owner'] == caller.project_id
    )


def _check_writable(names):
    for name in sorted(_READ_ONLY & names):
        raise answers.Refusal(403, "Attribute '%s' is read-only." % name)


def _now():
    now = datetime.datetime.now(datetime.UTC)
    return now.strftime('%Y-%m-%dT%H:%M:%SZ')
