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

"""Parts of the journal: what a preemption takes of providers below a root.

The journal provider of a preemption has what is taken of the root of a host.
For each other provider of the host's tree from which something is taken, it
has a child, the part, whose name tells which provider that is.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
import typing
import uuid

from opie.preemption import rows
from opie.scheduler import resources
from opie.scheduler.placement import client as placement

_NAME = 'opie-part'
_VERSION_OF_UUIDS = 5


class Part(typing.NamedTuple):
    """A part of the journal.

    :ivar journal_provider: the journal provider of its preemption.
    :ivar taken_from: the uuid of the provider from which is taken.
    """

    journal_provider: str
    taken_from: str

    @property
    def uuid(self) -> str:
        """The uuid of its provider."""
        namespace = uuid.UUID(self.journal_provider)
        return str(uuid.uuid5(namespace, self.taken_from))

    @property
    def name(self) -> str:
        """The name of its provider."""
        return ':'.join((_NAME, *self))


def is_part(name: str) -> bool:
    """Tell whether the name of a provider in the journal is that of a part."""
    return name.startswith(_NAME + ':')


def split(
    journal_provider: str, root: str, taken: resources.Amounts
) -> tuple[resources.Amounts, dict[Part, resources.Amounts]]:
    """Return what is taken of a root, and what of others by their parts.

    :param root: the uuid of the provider of the nominated host.
    :param taken: row to amount.
    """
    allocations: dict[str, typing.Any] = rows.to_allocations(root, taken)
    of_root = allocations.pop(root, {})
    return of_root, {
        Part(journal_provider, provider): amounts
        for provider, amounts in allocations.items()
    }


def among(
    client: placement.Client, providers: Iterable[str]
) -> Mapping[str, Part]:
    """Return uuid to part, of those of some providers that are parts."""
    found = {}
    for one in sorted(providers):
        # Other providers of the journal have uuids of chance.
        if uuid.UUID(one).version != _VERSION_OF_UUIDS:
            continue
        for provider in client.providers([('uuid', one)]):
            if is_part(provider['name']):
                _, journal_provider, taken_from = provider['name'].split(':')
                found[one] = Part(journal_provider, taken_from)
    return found
