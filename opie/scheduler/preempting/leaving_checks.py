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

"""The servers that an attempt waits for, and that go without its doing.

Nova or another preemption has promised that they go, and may not keep it: a
deletion fails or takes too long, or the other preemption gives up.  Then the
attempt is void, and another plan may evict a server instead.  Victims that the
attempt has sent away itself leave their room to that plan.
"""

from __future__ import annotations

import typing

from nova import context as nova_context
from nova import exception
from nova.compute import task_states
from nova.compute import vm_states
import nova.conf
from oslo_log import log as logging

from opie.scheduler import errors
from opie.scheduler import steps
from opie.scheduler.nova_db import instances
from opie.scheduler.placement import client as placement

if typing.TYPE_CHECKING:
    from opie.scheduler.preempting import attempt as attempts

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)


class LeavingChecks:
    """The checks of one attempt's leaving servers."""

    def __init__(self, attempt: attempts.Attempt) -> None:
        self._attempt = attempt
        self._context = nova_context.get_admin_context()

    def check_all(self) -> None:
        """Check that all of them still leave, and let their end be awaited.

        :raises errors.AttemptVoid: if one does not, or its compute service is
            down.
        """
        leaving = self._attempt.leaving
        if not leaving:
            return
        for host in sorted({one.record.host for one in leaving.values()}):
            try:
                self._attempt.checks.check_service(host)
            except exception.NotFound as exc:
                raise errors.AttemptVoid(str(exc), *leaving) from exc
        cells = instances.cells_of(self._context, leaving)
        self._attempt.awaited.update(cells)
        for context, uuids in instances.by_cell(self._context, leaving):
            states = instances.states_of(context, uuids)
            for uuid, (vm_state, task_state) in sorted(states.items()):
                self.is_over(uuid, vm_state, task_state)

    def is_over(
        self, uuid: str, vm_state: str, task_state: str | None
    ) -> bool:
        """Tell whether a server has left its room although its record stays.

        :raises errors.AttemptVoid: if the server does not leave, or takes too
            long.
        """
        if vm_state == vm_states.DELETED:
            return False
        is_deleted = task_state == task_states.DELETING
        if not is_deleted and self._has_left(uuid, vm_state):
            return True
        if self._attempt.leaving[uuid].is_overdue:
            raise errors.AttemptVoid(
                'the deletion of %s takes longer than [opie] '
                'max_wait_for_deletion_seconds (%d)'
                % (uuid, CONF.opie.max_wait_for_deletion_seconds),
                uuid,
            )
        return False

    @steps.polling
    def _has_left(self, uuid: str, vm_state: str) -> bool:
        """Tell whether a server that nova does not delete holds nothing.

        NOTE: nova/compute/manager.py sets ERROR when a deletion fails, which
        it may do before or after it has freed the resources.

        :raises errors.AttemptVoid: if the server stays.
        """
        claim = self._attempt.placement_claim
        try:
            if claim.is_evicted_by_another(uuid):
                # Its deletion is about to be asked for.
                return False
            if claim.is_released(uuid):
                return True
        except placement.PlacementError as exc:
            LOG.warning(
                'Cannot see whether %(server)s still leaves: %(error)s.',
                {'server': uuid, 'error': exc},
            )
            return False
        if vm_state == vm_states.ERROR:
            raise errors.AttemptVoid('nova failed to delete %s' % uuid, uuid)
        # It may be a potential victim of the next plan.
        raise errors.AttemptVoid(
            '%s is not leaving any more' % uuid, is_race=True
        )
