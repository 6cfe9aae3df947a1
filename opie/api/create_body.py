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
"""Reads the marks in the body of a create request.

The member ``preemptible`` of the server and the scheduler hint of that name
mean the same, and must not contradict each other.
"""

import jsonschema
from nova.api.validation import parameter_types
from oslo_utils import strutils

from opie.preemption import marks

MEMBER = 'preemptible'
# nova reads the first of these that a body has, and the other never.
HINT_SPELLINGS = ('os:scheduler_hints', 'OS-SCH-HNT:scheduler_hints')

_BOOLEAN = jsonschema.Draft202012Validator(parameter_types.boolean)


class InvalidMark(ValueError):
    """A mark is no boolean, or marks contradict each other.

    The text is in the words of nova's own schema validation.
    """


def read(body):
    """Return whether a body marks its server, or None if it does not say.

    :param body: a decoded body whose ``server`` is a dict.
    :raises InvalidMark: when it cannot be told.
    """
    said = {}
    server = body['server']
    if MEMBER in server:
        said[MEMBER] = _read_member(server[MEMBER])
    for spelling in HINT_SPELLINGS:
        hints = body.get(spelling)
        if isinstance(hints, dict) and marks.HINT in hints:
            name = '%s[%s]' % (spelling, marks.HINT)
            said[name] = _read_hint(hints)
    if len(set(said.values())) > 1:
        raise InvalidMark(
            'Invalid input for field/attribute %s. %s contradict each other.'
            % (MEMBER, ' and '.join(said))
        )
    return next(iter(said.values()), None)


def for_nova(body, is_marked):
    """Return a body that marks its server with a hint, as nova reads it.

    :param body: as for :func:`read`, which has accepted it.
    :param is_marked: what :func:`read` returned.
    :returns: the same object when nova can have it as it is.
    """
    spelling = next(
        (name for name in HINT_SPELLINGS if name in body), HINT_SPELLINGS[0]
    )
    hints = body.get(spelling, {})
    # Hints that are no dict stay, because nova has its own answer to them.
    lacks_hint = (
        is_marked and isinstance(hints, dict) and marks.HINT not in hints
    )
    if MEMBER not in body['server'] and not lacks_hint:
        return body
    changed = dict(body, server=dict(body['server']))
    changed['server'].pop(MEMBER, None)
    if lacks_hint:
        changed[spelling] = {**hints, marks.HINT: 'true'}
    return changed


def _read_member(value):
    error = jsonschema.exceptions.best_match(_BOOLEAN.iter_errors(value))
    if error is not None:
        raise InvalidMark(
            'Invalid input for field/attribute %s. Value: %s. %s'
            % (MEMBER, value, error.message)
        )
    return strutils.bool_from_string(value, strict=True)


def _read_hint(hints):
    """Read the hint among scheduler hints: a boolean, or a list of booleans.

    An empty list is no mark.
    """
    value = hints[marks.HINT]
    for item in value if isinstance(value, list) else [value]:
        _read_member(item)
    return marks.is_marked(hints=hints)
