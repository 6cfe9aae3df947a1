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

"""Lists as their query asks for them: chosen, sorted, and in pages.

It is what neutron and glance have in common.  A filter whose name is none of
a document's members is ignored, as both do.
"""

import operator

from opie.sandbox.stand_ins import answers

_OPERATORS = {
    'gt': operator.gt,
    'gte': operator.ge,
    'lt': operator.lt,
    'lte': operator.le,
    'neq': operator.ne,
    'eq': operator.eq,
}
_BOOLEANS = ('true', 'false')


def chosen(documents, query):
    """Return the documents that all filters of a query let pass.

    Of several values of a filter one has to fit.  A value may be ``in:a,b`` or
    ``gte:a`` too.
    """
    tests = {name: _test(values) for name, values in query.items()}
    return [
        document
        for document in documents
        if all(
            name not in document or test(document[name])
            for name, test in tests.items()
        )
    ]


def _test(values):
    """Return the function that tells whether a value fits."""
    wanted, checks = set(), []
    for value in values:
        name, _, rest = value.partition(':')
        if name == 'in':
            wanted.update(rest.split(','))
        elif name in _OPERATORS and rest:
            checks.append((_OPERATORS[name], rest))
        else:
            wanted.add(value.lower() if value.lower() in _BOOLEANS else value)

    def fits(value):
        if isinstance(value, list):
            return not wanted.isdisjoint(map(_text, value))
        text = _text(value)
        return text in wanted or any(check(text, to) for check, to in checks)

    return fits


def _text(value):
    if isinstance(value, bool):
        return str(value).lower()
    return '' if value is None else str(value)


def ordered(documents, query):
    """Return the documents as ``sort_key`` and ``sort_dir``, or ``sort``, say.

    Without them they stay in their order.
    """
    keys = list(
        zip(
            query.get('sort_key', ()),
            [*query.get('sort_dir', ()), *['asc'] * 9],
            strict=False,
        )
    )
    for text in ','.join(query.get('sort', ())).split(','):
        if text:
            name, _, direction = text.partition(':')
            keys.append((name, direction or 'asc'))
    documents = list(documents)
    for name, direction in reversed(keys):
        documents.sort(
            key=lambda document: _text(document.get(name)),
            reverse=direction.startswith('desc'),
        )
    return documents


def page(documents, query):
    """Return what is behind a marker, and whether more than the limit is.

    :raises answers.Refusal: if the marker is none of them, or the limit is no
        number.
    """
    marker = query.get('marker', [''])[0]
    if marker:
        ids = [document['id'] for document in documents]
        if marker not in ids:
            raise answers.Refusal(400, 'The marker %s is not there.' % marker)
        documents = documents[ids.index(marker) + 1 :]
    limit = query.get('limit', ['0'])[0]
    if not limit.isdecimal():
        raise answers.Refusal(400, 'The limit %s is no number.' % limit)
    size = int(limit) or len(documents)
    return documents[:size], len(documents) > size
