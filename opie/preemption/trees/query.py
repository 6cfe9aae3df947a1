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

"""Reads a request as ``GET /allocation_candidates`` does.

The rules are those of placement's microversion 1.39.  What nova asks in 1.36
means the same in both.  Names of traits and of resource classes are not
checked, because only placement has the list of them.
"""

from collections.abc import Iterable

from opie.preemption import errors
from opie.preemption.trees import asked

# A key and its value, both decoded.
_Pair = tuple[str, str]

_OF_GROUPS = ('resources', 'required', 'member_of', 'in_tree')
_OF_ALL = ('limit', 'group_policy', 'root_required', 'same_subtree')
_POLICIES = ('none', 'isolate')
# Source: placement's schema of suffixes.
_MAX_SUFFIX_LENGTH = 64
_OF_SUFFIXES = frozenset('_-')
_UUID_LENGTH = 32
_HEXADECIMAL = frozenset('0123456789abcdef')


def read(pairs: Iterable[_Pair]) -> asked.Request:
    """Read a request.

    :param pairs: keys and values of the query string in their order, decoded
        as :func:`urllib.parse.parse_qsl` does; empty values are there too.
    :raises errors.InvalidRequest: if placement would refuse it.
    """
    of_all: dict[str, list[str]] = {key: [] for key in _OF_ALL}
    of_groups: dict[str, dict[str, list[str]]] = {}
    for key, value in pairs:
        if key in of_all:
            of_all[key].append(value)
            continue
        prefix, suffix = _split(key)
        values = of_groups.setdefault(suffix, {})
        values.setdefault(prefix, []).append(value)
    request = asked.Request(
        {suffix: _group(values) for suffix, values in of_groups.items()},
        _policy(of_all['group_policy'], len(of_groups.keys() - {''})),
        tuple(_suffixes(value) for value in of_all['same_subtree']),
        *_root_traits(of_all['root_required']),
        _limit(of_all['limit']),
    )
    _check_suffixes(request)
    return request


def _refuse(problem: str, *values: object) -> errors.InvalidRequest:
    return errors.InvalidRequest(problem=problem % values)


def _split(key: str) -> _Pair:
    """Return the name of a key and its suffix."""
    for prefix in _OF_GROUPS:
        suffix = key.removeprefix(prefix)
        if (
            suffix != key
            and len(suffix) <= _MAX_SUFFIX_LENGTH
            and all(
                (char.isascii() and char.isalnum()) or char in _OF_SUFFIXES
                for char in suffix
            )
        ):
            return prefix, suffix
    raise _refuse('its query has an unknown key, %r', key)


def _group(values: dict[str, list[str]]) -> asked.Group:
    """Return a group; of resources and trees only the last value counts."""
    required, forbidden = _traits(values.get('required', ()))
    member_of, not_member_of = _aggregates(values.get('member_of', ()))
    in_tree = None
    for value in values.get('in_tree', ()):
        in_tree = _uuid(value.strip())
    resources: dict[str, int] = {}
    for value in values.get('resources', ()):
        resources = _resources(value)
    return asked.Group(
        resources, required, forbidden, member_of, not_member_of, in_tree
    )


def _resources(value: str) -> dict[str, int]:
    resources = {}
    for item in value.split(','):
        name, colon, amount = item.partition(':')
        try:
            resources[name] = int(amount)
        except ValueError:
            raise _refuse(
                'of resources it says %r, in place of CLASS:AMOUNT', item
            ) from None
        if resources[name] < 1:
            raise _refuse('it asks for %s of %s', resources[name], name)
    return resources


def _traits(
    values: Iterable[str],
) -> tuple[tuple[frozenset[str], ...], frozenset[str]]:
    """Return which traits are required, and which forbidden."""
    required: list[frozenset[str]] = []
    forbidden: set[str] = set()
    for value in values:
        is_any = value.startswith('in:')
        names = [name.strip() for name in value.removeprefix('in:').split(',')]
        # Placement strips all exclamation marks.
        unwanted = {name.lstrip('!') for name in names if name[:1] == '!'}
        if not all(names) or '' in unwanted or (is_any and unwanted):
            raise _refuse(
                'of traits it says %r, in place of TRAIT,!TRAIT or in:TRAIT,'
                'TRAIT',
                value,
            )
        if is_any:
            required.append(frozenset(names))
        else:
            required += [
                frozenset((name,)) for name in names if name[0] != '!'
            ]
            forbidden |= unwanted
    for some in required:
        if some <= forbidden:
            raise _refuse(
                'it requires and forbids %s', ' or '.join(sorted(some))
            )
    return tuple(required), frozenset(forbidden)


def _aggregates(
    values: Iterable[str],
) -> tuple[tuple[frozenset[str], ...], frozenset[str]]:
    """Return of which aggregates it must be a member, and of which not."""
    required: list[frozenset[str]] = []
    forbidden: frozenset[str] = frozenset()
    for value in values:
        wanted = value.removeprefix('!')
        uuids = wanted.removeprefix('in:').split(',')
        if len(uuids) > 1 and not wanted.startswith('in:'):
            raise _refuse(
                'it is to be a member of %r; several begin with in:', value
            )
        some = frozenset(_uuid(uuid) for uuid in uuids)
        if value.startswith('!'):
            forbidden |= some
        else:
            required.append(some)
    return tuple(required), forbidden


def _uuid(value: str) -> str:
    digits = value.replace('-', '').lower()
    if len(digits) != _UUID_LENGTH or not _HEXADECIMAL.issuperset(digits):
        raise _refuse('%r is no uuid', value)
    return value


def _policy(values: list[str], suffixes: int) -> bool:
    """Return whether groups with suffixes have to be isolated."""
    if not values and suffixes > 1:
        raise _refuse('it has several suffixes and no group_policy')
    for value in values:
        if value not in _POLICIES:
            raise _refuse(
                'its group_policy is %r, in place of none or isolate', value
            )
    return values[:1] == ['isolate']


def _suffixes(value: str) -> frozenset[str]:
    suffixes = frozenset(suffix.strip() for suffix in value.split(','))
    if '' in suffixes:
        raise _refuse('same_subtree has an empty suffix, %r', value)
    return suffixes


def _root_traits(values: list[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return which traits the root must have, and which it may not have."""
    if len(values) > 1 or any(value.startswith('in:') for value in values):
        raise _refuse('root_required is one list of traits')
    required, forbidden = _traits(values)
    return frozenset().union(*required), forbidden


def _limit(values: list[str]) -> int | None:
    for value in values:
        if not (value.isascii() and value.isdecimal()) or value[0] == '0':
            raise _refuse('its limit is %r, which is no number above 0', value)
    return int(values[0]) if values else None


def _check_suffixes(request: asked.Request) -> None:
    """Check that each group asks for resources, or is in a subtree."""
    in_subtrees = frozenset().union(*request.same_subtrees)
    unknown = in_subtrees - request.groups.keys()
    if unknown:
        raise _refuse(
            'same_subtree names groups that are not there: %s',
            ', '.join(sorted(unknown)),
        )
    without = [
        suffix
        for suffix, group in request.groups.items()
        if not group.resources
    ]
    if len(without) == len(request.groups):
        raise _refuse('it asks for no resources')
    for suffix in without:
        if suffix not in in_subtrees:
            raise _refuse(
                'group %r asks for no resources, and is in no same_subtree',
                suffix,
            )
