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

"""Carries out a plan: sends its victims away and sees them gone.

The request to delete a victim is the point of no return, for a compute that
hangs executes it when it returns.  So everything that could make an eviction
pointless or harmful is looked at immediately before each one, and the first
doubt stops all that follow.  A database or a placement that does not answer
is no doubt once something was lost: it is asked again until the deadline.
"""

import dataclasses
import time

from nova import context as nova_context
from nova import exception
from nova import objects
from nova.compute import api as compute_api
from nova.compute import task_states
from nova.compute import vm_states
from oslo_log import log as logging

from opie.scheduler import last_look
from opie.scheduler import placement
from opie.scheduler import preemptibles
from opie.scheduler import records

LOG = logging.getLogger(__name__)

_MIN_POLL_SECONDS = 0.05
_MAX_POLL_SECONDS = 1.0
# Of the time waited already; what is late is late by little of it.
_POLL_FRACTION = 0.05


@dataclasses.dataclass
class Outcome:
    """How far the eviction has come; it is filled in as it proceeds.

    :ivar sent: uuids of the victims whose deletion was asked for.
    :ivar unwanted: uuids of the preemptors whose owner gave up on them.
    """

    sent: set = dataclasses.field(default_factory=set)
    unwanted: set = dataclasses.field(default_factory=set)


class Eviction:
    """The evictions of one plan.

    :param plan: a feasible :class:`opie.preemption.model.Plan`.
    :param claim: the :class:`opie.scheduler.allocations.Claim` of it.
    :param states: provider uuid to host state.
    :param servicegroup: nova's servicegroup API.
    :param deadline: the monotonic time by which it must be over.
    """

    def __init__(self, plan, claim, states, servicegroup, deadline):
        self._plan = plan
        self._claim = claim
        self._states = states
        self._look = last_look.LastLook(claim, servicegroup)
        self._deadline = deadline
        self._context = nova_context.get_admin_context()
        self._cells = {}
        self._compute_api = compute_api.API()
        self._needed_by = _needed_by(plan)
        self.outcome = Outcome()

    def run(self):
        """Evict all victims and wait until they are gone.

        :raises last_look.Stopped: if that cannot be; ``outcome`` tells what
            was done.
        """
        self._rehearse(self._plan.victims[1:])
        for host, server in self._plan.victims:
            self._evict_patiently(self._states[host], server.uuid)
        self._confirm()

    def _rehearse(self, later):
        """Find every doubtful victim before any other one is sent away.

        The first victim is looked at before it is sent away in any case.

        :param later: the others, as (provider uuid, server) pairs.
        """
        doubts = self._doubts(later)
        if doubts:
            doubts.update(self._doubts(self._plan.victims[:1]))
            raise last_look.Stopped(
                ', '.join(sorted(set(doubts.values()))), *doubts
            )

    def _doubts(self, victims):
        """Return uuid to the reason of those that must not go."""
        states = {
            server.uuid: self._states[host]
            for host, server in victims
            if self._is_needed(server.uuid)
        }
        self._check_deadline()
        cells = records.cells_of(self._context, states)
        return self._look.doubts(cells, states)

    def _evict_patiently(self, state, victim):
        """Evict a victim; see the module's policy on what does not answer."""
        for pause_seconds in _pauses():
            try:
                self._evict(state, victim)
                return
            except last_look.Stopped:
                raise
            except Exception:
                if not self.outcome.sent:
                    raise
                LOG.exception('Cannot see whether %s may go now.', victim)
            self._check_deadline()
            time.sleep(pause_seconds)

    def _evict(self, state, victim):
        if not self._is_needed(victim):
            return
        self._check_deadline()
        try:
            self._look.check_service(state.host)
            cell = records.cell_of(self._context, victim)
        except exception.NotFound as exc:
            raise last_look.Stopped(str(exc), victim) from exc
        self._cells[victim] = cell
        with nova_context.target_cell(self._context, cell) as cell_context:
            try:
                instance = objects.Instance.get_by_uuid(cell_context, victim)
            except exception.InstanceNotFound:
                # Its owner was faster.
                return
            if instance.task_state == task_states.DELETING:
                return
            self._look.check_victim(cell_context, instance, state)
            self._send(cell_context, instance, state)

    def _is_needed(self, victim):
        """Tell whether an owner still waits for what this victim gives."""
        preemptors = self._needed_by[victim]
        for preemptor in preemptors:
            if not records.has_build_request(self._context, preemptor):
                self.outcome.unwanted.add(preemptor)
        everyone = {item.preemptor for item in self._plan.nominations}
        if everyone <= self.outcome.unwanted:
            raise last_look.Stopped(
                'every preemptor was deleted by its owner', is_final=True
            )
        return not preemptors <= self.outcome.unwanted

    def _check_deadline(self):
        if time.monotonic() >= self._deadline:
            raise last_look.Stopped(
                '[opie] preemption_timeout_seconds are over', is_final=True
            )

    def _send(self, context, instance, state):
        victim = instance.uuid
        LOG.info(
            'Evicting %(victim)s from %(host)s for %(preemptors)s.',
            {
                'victim': victim,
                'host': state.nodename,
                'preemptors': ', '.join(sorted(self._needed_by[victim])),
            },
        )
        try:
            self._compute_api.delete(context, instance)
        except Exception as exc:
            LOG.exception('Failed to ask for the deletion of %s.', victim)
            if records.may_be_deleting(context, victim):
                self.outcome.sent.add(victim)
            raise last_look.Stopped(
                'nova did not delete it: %s' % exc, victim
            ) from exc
        self.outcome.sent.add(victim)

    def _confirm(self):
        """Wait until the records of all victims are gone."""
        waiting = {}
        cells = {}
        for victim, cell in self._cells.items():
            waiting.setdefault(cell.uuid, set()).add(victim)
            cells[cell.uuid] = cell
        for pause_seconds in _pauses():
            for uuid, victims in list(waiting.items()):
                waiting[uuid] = self._still_there(cells[uuid], victims)
            if not any(waiting.values()):
                break
            self._check_deadline()
            time.sleep(pause_seconds)
        self._check_services_again()

    def _still_there(self, cell, victims):
        try:
            with nova_context.target_cell(self._context, cell) as context:
                states = preemptibles.states_of(context, sorted(victims))
        except Exception:
            LOG.exception('Cannot see whether victims are gone.')
            return victims
        return {
            victim
            for victim, state in states.items()
            if not self._has_failed(victim, *state)
        }

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
            raise last_look.Stopped('nova failed to delete it', victim)
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
                self._look.check_service(self._states[host].host)
            except last_look.Stopped:
                raise
            except Exception:
                LOG.exception('Cannot see whether %s is up.', host)


def _pauses():
    """Yield how long to wait between one look and the next, for ever."""
    began = time.monotonic()
    while True:
        waited = time.monotonic() - began
        yield min(
            max(_MIN_POLL_SECONDS, _POLL_FRACTION * waited), _MAX_POLL_SECONDS
        )


def _needed_by(plan):
    """Return victim to the set of preemptors that need it gone.

    All that are nominated on its host do: one that takes nothing of it may
    still pass the cloud's filters only without it.
    """
    preemptors = {}
    for nomination in plan.nominations:
        preemptors.setdefault(nomination.host, set()).add(nomination.preemptor)
    return {server.uuid: preemptors[host] for host, server in plan.victims}
