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

"""One attempt: a plan that is claimed, verified, evicted for and confirmed.

If a step fails, :meth:`Attempt.undo` gives all victims that are still
there what was taken of them, and drops the preemptors' claims.
"""

from __future__ import annotations

import dataclasses
import time

from nova import objects
import nova.conf

from opie.conf import hosts
from opie.preemption import model
from opie.scheduler import errors
from opie.scheduler import steps
from opie.scheduler import waiting
from opie.scheduler.claims import claim
from opie.scheduler.nova_db import moves
from opie.scheduler.planning import inputs
from opie.scheduler.planning import snapshot
from opie.scheduler.preempting import confirmation
from opie.scheduler.preempting import eviction
from opie.scheduler.preempting import quota
from opie.scheduler.preempting import still_wanted
from opie.scheduler.preempting import undoing
from opie.scheduler.preempting import verification
from opie.scheduler.preempting import victim_checks
from opie.scheduler.preempting import wasted

CONF = nova.conf.CONF

# After these nothing was claimed, and nothing will be.
_NEVER_CLAIMED = (errors.ClaimFailed, errors.LimitReached)


@dataclasses.dataclass(eq=False)
class Attempt:
    """One plan on its way through claim, verify, evict, confirm, or undo.

    Making an attempt changes nothing.  It asks nova's filters once more which
    limits each nominated host has for the compute, see NovaCloud.select.

    :ivar shot: the snapshot that the plan was made on.
    :ivar plan: a feasible plan.
    :ivar sources: what the snapshot was taken of; it has the deadline.
    :ivar requester: (project id, user id) of the preemptors.
    :ivar quota: what quota says to the request.
    :ivar plan_number: which plan of its request it is, from 1.
    :ivar move: what the preemptor needs the room for; None for a boot.
    :ivar selections: nova's Selection for each nomination of the plan.
    :ivar leaving: uuid to server, of those victims that leave anyway.
    :ivar placement_claim: what all preemptors hold in placement, and the
        journal of it.
    :ivar checks: what is checked before each victim is sent away.
    :ivar awaited: victim to cell mapping, of those whose end confirm waits
        for, whether opie or another asked for it.
    :ivar sent: uuids of the victims whose deletion was asked for.
    :ivar host_deadline: when the time of the hosts that delete them is over;
        None before one was sent away.
    :ivar unwanted: uuids of the preemptors that are not wanted any more; see
        still_wanted.py.
    """

    shot: snapshot.Snapshot
    plan: model.Plan
    sources: inputs.Sources
    requester: tuple[str, str]
    quota: quota.Quota
    plan_number: int
    move: moves.Move | None = None
    awaited: dict[str, objects.CellMapping] = dataclasses.field(
        default_factory=dict, init=False
    )
    sent: set[str] = dataclasses.field(default_factory=set, init=False)
    unwanted: set[str] = dataclasses.field(default_factory=set, init=False)
    host_deadline: waiting.Deadline | None = dataclasses.field(
        default=None, init=False
    )
    _may_be_claimed: bool = dataclasses.field(default=False, init=False)

    def __post_init__(self) -> None:
        self.selections = self.shot.cloud.select(self.plan)
        self.leaving = self.shot.cloud.leaving_of(self.plan)
        self.placement_claim = claim.Claim(
            self.sources.placement,
            self.plan,
            self.shot.request,
            self.requester,
            self.move,
        )
        self.checks = victim_checks.VictimChecks(
            self.plan,
            self.placement_claim,
            self.sources.worker.servicegroup,
            self.shot.shared.old_places,
        )

    @property
    def deadline(self) -> waiting.Deadline:
        """When the request's time is over, undoing left out."""
        return self.sources.deadline

    @property
    def preemptors(self) -> set[str]:
        """The uuids of all preemptors, also of those that take nothing."""
        return {item.preemptor for item in self.plan.nominations}

    @property
    def victims(self) -> set[str]:
        """The uuids of all victims, sent away or not."""
        return {server.uuid for _, server in self.plan.victims}

    @property
    def providers(self) -> set[str]:
        """The providers of the nominated hosts."""
        return {item.provider for item in self.plan.nominations}

    @property
    def sent_from(self) -> dict[str, str]:
        """Victim to the provider of its host, of those sent away."""
        return {
            server.uuid: provider
            for provider, server in self.plan.victims
            if server.uuid in self.sent
        }

    def note_sent(self, victim: str) -> None:
        """Note that the deletion of a victim was asked for."""
        self.sent.add(victim)
        self.restart_time_of_hosts()

    def restart_time_of_hosts(self) -> None:
        """Let the time begin that hosts have to delete victims."""
        self.host_deadline = waiting.Deadline.after(
            hosts.timeout_seconds(CONF)
        )

    @property
    def has_group(self) -> bool:
        """Whether the preemptors are of a server group."""
        return self.shot.spec.instance_group is not None

    def preemptors_of(self, victim: str) -> set[str]:
        """Return the preemptors that need a victim gone.

        All that are nominated on its host do: one that takes nothing of it may
        still pass the cloud's filters only without it.
        """
        (provider,) = (
            provider
            for provider, server in self.plan.victims
            if server.uuid == victim
        )
        return {
            nomination.preemptor
            for nomination in self.plan.nominations
            if nomination.provider == provider
        }

    def is_needed(self, victim: str) -> bool:
        """Tell whether any preemptor that a victim goes for is wanted."""
        return not self.preemptors_of(victim) <= self.unwanted

    def prepare(self) -> None:
        """Open the journal of the claim, and read its victims.

        Afterwards together.py moves the capacity in placement.

        :raises errors.ClaimFailed: if it cannot be moved, and another plan may
            succeed.
        :raises errors.LimitReached: if it cannot, because others were faster
            to reach a limit.
        :raises errors.TooLate, errors.SwitchedOff: if the request is over.
        """
        self.deadline.check()
        still_wanted.check_switch()
        deadline_epoch = int(time.time() + self.deadline.seconds_left())
        self._may_be_claimed = True
        self.placement_claim.prepare(
            self.plan_number,
            deadline_epoch,
            CONF.host,
            self.sources.worker.name,
        )

    @steps.step('verifies')
    def verify(self) -> None:
        """Check that the claim is on hosts that may and can serve it.

        :raises errors.AttemptVoid: if it is not.
        """
        problems = [
            problem
            for provider in sorted(self.providers)
            for problem in verification.problems(
                self.sources.placement,
                self.shot,
                provider,
                self.placement_claim.takes_from,
                [
                    one.takes(self.shot.request)
                    for one in self.plan.nominations
                    if one.provider == provider
                ],
            )
        ]
        if problems:
            raise errors.AttemptVoid(', '.join(problems))

    @steps.step('checks the victims')
    def evict(self) -> None:
        """Ask nova to delete the victims; see eviction.py.

        :raises errors.AttemptVoid: if a victim must not go.
        :raises errors.NoRoomMade: if the request is over.
        """
        waits = confirmation.Confirmation(self)
        eviction.Eviction(self, waits.wait_for_guests).run()

    @steps.step('confirms')
    def confirm(self) -> None:
        """Return when the victims are gone and their room is the preemptors'.

        Afterwards give back what was taken for preemptors that are not wanted
        any more, so that the others alone keep their claims.

        :raises errors.AttemptVoid: if the room is not theirs.
        :raises errors.NoRoomMade: if the request is over.
        """
        confirmation.Confirmation(self).run()
        self._drop_unwanted()

    @steps.step('gives back')
    def undo(self, error: Exception) -> None:
        """Undo what was done, and decide whether another plan may help.

        The method returns if another plan may help, and after an error that
        the caller raises in any case.  Victims that a void attempt has sent
        away leave their room to the next plan.  Undoing may take a minute, so
        other requests must be able to plan meanwhile.

        :param error: what has stopped the attempt.
        :raises errors.AttemptFailed: if the attempt is void, and something
            that was taken could not be given back.
        """
        if not self._may_be_claimed or isinstance(error, _NEVER_CLAIMED):
            return
        preemptors = self.shot.request.preemptors
        preemptions = self.placement_claim.preemptions
        is_void = isinstance(error, errors.AttemptVoid)
        is_undone = undoing.Undoing(self).run()
        if is_void and is_undone:
            return
        wasted.note(self, self.sent, preemptors, preemptions)
        if is_void:
            raise errors.AttemptFailed(str(error)) from error

    def _drop_unwanted(self) -> None:
        """Give back what was taken for preemptors that are not wanted."""
        if self.unwanted:
            preemptions = self.placement_claim.preemptions
            undoing.Undoing(self).give_back(self.unwanted)
            in_vain = {one for one in self.sent if not self.is_needed(one)}
            wasted.note(self, in_vain, sorted(self.unwanted), preemptions)
