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

"""Lists of images."""

import urllib.parse

from opie.sandbox.stand_ins import answers
from opie.sandbox.stand_ins import queries

_HIDDEN = 'os_hidden'


def answer(request, images):
    """Answer a request for a list."""
    query = dict(request.query)
    query.setdefault(_HIDDEN, ['false'])
    # A property that an image lacks does not fit; glance has no unknown ones.
    found = [
        image
        for image in queries.chosen(images.visible(request.caller), query)
        if _has_all(image, query)
    ]
    found, is_more = queries.page(queries.ordered(found, query), query)
    body = {
        'images': found,
        'first': '/v2/images',
        'schema': '/v2/schemas/images',
    }
    if is_more:
        query['marker'] = [found[-1]['id']]
        body['next'] = '/v2/images?' + urllib.parse.urlencode(query, True)
    return answers.as_json(body)


_NO_MEMBERS = {
    *('limit', 'marker', 'sort', 'sort_key', 'sort_dir'),
    *('member_status', 'size_min', 'size_max', 'tag'),
}


def _has_all(image, query):
    """Tell whether an image has all members that are asked for."""
    sizes = image['size'] or 0
    return (
        query.keys() - _NO_MEMBERS <= image.keys()
        and set(query.get('tag', ())) <= set(image['tags'])
        and sizes >= int(query.get('size_min', ['0'])[0])
        and sizes <= int(query.get('size_max', [sizes])[0])
    )
