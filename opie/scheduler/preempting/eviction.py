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

"""Sends the victims of a plan away, and has it seen that they are gone.

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
from oslo_log import log as logging

from opie.scheduler import waiting
from opie.scheduler.nova_db import instances
from opie.scheduler.preempting import confirmation
from opie.scheduler.preempting import victim_checks

LOG = logging.getLogger(__name__)

# How long a look at all victims counts, from its beginning, as the one that is
# taken immediately before each of them is sent away.
_FRESH_SECONDS = 0.25


@dataclasses.dataclass
class Outcome:
    """How far the eviction has come; it is filled in as it proceeds.

    :ivar sent: uuids of the victims whose deletion was asked for.
    :ivar unwanted: uuids of the preemptors whose owner gave up on them.
    """

    sent: set = dataclasses.field(default_factory=set)
    unwanted: set = dataclasses.field(default_factory=set)


class _FirstLook:
    """How long a look at all victims counts, from its beginning.

    A scheduler may have been suspended since.  Monotonic time may stand still
    then, and the time of the day may be set back, so both have their say.
    """

    def __init__(self):
        self._began = self._now()

    @staticmethod
    def _now():
        return time.monotonic(), time.time()

    def is_fresh(self):
        """Tell whether no more than a moment is over."""
        return all(
            0 <= now - began < _FRESH_SECONDS
            for now, began in zip(self._now(), self._began, strict=True)
        )


class Eviction:
    """The evictions of one plan.

    :param plan: a feasible :class:`opie.preemption.model.Plan`.
    :param claim: the :class:`opie.scheduler.claims.claim.Claim` of it.
    :param states: provider uuid to host state.
    :param servicegroup: nova's servicegroup API.
    :param deadline: the :class:`waiting.Deadline` by which it must be over.
    :param has_group: whether the preemptors are of a server group.
    """

    def __init__(self, plan, claim, states, servicegroup, deadline, has_group):
        self._plan = plan
        self._claim = claim
        self._states = states
        self._look = victim_checks.LastLook(claim, servicegroup)
        self._deadline = deadline
        self._has_group = has_group
        self._context = nova_context.get_admin_context()
        self._cells = {}
        self._compute_api = compute_api.API()
        self._everyone = {item.preemptor for item in plan.nominations}
        self._needed_by = _needed_by(plan)
        self.outcome = Outcome()

    def run(self):
        """Evict all victims and wait until they are gone.

        :raises last_look.Stopped: if that cannot be; ``outcome`` tells what
            was done.
        """
        first_look = self._rehearse()
        for host, server in self._plan.victims:
            self._evict_patiently(self._states[host], server.uuid, first_look)
        confirmation.Confirmation(
            self._plan,
            self._claim,
            self._states,
            self._look,
            self._deadline,
            # NOTE: nova/compute/manager.py counts all records on its host
            # when it checks the policy of a group.
            is_by_record=self._has_group,
        ).wait(self._cells)
        self._ask_once_more()

    @property
    def wasted(self):
        """The uuids of the victims sent for nobody who still waits."""
        return {
            victim
            for victim in self.outcome.sent
            if not self._is_needed(victim)
        }

    def _rehearse(self):
        """Find every doubtful victim before any other one is sent away.

        :returns: the :class:`_FirstLook`; None for a single victim.
        """
        victims = self._plan.victims
        if len(victims) == 1:
            return None
        first_look = _FirstLook()
        self._ask_for_owners(*(server.uuid for _, server in victims))
        states = {
            server.uuid: self._states[host]
            for host, server in victims
            if self._is_needed(server.uuid)
        }
        victim_checks.check_deadline(self._deadline)
        cells = instances.cells_of(self._context, states)
        doubts = self._look.doubts(cells, states)
        if doubts:
            raise victim_checks.Stopped(
                ', '.join(sorted(set(doubts.values()))), *doubts
            )
        return first_look

    def _evict_patiently(self, state, victim, first_look):
        """Evict a victim; see the module's policy on what does not answer.

        :param first_look: the :class:`_FirstLook` at it, or None.
        """
        for _ in waiting.tries(waiting.FOR_VICTIMS):
            try:
                self._evict(state, victim, first_look)
                return
            except victim_checks.Stopped:
                raise
            except Exception:
                if not self.outcome.sent:
                    raise
                LOG.exception('Cannot see whether %s may go now.', victim)
            victim_checks.check_deadline(self._deadline)

    def _evict(self, state, victim, first_look):
        self._ask_for_owners(victim)
        if not self._is_needed(victim):
            return
        victim_checks.check_deadline(self._deadline)
        try:
            self._look.check_service(state.host, bool(self.outcome.sent))
            cell = instances.cell_of(self._context, victim)
        except exception.NotFound as exc:
            raise victim_checks.Stopped(str(exc), victim) from exc
        self._cells[victim] = cell
        with nova_context.target_cell(self._context, cell) as cell_context:
            try:
                instance = objects.Instance.get_by_uuid(cell_context, victim)
            except exception.InstanceNotFound:
                # Its owner was faster.
                return
            if instance.task_state == task_states.DELETING:
                return
            if first_look and first_look.is_fresh():
                self._look.check_record(instance, state)
            else:
                self._look.check_victim(cell_context, instance, state)
            victim_checks.check_switch()
            self._send(cell_context, instance, state)

    def _ask_for_owners(self, *victims):
        """Find out which preemptors of some victims nobody wants any more."""
        self._ask_about(
            set().union(*(self._needed_by[victim] for victim in victims))
        )

    def _ask_about(self, preemptors):
        for preemptor in sorted(preemptors):
            if not instances.has_build_request(self._context, preemptor):
                self.outcome.unwanted.add(preemptor)
        if self._everyone <= self.outcome.unwanted:
            raise victim_checks.Stopped(
                'every preemptor was deleted by its owner', is_final=True
            )

    def _ask_once_more(self):
        """Find out whose owners gave up while their victims went."""
        try:
            self._ask_about(self._everyone)
        except victim_checks.Stopped:
            raise
        except Exception:
            # nova's conductor will look itself.
            LOG.exception('Cannot see whether the preemptors are wanted.')

    def _is_needed(self, victim):
        """Tell whether an owner still waits for what this victim gives."""
        return not self._needed_by[victim] <= self.outcome.unwanted

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
        # It tells the owner, and nothing of the preemptor.
        objects.InstanceAction.action_start(
            context, victim, instances.ACTION, want_result=False
        )
        try:
            self._compute_api.delete(context, instance)
        except Exception as exc:
            LOG.exception('Failed to ask for the deletion of %s.', victim)
            if instances.may_be_deleting(context, victim):
                self.outcome.sent.add(victim)
            raise victim_checks.Stopped(
                'nova did not delete it: %s' % exc, victim
            ) from exc
        self.outcome.sent.add(victim)


def _needed_by(plan):
    """Return victim to the set of preemptors that need it gone.

    All that are nominated on its host do: one that takes nothing of it may
    still pass the cloud's filters only without it.
    """
    preemptors = {}
    for nomination in plan.nominations:
        preemptors.setdefault(nomination.provider, set()).add(
            nomination.preemptor
        )
    return {server.uuid: preemptors[host] for host, server in plan.victims}
