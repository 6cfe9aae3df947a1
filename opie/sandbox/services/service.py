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

"""Describes a service and its preparation before they are started."""

from collections.abc import Callable
from collections.abc import Mapping
import configparser
import dataclasses
import hashlib
import io
import pathlib
from typing import NamedTuple


@dataclasses.dataclass(frozen=True)
class Service:
    """A command that serves until it is stopped.

    :ivar files: path to content, written before it is started.
    :ivar check: raises an exception until the service answers; it is called
        with a time, in seconds since the epoch; older signs of life count
        for nothing.
    :ivar needs: names of the services or other steps that come before.
    :ivar folder: where it runs.
    """

    name: str
    command: tuple[str, ...]
    check: Callable[[float], None]
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    needs: tuple[str, ...] = ()
    folder: str | None = None

    def digest(self):
        """Return a text that differs for another command or other files."""
        parts = (
            self.command,
            sorted((str(path), text) for path, text in self.files.items()),
            sorted(self.environment.items()),
            str(self.folder),
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()


class Preparation(NamedTuple):
    """Commands that run one after the other, before a service can start.

    :ivar folders: what has to be there.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    needs: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    folders: tuple[pathlib.Path, ...] = ()


class NotYet(Exception):
    """A service does not answer yet; the text says what is missing."""


def ini(sections):
    """Return the text of a configuration file.

    :param sections: section to option to value.
    """
    parser = configparser.RawConfigParser(default_section='')
    parser.optionxform = str
    parser.read_dict(sections)
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()
