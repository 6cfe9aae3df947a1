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

A preemptor that boots too early is refused by its compute, so pass 2 waits.
A database or a placement that does not answer is asked again until the
deadline.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
import typing

from nova import context as nova_context
from nova import objects
from nova.compute import vm_states
import nova.conf
from oslo_log import log as logging

from opie.conf import hosts
from opie.scheduler import errors
from opie.scheduler import steps
from opie.scheduler import waiting
from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import leaving_checks
from opie.scheduler.preempting import still_wanted

if typing.TYPE_CHECKING:
    from opie.scheduler.preempting import attempt as attempts

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

# How long the records of victims may stay before placement is asked.
_RECORD_SECONDS = 1.0


class Confirmation:
    """The wait for the victims of one attempt."""

    def __init__(self, attempt: attempts.Attempt) -> None:
        self._attempt = attempt
        self._context = nova_context.get_admin_context()
        self._leaving = leaving_checks.LeavingChecks(attempt)
        # Whether the hosts have got more time once.
        self._has_more_time = False

    def run(self) -> None:
        """Return when the room is free and the preemptors still have it.

        :raises errors.AttemptVoid: if it will not be free, or is not theirs.
        :raises errors.NoRoomMade: if it is not free in time, or no preemptor
            is wanted any more.
        """
        self.wait()
        self._note_unwanted_again()
        self._check_claims()

    def wait(self) -> None:
        """Wait until what all victims held is free.

        :raises errors.AttemptVoid: if it will not be.
        :raises errors.TooLate: if it is not in time.
        """
        self._ask_after(_RECORD_SECONDS)
        self._wait(self._attempt.awaited, self._is_all_released)

    def wait_for_guests(self, victims: Iterable[str]) -> None:
        """Wait until the guests of some victims are gone; see :meth:`wait`.

        What nova has to free afterwards may take longer.

        :param victims: their uuids; those that are not awaited are left out.
        """
        self._wait(victims, lambda are_guests_gone: are_guests_gone)

    @steps.polling
    def _wait(
        self, victims: Iterable[str], is_enough: Callable[[bool], bool]
    ) -> None:
        """Wait until the records of victims have ended, or what is enough.

        :param is_enough: is told whether all guests are gone.
        """
        there = self._attempt.awaited.keys() & set(victims)
        for _ in waiting.tries(waiting.FOR_VICTIMS):
            there, with_guests = self._still_there(there)
            if not there or is_enough(not with_guests):
                break
            self._attempt.deadline.check()
            self._check_time_of_hosts(with_guests)
        self._check_services_again()

    def _ask_after(self, seconds: float) -> None:
        self._asks_after = seconds
        self._asks_at = waiting.Deadline.after(seconds)

    def _is_all_released(self, are_guests_gone: bool) -> bool:
        """Tell whether nova has freed all victims, and only not ended records.

        Placement is asked where the records stay, and ever more seldom.  The
        deletions of a burst need placement more than the requests that wait.

        NOTE: nova/compute/manager.py frees what its tracker counts first, then
        the allocations, and destroys the record last.  It counts all records
        on its host when it checks the policy of a group.
        """
        if self._attempt.has_group or not are_guests_gone:
            self._ask_after(_RECORD_SECONDS)
        if not self._asks_at.is_over:
            return False
        self._ask_after(2 * self._asks_after)
        return self._attempt.placement_claim.have_all_released()

    def _check_time_of_hosts(self, there: set[str]) -> None:
        """Check that the hosts have time left to delete victims.

        A host that still deletes guests has much to do, and gets as much time
        again, once.

        :param there: uuids of servers whose guests are still there.
        :raises errors.AttemptVoid: if they have none.
        """
        attempt = self._attempt
        late = {
            provider
            for victim, provider in attempt.sent_from.items()
            if victim in there
        }
        time_left = attempt.host_deadline
        if late and time_left and time_left.is_over:
            if not self._has_more_time and all(map(self._works, late)):
                self._has_more_time = True
                attempt.restart_time_of_hosts()
                return
            raise errors.AttemptVoid(
                '%s did not delete victims within [opie] host_timeout_seconds '
                '(%d)'
                % (
                    ', '.join(
                        sorted(attempt.shot.states[one].host for one in late)
                    ),
                    hosts.timeout_seconds(CONF),
                ),
                providers=late,
            )

    def _works(self, provider: str) -> bool:
        """Tell whether a host has deleted a guest just now."""
        host = self._attempt.shot.states[provider].host
        deletions = self._attempt.sources.worker.deletions
        try:
            found = deletions.on_host(self._context, host)
        except Exception:
            LOG.exception('Cannot see whether %s deletes guests.', host)
            return False
        return found.has_ended_lately

    def _still_there(self, victims: set[str]) -> tuple[set[str], set[str]]:
        """Return (those whose record is there, those whose guest is)."""
        cells = {}
        by_cell: dict[str, set[str]] = {}
        for victim in victims:
            cell = self._attempt.awaited[victim]
            cells[cell.uuid] = cell
            by_cell.setdefault(cell.uuid, set()).add(victim)
        there: set[str] = set()
        with_guests: set[str] = set()
        for uuid, its_victims in by_cell.items():
            some, others = self._still_in_cell(cells[uuid], its_victims)
            there |= some
            with_guests |= others
        return there, with_guests

    def _still_in_cell(
        self, cell: objects.CellMapping, victims: set[str]
    ) -> tuple[set[str], set[str]]:
        try:
            states = self._attempt.sources.worker.server_states.states_of(
                self._context, cell, victims
            )
        except Exception:
            LOG.exception('Cannot see whether victims are gone.')
            return victims, victims
        there = {
            victim
            for victim, state in states.items()
            if not self._has_failed(victim, *state)
        }
        # NOTE: nova/compute/manager.py sets DELETED when the guest is gone.
        return there, {
            victim
            for victim in there
            if states[victim][0] != vm_states.DELETED
        }

    def _has_failed(
        self, victim: str, vm_state: str, task_state: str | None
    ) -> bool:
        """Tell whether a victim's resources are free though its record stays.

        NOTE: nova/compute/manager.py sets ERROR when a deletion fails, which
        it may do before or after it has freed the resources.

        :raises errors.AttemptVoid: if the victim stays.
        """
        if victim in self._attempt.leaving:
            return self._leaving.is_over(victim, vm_state, task_state)
        if vm_state != vm_states.ERROR or task_state is not None:
            return False
        try:
            is_released = self._attempt.placement_claim.is_released(victim)
        except placement.PlacementError as exc:
            LOG.warning(
                'Cannot see whether the failed deletion of %(victim)s has '
                'freed its resources: %(error)s.',
                {'victim': victim, 'error': exc},
            )
            return False
        if not is_released:
            raise errors.AttemptVoid(
                'nova failed to delete %s, which is in ERROR: delete it '
                'again' % victim,
                victim,
            )
        LOG.warning(
            'nova could not finish the deletion of %s, whose resources are '
            'free; delete it again.',
            victim,
        )
        return True

    def _check_services_again(self) -> None:
        """Check that the records did not go because a compute was down."""
        states = self._attempt.shot.states
        for provider in sorted({one for one, _ in self._attempt.plan.victims}):
            host = states[provider].host
            try:
                self._attempt.checks.check_service(host, may_be_disabled=True)
            except errors.AttemptVoid:
                raise
            except Exception:
                LOG.exception('Cannot see whether %s is up.', host)

    def _note_unwanted_again(self) -> None:
        try:
            still_wanted.note_unwanted(self._attempt, self._attempt.preemptors)
        except errors.NoRoomMade:
            raise
        except Exception:
            # nova's conductor asks itself.
            LOG.exception('Cannot see whether the preemptors are wanted.')

    def _check_claims(self) -> None:
        """Check that no claim was dropped while victims went.

        When placement does not say, the claim is taken to be there: it was
        made, and the victims are gone.
        """
        for nomination in self._attempt.plan.nominations:
            if nomination.preemptor in self._attempt.unwanted:
                continue
            try:
                holds = self._attempt.placement_claim.holds_for(nomination)
            except placement.PlacementError as exc:
                LOG.warning(
                    'Cannot read the allocations of %(preemptor)s again: '
                    '%(error)s.',
                    {'preemptor': nomination.preemptor, 'error': exc},
                )
                continue
            if not holds:
                raise errors.AttemptVoid(
                    'the allocations of %s were removed by another writer'
                    % nomination.preemptor
                )
