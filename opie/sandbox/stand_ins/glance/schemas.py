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

"""The schemas that glance's clients read, with the members of an image."""

from opie.sandbox.stand_ins import answers
from opie.sandbox.stand_ins.glance import images

_DISK_FORMATS = ('ami', 'ari', 'aki', 'raw', 'qcow2', 'iso')
_READ_ONLY = {'readOnly': True}


def answer(name):
    """Answer with the schema of that name."""
    if name == 'image':
        return answers.as_json(_image())
    if name == 'images':
        return answers.as_json({'name': 'images', 'properties': {}})
    raise answers.Refusal(404, 'There is no schema %s.' % name)


def _image():
    properties = {name: {} for name in images.BASE}
    # nova looks there for the format of a snapshot.
    properties['disk_format'] = {'enum': [None, *_DISK_FORMATS]}
    return {
        'name': 'image',
        'properties': properties,
        'additionalProperties': {'type': 'string'},
    }
