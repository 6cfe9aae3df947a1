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

"""Which marks make a server preemptible.

A mark is a value that a user or an operator put somewhere: a scheduler hint,
a flavor extra spec, an entry in the system metadata.  They are texts by the
time a scheduler reads them, and hints are lists of texts.  Every part of opie
reads marks with :func:`is_marked`, from those places that the part can see.
"""

from collections.abc import Mapping

HINT = 'preemptible'
FLAVOR_EXTRA_SPEC = 'opie:preemptible'
SYSTEM_METADATA_KEY = 'preemptible'

# Source: oslo_utils.strutils.TRUE_STRINGS, which the core may not import.
TRUE_TEXTS = frozenset(('1', 't', 'true', 'on', 'y', 'yes'))


def is_marked(
    *,
    hints: Mapping[str, object] | None = None,
    extra_specs: Mapping[str, object] | None = None,
    system_metadata: Mapping[str, object] | None = None,
) -> bool:
    """Tell whether a mark makes a server preemptible.

    One mark is enough, and no mark takes back another.

    :param hints: the scheduler hints of the server's request; None or empty
        where there are none or they are not known.
    :param extra_specs: of the server's flavor, likewise.
    :param system_metadata: of the server, likewise.
    """
    return (
        hint_is_true((hints or {}).get(HINT))
        or is_true((extra_specs or {}).get(FLAVOR_EXTRA_SPEC))
        or is_true((system_metadata or {}).get(SYSTEM_METADATA_KEY))
    )


def is_true(value: object) -> bool:
    """Tell whether a mark's text means yes.

    :param value: text in any case, with any white space around it; other
        types count by their text, so ``True`` is true and ``None`` is not.
    """
    return str(value).strip().lower() in TRUE_TEXTS


def hint_is_true(value: object) -> bool:
    """Tell whether the value of the hint marks a server as preemptible.

    :param value: the hint's value, a list of texts or a bare one; None or an
        empty list where there is no mark.  A list marks a server only when
        all of its items do: a JSON ``true`` arrives as ``['True']``.
    """
    if value is None:
        return False
    values = value if isinstance(value, (list, tuple)) else [value]
    return bool(values) and all(is_true(item) for item in values)
