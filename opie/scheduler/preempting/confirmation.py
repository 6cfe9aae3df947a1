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

"""Sees that evicted victims are gone, and that their capacity is free.

Who boots on a host too early is refused by its compute, so it is waited for.
A database or a placement that does not answer is asked again until the
deadline.
"""

from nova import context as nova_context
from nova.compute import vm_states
from oslo_log import log as logging

from opie.scheduler import waiting
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import victim_checks

LOG = logging.getLogger(__name__)


class Confirmation:
    """The wait for the victims of one plan.

    :param plan: a feasible :class:`opie.preemption.model.Plan`.
    :param claim: the :class:`opie.scheduler.claims.claim.Claim` of it.
    :param states: provider uuid to host state.
    :param look: the :class:`victim_checks.LastLook` at them.
    :param deadline: the :class:`waiting.Deadline` by which they must be gone.
    :param is_by_record: whether to wait until even the records are gone.
    """

    def __init__(self, plan, claim, states, look, deadline, is_by_record):
        self._plan = plan
        self._claim = claim
        self._states = states
        self._look = look
        self._deadline = deadline
        self._is_by_record = is_by_record
        self._context = nova_context.get_admin_context()

    def wait(self, cell_of):
        """Wait until what all victims held is free.

        :param cell_of: uuid to the cell of each victim.
        :raises last_look.Stopped: if it will not be, or not in time.
        """
        there = {}
        cells = {}
        for victim, cell in cell_of.items():
            there.setdefault(cell.uuid, set()).add(victim)
            cells[cell.uuid] = cell
        for _ in waiting.tries(waiting.FOR_VICTIMS):
            is_ending = not self._is_by_record
            for uuid, victims in list(there.items()):
                there[uuid], are_ending = self._still_there(
                    cells[uuid], victims
                )
                is_ending = is_ending and are_ending
            if not any(there.values()):
                break
            # NOTE: nova/compute/manager.py frees what its tracker counts
            # first, then the allocations, and destroys the record last.
            if is_ending and self._claim.is_over():
                break
            victim_checks.check_deadline(self._deadline)
        self._check_services_again()

    def _still_there(self, cell, victims):
        """Return (those whose record is there, whether nova is through)."""
        try:
            with nova_context.target_cell(self._context, cell) as context:
                states = preemptibles.states_of(context, sorted(victims))
        except Exception:
            LOG.exception('Cannot see whether victims are gone.')
            return victims, False
        there = {
            victim
            for victim, state in states.items()
            if not self._has_failed(victim, *state)
        }
        return there, all(
            states[victim][0] == vm_states.DELETED for victim in there
        )

    def _has_failed(self, victim, vm_state, task_state):
        """Tell whether a victim's resources are free though its record stays.

        NOTE: nova/compute/manager.py sets ERROR when a deletion fails, which
        it may do before or after it has freed the resources.
        """
        if vm_state != vm_states.ERROR or task_state is not None:
            return False
        try:
            is_released = self._claim.is_released(victim)
        except placement.PlacementError as exc:
            LOG.warning(
                'Cannot see whether the failed deletion of %(victim)s has '
                'freed its resources: %(error)s.',
                {'victim': victim, 'error': exc},
            )
            return False
        if not is_released:
            raise victim_checks.Stopped('nova failed to delete it', victim)
        LOG.warning(
            'nova could not finish the deletion of %s, whose resources are '
            'free; delete it again.',
            victim,
        )
        return True

    def _check_services_again(self):
        """Check that the records did not go because a compute was down."""
        for host in sorted({host for host, _ in self._plan.victims}):
            try:
                self._look.check_service(
                    self._states[host].host, may_be_disabled=True
                )
            except victim_checks.Stopped:
                raise
            except Exception:
                LOG.exception('Cannot see whether %s is up.', host)
