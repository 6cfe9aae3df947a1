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

"""Checks whether copied records are as those that nova made.

Records are compared column by column.  Of uuids, ids, names and times only
their presence counts.
"""

import datetime
import json
import re

_UUID = re.compile('[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
_TIME = re.compile('[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+]00:00)')


class Differs(Exception):
    """A copy is not what nova would have made."""


def check(template, copy):
    """Check that two hosts' records are the same.

    :param template: a :class:`copies.Template`.
    :param copy: another, read back after it was inserted.
    :raises Differs: naming the first table that differs.
    """
    for (database, table), rows in template.rows.items():
        wanted = _neutral(rows, template.host)
        found = _neutral(copy.rows[database, table], copy.host)
        for number, (one, other) in enumerate(
            zip(wanted, found, strict=False)
        ):
            for column in one:
                if one[column] != other[column]:
                    raise Differs(
                        '%s.%s.%s, row %d of the host: nova made %r, the '
                        'copy has %r'
                        % (
                            database,
                            table.name,
                            column,
                            number,
                            one[column],
                            other[column],
                        )
                    )
        if len(wanted) != len(found) or not wanted:
            raise Differs(
                '%s.%s: nova made %d rows, the copy has %d'
                % (database, table.name, len(wanted), len(found))
            )


def _neutral(rows, host):
    neutral = [
        {
            name: _neutral_value(name, value, host)
            for name, value in row.items()
        }
        for row in rows
    ]
    return sorted(neutral, key=lambda row: json.dumps(row, sort_keys=True))


def _neutral_value(name, value, host):
    if isinstance(value, datetime.datetime):
        return 'a time'
    if name in ('id', 'service_id', 'compute_id') or name.endswith(
        'provider_id'
    ):
        return None if value is None else 'an id'
    if isinstance(value, str):
        value = value.replace(host, 'a host')
        return _TIME.sub('a time', _UUID.sub('a uuid', value))
    return value
