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

"""Sends the victims of an attempt away.

The request to delete a victim is the point of no return, because a compute
that hangs executes it when it returns.  So everything that could make an
eviction pointless or harmful is checked immediately before each one, and the
first problem stops all evictions that follow.  A database or a placement that
does not answer is no problem once a victim was sent away: it is asked again
until the deadline.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
import time
import typing

from nova import context as nova_context
from nova import exception
from nova import objects
from nova.compute import api as compute_api
from nova.compute import task_states
from oslo_log import log as logging

from opie.scheduler import errors
from opie.scheduler import host_state
from opie.scheduler import steps
from opie.scheduler import waiting
from opie.scheduler.nova_db import instances
from opie.scheduler.preempting import companion_check
from opie.scheduler.preempting import first_victims
from opie.scheduler.preempting import leaving_checks
from opie.scheduler.preempting import still_wanted

if typing.TYPE_CHECKING:
    from opie.scheduler.preempting import attempt as attempts

LOG = logging.getLogger(__name__)

# How long a check of all victims counts, from its beginning, as the one that
# is made immediately before each of them is sent away.
_FRESH_SECONDS = 0.25


class _Stopwatch:
    """Runs since it was made.

    A scheduler may have been suspended since.  Monotonic time may stand still
    then, and the time of the day may be set back, so both are compared.
    """

    def __init__(self) -> None:
        self._began = self._now()

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.monotonic(), time.time()

    def is_fresh(self) -> bool:
        """Tell whether what was checked since it was made still counts."""
        return all(
            0 <= now - began < _FRESH_SECONDS
            for now, began in zip(self._now(), self._began, strict=True)
        )


class Eviction:
    """The evictions of one attempt, which notes the victims sent away.

    :param wait_for_guests: called with the uuids of victims; returns when
        their guests are gone.
    """

    def __init__(
        self,
        attempt: attempts.Attempt,
        wait_for_guests: Callable[[Collection[str]], None],
    ) -> None:
        self._attempt = attempt
        self._wait_for_guests = wait_for_guests
        self._checks = attempt.checks
        self._context = nova_context.get_admin_context()
        self._compute_api = compute_api.API()

    def run(self) -> None:
        """Ask nova to delete each victim.

        Everything is checked when the victims may go on their hosts.

        :raises errors.AttemptVoid: if a victim must not go, a nominated host
            is a wrong one by now, or quota allows other requests first.
        :raises errors.NoRoomMade: if the time is over, preemption is switched
            off, no preemptor is wanted any more, or quota does not allow it.
        """
        turns = first_victims.FirstVictims(self._attempt)
        victims = self._victims
        with turns.queued(victims):
            at_first, later = turns.wait_for_turns(victims)
            self._check_everything(victims)
            # All of them, before any is sent away.
            self._evict_all(at_first, self._check_all(victims))
        if later:
            self._wait_for_guests([server.uuid for _, server in at_first])
            self._evict_all(later, self._check_all(later))

    def _check_everything(self, victims: first_victims.Victims) -> None:
        """Check what does not depend on each victim alone."""
        states = self._attempt.shot.states
        companion_check.check(self._attempt)
        # Also for a request that needs no eviction: it would use up the quota
        # of one whose victims have gone.
        self._attempt.quota.check_again(
            self._attempt.placement_claim.preemptions
        )
        leaving_checks.LeavingChecks(self._attempt).check_all()
        self._checks.check_protection(
            {one: states[one].host for one, _ in victims},
            self._attempt.sources.worker.host_manager,
        )
        self._checks.check_flavors(
            self._attempt.shot.flavors_that_mark(victims)
        )

    def _evict_all(
        self, victims: first_victims.Victims, since_check: _Stopwatch | None
    ) -> None:
        for provider, server in victims:
            self._evict_patiently(
                self._attempt.shot.states[provider], server.uuid, since_check
            )

    @property
    def _victims(self) -> first_victims.Victims:
        """(provider, server) of those that do not leave anyway."""
        return [
            (provider, server)
            for provider, server in self._attempt.plan.victims
            if not server.is_leaving
        ]

    def _check_all(self, victims: first_victims.Victims) -> _Stopwatch | None:
        """Find every problem of any of some victims before one is sent away.

        :returns: the time since the check has begun; None for a single victim,
            which is checked soon enough, or none.
        :raises errors.AttemptVoid: naming all victims that must not go.
        """
        if len(victims) < 2:
            return None
        since_check = _Stopwatch()
        self._note_unwanted(*(server.uuid for _, server in victims))
        states = {
            server.uuid: self._attempt.shot.states[provider]
            for provider, server in victims
            if self._attempt.is_needed(server.uuid)
        }
        self._attempt.deadline.check()
        cells = instances.cells_of(self._context, states)
        problems = self._checks.problems(cells, states)
        if problems:
            raise errors.AttemptVoid(
                ', '.join(sorted(set(problems.values()))), *problems
            )
        return since_check

    def _evict_patiently(
        self,
        state: host_state.HostState,
        victim: str,
        since_check: _Stopwatch | None,
    ) -> None:
        """Evict a victim; see the module's policy on what does not answer.

        :param state: the state of the host that the victim is to be on.
        :param since_check: the time since all victims were checked together.
        """
        for _ in waiting.tries(waiting.FOR_VICTIMS):
            try:
                self._evict(state, victim, since_check)
                return
            except (errors.AttemptVoid, errors.NoRoomMade):
                raise
            except Exception:
                if not self._attempt.sent:
                    raise
                LOG.exception('Cannot see whether %s may go now.', victim)
            self._attempt.deadline.check()

    def _evict(
        self,
        state: host_state.HostState,
        victim: str,
        since_check: _Stopwatch | None,
    ) -> None:
        """Check a victim and send it away, if a preemptor still needs that."""
        self._note_unwanted(victim)
        if not self._attempt.is_needed(victim):
            return
        self._attempt.deadline.check()
        has_begun = bool(self._attempt.sent)
        try:
            self._checks.check_service(state.host, has_begun)
            cell = instances.cell_of(self._context, victim)
        except exception.NotFound as exc:
            raise errors.AttemptVoid(str(exc), victim) from exc
        # Also if it needs no eviction any more, its end is waited for.
        self._attempt.awaited[victim] = cell
        with nova_context.target_cell(self._context, cell) as cell_context:
            instance = self._instance_to_evict(
                cell_context, state, victim, since_check
            )
            if instance:
                still_wanted.check_switch()
                self._send(cell_context, instance, state)

    def _instance_to_evict(
        self,
        context: nova_context.RequestContext,
        state: host_state.HostState,
        victim: str,
        since_check: _Stopwatch | None,
    ) -> objects.Instance | None:
        """Return a victim, or None if its deletion was asked for already.

        :param context: a context targeted at the victim's cell.
        :raises errors.AttemptVoid: if the victim must not go.
        """
        try:
            instance = objects.Instance.get_by_uuid(context, victim)
        except exception.InstanceNotFound:
            return None
        if instance.task_state == task_states.DELETING:
            return None
        if since_check and since_check.is_fresh():
            self._checks.check_record(instance, state)
        else:
            self._checks.check_victim(context, instance, state)
        return instance

    def _note_unwanted(self, *victims: str) -> None:
        """Find out which preemptors of some victims are wanted no more."""
        still_wanted.note_unwanted(
            self._attempt,
            set().union(*map(self._attempt.preemptors_of, victims)),
        )

    @steps.step('sends a victim away')
    def _send(
        self,
        context: nova_context.RequestContext,
        instance: objects.Instance,
        state: host_state.HostState,
    ) -> None:
        """Ask nova to delete a victim: it cannot be taken back."""
        victim = instance.uuid
        LOG.info(
            'Evicting %(victim)s from %(host)s for %(preemptors)s.',
            {
                'victim': victim,
                'host': instance.node,
                'preemptors': ', '.join(
                    sorted(self._attempt.preemptors_of(victim))
                ),
            },
        )
        # It tells the victim's owner, and nothing of the preemptor.
        # NOTE: nova/compute/api.py deletes a soft-deleted server by this, too.
        objects.InstanceAction.action_start(
            context, victim, instances.ACTION, want_result=False
        )
        try:
            self._compute_api.delete(context, instance)
        except Exception as exc:
            LOG.exception('Failed to ask for the deletion of %s.', victim)
            if instances.may_be_deleting(context, victim):
                self._attempt.note_sent(victim)
            raise errors.AttemptVoid(
                'nova did not delete it: %s' % exc, victim
            ) from exc
        self._attempt.note_sent(victim)
