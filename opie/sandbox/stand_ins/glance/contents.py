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

"""What belongs to an image: its content, and lists that stay empty."""

from opie.sandbox.stand_ins import answers

# Projects that an image is shared with, and what is done to it.
_LISTS = ('members', 'tasks')


def answer(request, images):
    """Answer a request behind an image's own path."""
    _, image_id, name, *rest = request.path
    image = images.find(image_id, request.caller)
    if (request.method, name) == ('GET', 'file'):
        # Zeros, as many as there were bytes.
        return answers.Answer(
            200, bytes(image['size'] or 0), 'application/octet-stream'
        )
    if (request.method, name) == ('PUT', 'file'):
        image = images.find_own(image_id, request.caller)
        if image['status'] != 'queued':
            raise answers.Refusal(409, 'The image has its content already.')
        images.fill(image, len(request.data))
        return answers.Answer(204)
    if request.method == 'GET' and name in _LISTS and not rest:
        return answers.as_json({name: []})
    raise answers.Refusal(501, 'The sandbox has no %s of images.' % name)
