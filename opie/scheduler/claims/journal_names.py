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


"""The name of a journal provider, which tells of the preemption in flight.

The name holds all that another scheduler needs to finish or undo the
preemption.  The fields that limits count by, when it began and for which
project, are not in the names of preemptions that do not count, nor in names
that earlier releases wrote.
"""

import dataclasses
import hashlib
import re
import uuid

from oslo_utils import uuidutils

from opie.scheduler.nova_db import moves

# The first field of each name, and the whole name of the journal's root.
ROOT_NAME = 'opie'

# Source: placement's schema of a provider.
_MAX_NAME_LENGTH = 200
_READABLE_LABEL = re.compile('[A-Za-z0-9_.-]{1,40}')
_LABEL_LENGTH = 40
# The first part of a uuid.
_WORKER_LENGTH = 8
_MILLISECONDS = 1000
# The name of a scheduler host can be an address, of colons and digits.
_COUNTED = re.compile('@[0-9]+:[^:]+:')
# Of a move: its operation, and the migration.  Earlier releases take it for a
# part of the scheduler host.
_MOVE = re.compile('%([a-z_]+)(?:=([0-9a-f]{32}))?:')


# In place of the scheduler host, in the name of what is no preemption: see
# waste.py.
WASTED = '%wasted'


def is_of_waste(name: str) -> bool:
    """Tell whether a name is that of a project's record; see waste.py."""
    return name.endswith(':' + WASTED)


def new_provider(worker: str) -> str:
    """Return a new uuid for a journal provider that a worker opens.

    :param worker: see :attr:`Preemption.worker`.
    """
    return worker + uuidutils.generate_uuid()[_WORKER_LENGTH:]


def new_worker() -> str:
    """Return what stands for a worker that starts."""
    return uuidutils.generate_uuid()[:_WORKER_LENGTH]


def to_millisecond(seconds: float) -> float:
    """Return a time as names tell it, so that all order it alike."""
    return round(seconds * _MILLISECONDS) / _MILLISECONDS


@dataclasses.dataclass(frozen=True)
class Preemption:
    """A preemption in flight, as the name of its journal provider tells it.

    There is one for each preemptor, also of a request for several servers.

    :ivar journal_provider: uuid of its provider in the journal.
    :ivar preemptor: uuid of the preemptor.
    :ivar attempt: number of its plan, from 1.
    :ivar deadline: when its victims have to be gone, in seconds since the
        epoch by the clock of the scheduler host.
    :ivar nominated_provider: uuid of the nominated host's provider.
    :ivar scheduler_host: name of the host whose scheduler carries it out.
    :ivar began: when it was about to be claimed, in seconds since the epoch by
        the clock of the scheduler host, to the millisecond; None if it takes
        nothing from any victim, or if an earlier release has named it.
    :ivar project: the :func:`label` of the preemptor's project; None likewise.
    :ivar move: what the preemptor needs the room for; None for a boot.
    """

    journal_provider: str
    preemptor: str
    attempt: int
    deadline: int
    nominated_provider: str
    scheduler_host: str
    began: float | None = None
    project: str | None = None
    move: moves.Move | None = None

    @property
    def worker(self) -> str:
        """What stands for the scheduler worker that carries it out.

        Workers of one host share its name.  So that they can be told apart,
        the uuid of a journal provider begins as its worker does.  Earlier
        releases had uuids of chance, as if each preemption had a worker of its
        own.
        """
        return self.journal_provider[:_WORKER_LENGTH]

    @property
    def name(self) -> str:
        """The name of its journal provider."""
        fields = (
            ROOT_NAME,
            self.preemptor,
            self.attempt,
            self.deadline,
            self.nominated_provider,
            *self._counted_fields(),
            *self._move_fields(),
            self.scheduler_host,
        )
        return ':'.join(map(str, fields))[:_MAX_NAME_LENGTH]

    def _counted_fields(self) -> tuple[str, ...]:
        if self.began is None or self.project is None:
            return ()
        return '@%d' % round(self.began * _MILLISECONDS), self.project

    def _move_fields(self) -> tuple[str, ...]:
        if self.move is None:
            return ()
        if self.move.migration is None:
            return ('%' + self.move.operation,)
        migration = uuid.UUID(self.move.migration).hex
        return ('%%%s=%s' % (self.move.operation, migration),)

    @classmethod
    def from_name(cls, journal_provider: str, name: str) -> 'Preemption':
        """Return what a name tells.

        :raises ValueError: if it is not the name of a journal provider.
        """
        root, preemptor, attempt, deadline, nominated, rest = name.split(
            ':', 5
        )
        if root != ROOT_NAME:
            raise ValueError(name)
        began, project = None, None
        if _COUNTED.match(rest):
            at_milliseconds, project, rest = rest.split(':', 2)
            began = int(at_milliseconds[1:]) / _MILLISECONDS
        move, rest = _move_in(rest)
        return cls(
            journal_provider,
            preemptor,
            int(attempt),
            int(deadline),
            nominated,
            rest,
            began,
            project,
            move,
        )


def _move_in(text: str) -> tuple[moves.Move | None, str]:
    """Return (the move that a text begins with, what comes after it)."""
    found = _MOVE.match(text)
    if not found:
        return None, text
    operation, migration = found.groups()
    known = str(uuid.UUID(migration)) if migration else None
    return moves.Move(operation, known), text[found.end() :]


def label(project_id: str) -> str:
    """Return what stands for a project in the name of a journal provider.

    The label is the project's id, if the id has at most 40 characters and none
    of them could mislead.  Otherwise it is a hash of the id.
    """
    if _READABLE_LABEL.fullmatch(project_id):
        return project_id
    return hashlib.sha256(project_id.encode()).hexdigest()[:_LABEL_LENGTH]
