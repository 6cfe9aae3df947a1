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

"""Answers HTTP requests as an in-memory placement.

The server knows the calls that opie makes, and the calls of nova or of an
operator that tests need.
"""

import json
import re
from urllib import parse

import os_traits

from opie.tests.stand_ins.placement import allocations
from opie.tests.stand_ins.placement import records as placement_records

_PROVIDER = '/resource_providers/([^/]+)'
_CONSUMER = '/allocations/([^/]+)'
_CONFLICT = 'There was a conflict when trying to complete your request.\n\n '


class Answer:
    """An answer as keystoneauth would return it."""

    def __init__(self, status_code, body=None):
        self.status_code = status_code
        self._body = body

    def json(self):
        if self._body is None:
            raise ValueError('no JSON')
        return self._body


class Server:
    """Answers requests from records.

    :param records: a :class:`placement_records.Records`.
    """

    def __init__(self, records):
        self.records = records
        self._routes = [
            (method, re.compile(pattern), handler)
            for method, pattern, handler in (
                ('get', '/resource_providers', self._list_providers),
                ('post', '/resource_providers', self._create_provider),
                ('delete', _PROVIDER, self._delete_provider),
                ('get', _PROVIDER + '/inventories', self._inventories),
                ('put', _PROVIDER + '/inventories', self._set_inventories),
                ('get', _PROVIDER + '/allocations', self._allocations_on),
                ('put', _PROVIDER + '/traits', self._set_traits),
                ('put', _PROVIDER + '/aggregates', self._set_aggregates),
                ('put', '/resource_classes/([^/]+)', self._ensure_class),
                ('get', _CONSUMER, self._consumer),
                ('delete', _CONSUMER, self._delete_allocations),
                ('post', '/allocations', self._replace_allocations),
            )
        ]

    def answer(self, method, url, body):
        """Return the :class:`Answer` to a request.

        :param body: None for a request without one.
        """
        path, _, query = url.partition('?')
        handler, names = self._route(method, path)
        if query:
            arguments = [parse.parse_qsl(query)]
        else:
            arguments = [] if body is None else [body]
        try:
            return handler(*names, *arguments)
        except placement_records.Refusal as exc:
            return _refused(exc)

    def _route(self, method, path):
        for route_method, pattern, handler in self._routes:
            match = pattern.fullmatch(path)
            if match and route_method == method:
                return handler, match.groups()
        raise NotImplementedError('%s %s' % (method, path))

    def _list_providers(self, query=()):
        found = self.records.providers.values()
        for key, value in query:
            test = _FILTERS[key](self.records, value)
            found = [one for one in found if test(one)]
        return Answer(
            200,
            {
                'resource_providers': [
                    {
                        'uuid': one.uuid,
                        'name': one.name,
                        'generation': one.generation,
                        'parent_provider_uuid': one.parent,
                        'root_provider_uuid': one.root,
                    }
                    for one in found
                ]
            },
        )

    def _create_provider(self, body):
        self.records.create_provider(
            body['uuid'], body['name'], body.get('parent_provider_uuid')
        )
        return Answer(200, {})

    def _delete_provider(self, uuid):
        self.records.delete_provider(uuid)
        return Answer(204)

    def _inventories(self, uuid):
        provider = self.records.provider(uuid)
        return Answer(
            200,
            _copied(
                resource_provider_generation=provider.generation,
                inventories=provider.inventories,
            ),
        )

    def _set_inventories(self, uuid, body):
        provider = self._at_generation(uuid, body)
        self.records.set_inventories(provider, body['inventories'])
        return Answer(200, {})

    def _at_generation(self, uuid, body):
        provider = self.records.provider(uuid)
        if body['resource_provider_generation'] != provider.generation:
            raise placement_records.Refusal(
                409,
                'resource provider generation conflict',
                placement_records.CONCURRENT_UPDATE,
            )
        return provider

    def _allocations_on(self, uuid):
        provider = self.records.provider(uuid)
        return Answer(
            200,
            _copied(
                resource_provider_generation=provider.generation,
                allocations=_with_resources(self.records.consumers_of(uuid)),
            ),
        )

    def _set_traits(self, uuid, body):
        provider = self._at_generation(uuid, body)
        wanted = frozenset(body['traits'])
        if wanted - set(os_traits.get_traits()):
            raise placement_records.Refusal(400, 'No such trait')
        if wanted != provider.traits:
            provider.traits = wanted
            provider.generation += 1
        return Answer(200, {})

    def _set_aggregates(self, uuid, body):
        provider = self._at_generation(uuid, body)
        provider.aggregates = frozenset(body['aggregates'])
        provider.generation += 1
        return Answer(200, {})

    def _ensure_class(self, name):
        if not name.startswith('CUSTOM_'):
            raise placement_records.Refusal(400, 'JSON does not validate')
        is_known = name in self.records.resource_classes
        self.records.resource_classes.add(name)
        return Answer(204 if is_known else 201)

    def _consumer(self, uuid):
        consumer = self.records.consumers.get(uuid)
        if consumer is None or not consumer.allocations:
            return Answer(200, {'allocations': {}})
        return Answer(
            200,
            _copied(
                allocations=_with_resources(consumer.allocations),
                project_id=consumer.project_id,
                user_id=consumer.user_id,
                consumer_generation=consumer.generation,
            ),
        )

    def _replace_allocations(self, bodies):
        allocations.replace(self.records, bodies)
        return Answer(204)

    def _delete_allocations(self, consumer):
        self.records.delete_allocations(consumer)
        return Answer(204)


def conflict(detail, code):
    """Return the :class:`Answer` that tells of a conflict."""
    return _refused(placement_records.Refusal(409, detail, code))


def _refused(exc):
    prefix = _CONFLICT if exc.status == 409 else ''
    error = {
        'status': exc.status,
        'code': exc.code,
        'detail': prefix + str(exc),
    }
    return Answer(exc.status, {'errors': [error]})


def _copied(**body):
    return json.loads(json.dumps(body))


def _with_resources(held):
    return {uuid: {'resources': resources} for uuid, resources in held.items()}


def _in_tree(known, uuid):
    root = known.providers[uuid].root if uuid in known.providers else None
    return lambda provider: provider.root == root


def _required(known, value):
    names = value.split(',')
    traits = {name for name in names if not name.startswith('!')}
    forbidden = {name[1:] for name in names if name.startswith('!')}
    return lambda provider: (
        traits <= provider.traits and not forbidden & provider.traits
    )


def _member_of(known, value):
    is_forbidden = value.startswith('!')
    wanted = set(value.removeprefix('!').removeprefix('in:').split(','))
    return lambda provider: (
        bool(wanted & provider.aggregates) is not is_forbidden
    )


# Query parameter to what makes, of the records and a value, a test.
_FILTERS = {
    'uuid': lambda known, value: lambda one: one.uuid == value,
    'name': lambda known, value: lambda one: one.name == value,
    'in_tree': _in_tree,
    'required': _required,
    'member_of': _member_of,
}
