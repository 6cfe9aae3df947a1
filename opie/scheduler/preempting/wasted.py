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


"""What follows when the victims of an attempt were lost in vain."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Sequence
import typing

from nova import context as nova_context
from nova import exception
from oslo_log import log as logging

from opie.scheduler import report
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import waste
from opie.scheduler.nova_db import instances
from opie.scheduler.nova_db import moves

if typing.TYPE_CHECKING:
    from opie.scheduler.preempting import attempt as attempts

LOG = logging.getLogger(__name__)


def note(
    attempt: attempts.Attempt,
    victims: Collection[str],
    preemptors: Sequence[str],
    preemptions: Sequence[journal_names.Preemption],
) -> None:
    """Count victims as wasted; let the project wait if it is to blame.

    It is if it has deleted a preemptor.  Nothing of this may keep the attempt
    from being undone.

    :param preemptors: those that the victims went for.
    :param preemptions: of the attempt, as they were in the journal.
    """
    if not victims:
        return
    report.wasted(len(victims), preemptors, victims)
    unwanted = attempt.unwanted & set(preemptors)
    try:
        deleted = [
            one
            for one in preemptions
            if one.preemptor in unwanted and _is_deleted(one)
        ]
        if deleted:
            waste.note(attempt.sources.placement, deleted)
    except Exception:
        LOG.exception(
            'Cannot note that the project of %s has deleted them while '
            'servers were evicted for them.',
            ', '.join(sorted(unwanted)),
        )


def _is_deleted(preemption: journal_names.Preemption) -> bool:
    """Tell whether a preemptor was deleted, and not given up by nova.

    :param preemption: of one that nova does not wait for any more.
    """
    context = nova_context.get_admin_context()
    preemptor, move = preemption.preemptor, preemption.move
    if move is not None:
        progress = moves.progress(context, preemptor, move)
        return progress is moves.Progress.DELETED
    try:
        # NOTE: nova/conductor/manager.py puts what it gives up into cell0.
        return instances.cell_of(context, preemptor) is None
    except exception.InstanceMappingNotFound:
        return True
