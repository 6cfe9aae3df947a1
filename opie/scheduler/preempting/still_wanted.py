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

"""Whether pass 2 is still wanted, by the operator and by the users.

The operator's switch stops preemptions that are under way too.  A user who
deletes a preemptor ends its build request, and so does a conductor that gives
up on the scheduler.  Of a server that is moved, nova's records tell whether
its conductor still waits.
"""

from __future__ import annotations

from collections.abc import Iterable
import typing

from nova import context as nova_context
import nova.conf

from opie.scheduler import errors
from opie.scheduler.nova_db import instances
from opie.scheduler.nova_db import moves

if typing.TYPE_CHECKING:
    from opie.scheduler.preempting import attempt as attempts

CONF = nova.conf.CONF

_NONE_IS_WANTED = 'every preemptor was deleted or given up by nova'


def check_switch() -> None:
    """Check that preemption is not switched off.

    :raises errors.SwitchedOff: if it is.
    """
    if not CONF.opie.enabled:
        raise errors.SwitchedOff


def check_any(
    preemptors: Iterable[str], move: moves.Move | None = None
) -> None:
    """Check that at least one of some preemptors is wanted.

    :param move: what the preemptor needs the room for; None for boots.
    :raises errors.NoRoomMade: if none is.
    """
    context = nova_context.get_admin_context()
    if not any(_is_wanted(context, one, move) for one in preemptors):
        raise errors.NoRoomMade(_NONE_IS_WANTED)


def note_unwanted(
    attempt: attempts.Attempt, preemptors: Iterable[str]
) -> None:
    """Note in an attempt which of some preemptors are not wanted any more.

    :raises errors.NoRoomMade: if no preemptor of the attempt is wanted.
    """
    context = nova_context.get_admin_context()
    for preemptor in sorted(preemptors):
        if not _is_wanted(context, preemptor, attempt.move):
            attempt.unwanted.add(preemptor)
    if attempt.preemptors <= attempt.unwanted:
        raise errors.NoRoomMade(_NONE_IS_WANTED)


def _is_wanted(
    context: nova_context.RequestContext,
    preemptor: str,
    move: moves.Move | None,
) -> bool:
    if move is None:
        return instances.has_build_request(context, preemptor)
    progress = moves.progress(context, preemptor, move)
    return progress is moves.Progress.AWAITED
