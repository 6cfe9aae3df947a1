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

"""What the kinds of neutron's resources have in common: CRUD and lists.

A caller sees the documents of the caller's project, and those that are shared.
"""

import datetime
import uuid

from opie.sandbox.stand_ins import answers
from opie.sandbox.stand_ins import queries


class Kinds(dict):
    """The kinds by their names, such as ``ports``.

    :ivar store: where their documents are.
    """

    def __init__(self, store):
        super().__init__()
        self.store = store

    def add(self, kind):
        self[kind.name] = kind


class Kind:
    """One kind of resource.

    :cvar name: of the collection.
    :cvar singular: of a resource.
    :cvar word: what neutron's messages call it.
    :cvar error: the name of neutron's error for one that is not there.
    :cvar defaults: the members that a caller may set, with their defaults.
    :cvar fixed: those of the members that no update changes.
    """

    def __init__(self, kinds):
        self.kinds = kinds

    def all(self):
        return self.kinds.store.all(self.name)

    def visible(self, caller):
        return [item for item in self.all() if self.may_see(item, caller)]

    def may_see(self, document, caller):
        return caller.may_see(document)

    def save(self, document):
        document['updated_at'] = _now()
        self.kinds.store.put(self.name, document)

    def find(self, uuid_, caller=None):
        """Return a document.

        :param caller: who has to see it; None for neutron itself.
        :raises answers.Refusal: if there is none.
        """
        document = self.kinds.store.get(self.name, uuid_)
        if document is None or (caller and not self.may_see(document, caller)):
            raise answers.Refusal(
                404,
                '%s %s could not be found.' % (self.word, uuid_),
                self.error,
            )
        return document

    def find_own(self, uuid_, caller):
        """Return a document that the caller may change."""
        document = self.find(uuid_, caller)
        if not caller.may_see(document):
            raise answers.Refusal(
                403,
                'The %s %s is not yours.' % (self.word, uuid_),
                'PolicyNotAuthorized',
            )
        return document

    def create(self, values, caller):
        """Make a document of what a caller gave; return it."""
        self.check_names(values)
        project = values.get('project_id', values.get('tenant_id'))
        project = project or caller.project_id
        if not (caller.is_admin or project == caller.project_id):
            raise answers.Refusal(
                403, 'That project is not yours.', 'PolicyNotAuthorized'
            )
        document = {
            'id': str(uuid.uuid4()),
            **self.defaults,
            **{name: values[name] for name in self.defaults & values.keys()},
            'project_id': project,
            'tenant_id': project,
            'created_at': _now(),
            'tags': [],
        }
        self.complete(document, values, caller)
        self.save(document)
        return document

    def complete(self, document, values, caller):
        """Fill in what neutron chooses; refuse what cannot be."""

    def update(self, document, values, caller):
        """Change a document as a caller wants it."""
        self.check_names(values)
        for name in self.fixed & values.keys():
            raise answers.Refusal(
                400,
                'Cannot update read-only attribute %s' % name,
                'HTTPBadRequest',
            )
        changed = {**document, **values}
        self.change(changed, values, caller)
        self.save(changed)
        return changed

    def change(self, document, values, caller):
        """Fill in what follows from an update; refuse what cannot be."""

    def check_names(self, values):
        unknown = values.keys() - self.defaults - {'tenant_id', 'project_id'}
        if unknown:
            raise answers.Refusal(
                400,
                "Unrecognized attribute(s) '%s'" % ', '.join(sorted(unknown)),
            )

    def delete(self, document, caller):
        """Remove a document; refuse if something needs it."""
        self.kinds.store.remove(self.name, document['id'])

    def show(self, document, caller):
        """Return what a caller sees of a document."""
        return document

    def chosen(self, documents, query):
        """Return those of the documents that the filters let pass."""
        return queries.chosen(documents, query)


def answer(request, kind):
    """Answer a request for a collection or for one of its members."""
    if len(request.path) > 2:
        raise answers.Refusal(404, 'The resource could not be found.')
    do = _ACTIONS.get((request.method, len(request.path)))
    if do is None:
        raise answers.Refusal(
            405, 'The method %s is not allowed.' % request.method
        )
    return do(request, kind)


def _list(request, kind):
    query = dict(request.query)
    fields = query.pop('fields', None)
    found = queries.ordered(
        kind.chosen(
            [
                kind.show(item, request.caller)
                for item in kind.visible(request.caller)
            ],
            query,
        ),
        query,
    )
    found, is_more = queries.page(found, query)
    body = {kind.name: [_of_fields(item, fields) for item in found]}
    if is_more:
        url = '%s/v2.0/%s?limit=%s&marker=%s' % (
            request.url,
            kind.name.replace('_', '-'),
            query['limit'][0],
            found[-1]['id'],
        )
        body[kind.name + '_links'] = [{'rel': 'next', 'href': url}]
    return answers.as_json(body)


def _create(request, kind):
    body = request.json()
    if isinstance(body, dict) and kind.name in body:
        created = [
            kind.show(kind.create(values, request.caller), request.caller)
            for values in request.member(kind.name, list)
        ]
        return answers.as_json({kind.name: created}, 201)
    document = kind.create(request.member(kind.singular), request.caller)
    return _one(request, kind, document, 201)


def _show(request, kind):
    return _one(request, kind, kind.find(request.path[1], request.caller))


def _update(request, kind):
    document = kind.find_own(request.path[1], request.caller)
    values = request.member(kind.singular)
    return _one(request, kind, kind.update(document, values, request.caller))


def _delete(request, kind):
    document = kind.find_own(request.path[1], request.caller)
    kind.delete(document, request.caller)
    return answers.Answer(204)


def _one(request, kind, document, status=200):
    shown = _of_fields(
        kind.show(document, request.caller), request.query.get('fields')
    )
    return answers.as_json({kind.singular: shown}, status)


def _of_fields(document, fields):
    if not fields:
        return document
    return {name: document[name] for name in fields if name in document}


def _now():
    now = datetime.datetime.now(datetime.UTC)
    return now.strftime('%Y-%m-%dT%H:%M:%SZ')


_ACTIONS = {
    ('GET', 1): _list,
    ('POST', 1): _create,
    ('GET', 2): _show,
    ('PUT', 2): _update,
    ('DELETE', 2): _delete,
}
