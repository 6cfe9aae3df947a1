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

"""What has become of a preemptor, by nova's records."""

import enum

from nova import context as nova_context
from nova import exception
from nova import objects
from nova.compute import vm_states

from opie.scheduler.claims import journal_names
from opie.scheduler.nova_db import instances
from opie.scheduler.nova_db import moves


class Fate(enum.Enum):
    """What has become of a preemptor."""

    # It was deleted while it waited, or is in cell0, where nova keeps servers
    # that have found no host.  Or it did not move to its host.
    WITHOUT_HOST = 'without host'
    # It is in no cell and its build request is there: nova is about to build
    # it, or has died.  Or nova is about to move it, likewise.
    UNDECIDED = 'undecided'
    # It is being built, or moved.
    BUILDING = 'building'
    # It has run, whatever has become of it since.  Or its record is archived,
    # so that nothing tells any more whether it ran.  Or it has moved.
    LAUNCHED = 'launched'
    # It was on a host, but never ran.
    FAILED = 'failed'
    # It is in ERROR in its cell and has no host: nova's conductor refused it
    # after the scheduler had answered, or its host did.
    REFUSED = 'refused'


_FATES = {
    moves.Progress.AWAITED: Fate.UNDECIDED,
    moves.Progress.UNDER_WAY: Fate.BUILDING,
    moves.Progress.DONE: Fate.LAUNCHED,
    moves.Progress.ENDED: Fate.WITHOUT_HOST,
    moves.Progress.DELETED: Fate.WITHOUT_HOST,
}


def of(
    context: nova_context.RequestContext, preemption: journal_names.Preemption
) -> Fate:
    """Return the fate of the preemptor of a preemption.

    :param context: an administrator's.
    """
    if preemption.move is None:
        return fate_of(context, preemption.preemptor)
    return _fate_of_move(context, preemption, preemption.move)


def _fate_of_move(
    context: nova_context.RequestContext,
    preemption: journal_names.Preemption,
    move: moves.Move,
) -> Fate:
    record = moves.record(context, preemption.preemptor, move)
    if record is None:
        return Fate.WITHOUT_HOST
    progress = record.progress(move)
    is_there = record.provider == preemption.nominated_provider
    is_over = progress in (moves.Progress.DONE, moves.Progress.ENDED)
    if is_over and is_there:
        # Also if another move has brought it there: it keeps what it has.
        return Fate.LAUNCHED
    if move.is_held_by_migration or not is_over:
        return _FATES[progress]
    # What a server itself has held since before the move may be part of the
    # next one.
    return Fate.UNDECIDED if record.task_state else Fate.WITHOUT_HOST


def fate_of(context: nova_context.RequestContext, preemptor: str) -> Fate:
    """Return the fate of a preemptor that was to be booted.

    :param context: an administrator's.
    """
    # NOTE: nova/conductor/manager.py makes a server's record, tells its cell,
    # and destroys the build request, in this order.
    is_wanted = instances.has_build_request(context, preemptor)
    try:
        cell = instances.cell_of(context, preemptor)
    except exception.InstanceMappingNotFound:
        return Fate.WITHOUT_HOST
    if cell is None and is_wanted:
        return Fate.UNDECIDED
    if cell is None or cell.is_cell0():
        return Fate.WITHOUT_HOST
    with nova_context.target_cell(context, cell) as cell_context:
        try:
            instance = objects.Instance.get_by_uuid(
                cell_context.elevated(read_deleted='yes'),
                preemptor,
                expected_attrs=[],
            )
        except exception.InstanceNotFound:
            # It was deleted, and its record archived since.
            return Fate.LAUNCHED
    if instance.launched_at:
        return Fate.LAUNCHED
    # NOTE: nova/conductor/manager.py, _cleanup_build_artifacts, leaves a
    # server's allocations.
    is_in_error = instance.vm_state == vm_states.ERROR
    if is_in_error and not instance.host and not instance.deleted:
        return Fate.REFUSED
    if instance.deleted or instance.vm_state != vm_states.BUILDING:
        return Fate.FAILED
    return Fate.BUILDING
