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

"""The record of a cloud: its settings, ports and versions, kept as a file."""

import dataclasses
import json
import secrets

from opie.sandbox import settings as settings_module

# Another number makes all older clouds unusable.
FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Record:
    """All that a command has to know of a cloud that it did not start.

    :ivar versions: distribution to the version that made its databases.
    :ivar secret: what all its passwords are made of.
    :ivar ports: what listens to its port.
    :ivar registered_ports: those that keystone's catalog has.
    :ivar is_complete: whether its databases are made.
    """

    versions: dict[str, str]
    settings: settings_module.Settings
    secret: str = dataclasses.field(default_factory=secrets.token_hex)
    ports: dict[str, int] = dataclasses.field(default_factory=dict)
    registered_ports: dict[str, int] = dataclasses.field(default_factory=dict)
    is_complete: bool = False
    format: int = FORMAT


def dump(record):
    """Return the text of a record."""
    return json.dumps(dataclasses.asdict(record), indent=1)


def load(text):
    """Return the record of a text.

    :raises ValueError: if it is not one of this version.
    """
    try:
        values = json.loads(text)
        if values['format'] != FORMAT:
            raise ValueError('it has another format')
        values['settings'] = settings_module.Settings(**values['settings'])
        return Record(**values)
    except (KeyError, TypeError) as error:
        raise ValueError(str(error)) from error
