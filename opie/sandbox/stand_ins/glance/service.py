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

"""glance's API: which request is whose, and how glance refuses one."""

import html
import http

from opie.sandbox.stand_ins import answers
from opie.sandbox.stand_ins.glance import contents
from opie.sandbox.stand_ins.glance import images
from opie.sandbox.stand_ins.glance import lists
from opie.sandbox.stand_ins.glance import schemas

_VERSION = 'v2.9'
# As glance does, whose errors are no JSON.
_PAGE = """\
<html>
 <head>
  <title>%(status)s</title>
 </head>
 <body>
  <h1>%(status)s</h1>
  %(text)s<br /><br />
 </body>
</html>"""


class Glance:
    """All of it.

    :param store: a :class:`opie.sandbox.stand_ins.store.Store`.
    """

    def __init__(self, store):
        self._images = images.Images(store)
        self._images.create_shared()

    def versions(self, url):
        body = answers.versions(url, _VERSION, '/v2/')
        return answers.as_json(body, http.HTTPStatus.MULTIPLE_CHOICES)

    def refuse(self, refusal):
        """Return the answer that says what glance says."""
        status = '%d %s' % (
            refusal.status,
            http.HTTPStatus(refusal.status).phrase,
        )
        page = _PAGE % {'status': status, 'text': html.escape(str(refusal))}
        return answers.Answer(refusal.status, page.encode(), 'text/html')

    def answer(self, request):
        name, *rest = *request.path, ''
        if name == 'schemas' and request.method == 'GET':
            return schemas.answer(rest[0])
        if name != 'images':
            raise answers.Refusal(404, 'The resource could not be found.')
        if rest[0] == '':
            return self._answer_all(request)
        if rest[1] == '':
            return self._answer_one(request, rest[0])
        return contents.answer(request, self._images)

    def _answer_all(self, request):
        if request.method == 'GET':
            return lists.answer(request, self._images)
        if request.method != 'POST':
            raise _not_allowed(request)
        image = self._images.create(request.json(), request.caller)
        return answers.as_json(image, 201)

    def _answer_one(self, request, uuid):
        if request.method == 'GET':
            return answers.as_json(self._images.find(uuid, request.caller))
        if request.method not in ('PATCH', 'DELETE'):
            raise _not_allowed(request)
        image = self._images.find_own(uuid, request.caller)
        if request.method == 'PATCH':
            return answers.as_json(self._images.patch(image, request.json()))
        self._images.delete(image)
        return answers.Answer(204)


def _not_allowed(request):
    return answers.Refusal(
        405, 'The method %s is not allowed.' % request.method
    )
