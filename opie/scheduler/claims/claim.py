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


"""The claim: one transaction in placement that moves the capacity.

The preemptors get their allocations.  The victims keep what they held less
what is taken from them, which is booked on them in the journal.  Until the
first victim is evicted everything can be given back.  Every write carries the
generation of its consumer, so that it is refused if nova or another scheduler
has written to that consumer since it was read.
"""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from concurrent import futures
import dataclasses
import typing

from opie.preemption import model
from opie.preemption import rows
from opie.scheduler import errors
from opie.scheduler import resources
from opie.scheduler import steps
from opie.scheduler.claims import claim_journal
from opie.scheduler.claims import dropping
from opie.scheduler.claims import give_back
from opie.scheduler.claims import joined
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import preemptors
from opie.scheduler.claims import rate_limits
from opie.scheduler.claims import taking
from opie.scheduler.claims import writing
from opie.scheduler.nova_db import moves
from opie.scheduler.placement import client as placement


class Claim:
    """The claim of one plan; together.py writes it.

    :param plan: a feasible plan.
    :param requester: (project id, user id) of the preemptors.
    :param move: what the preemptor needs the room for; None for a boot.
    :ivar client: what the claim is written with.
    :ivar plan: the plan.
    """

    def __init__(
        self,
        client: placement.Client,
        plan: model.Plan,
        request: model.Request,
        requester: tuple[str, str],
        move: moves.Move | None = None,
    ) -> None:
        self.client = client
        self.plan = plan
        self._requester = requester
        self._move = move
        self._journal = claim_journal.ClaimJournal(
            client, plan, requester[0], move
        )
        # Preemptor to the allocations that are claimed for it.
        self._claimed = {
            nomination.preemptor: rows.to_allocations(
                nomination.provider, nomination.takes(request)
            )
            for nomination in plan.nominations
        }
        # The preemptors as they were before the claim.
        self._preemptors = preemptors.new(self._claimed, requester)
        self._taking = taking.Taking(plan)
        # The preemptors that take from victims.
        self._takers: set[str] = set().union(*plan.shares.values())
        # The victims as they were before the claim, and their migrations.
        self._victims: dict[str, placement.Consumer] = {}
        # Victim to the allocations that the claim leaves to it.
        self._shrunk: dict[str, resources.Allocations] = {}
        self._may_arrive = False  # whether it may be written later

    @steps.step('claims')
    def prepare(
        self,
        plan_number: int,
        deadline_epoch: int,
        scheduler_host: str,
        worker: str,
    ) -> None:
        """Open the journal of the claim, and read its victims.

        :param plan_number, deadline_epoch, scheduler_host, worker: attempt,
            deadline, scheduler_host and worker of
            :class:`journal_names.Preemption`.
        :raises errors.ClaimFailed, errors.LimitReached: if the claim cannot be
            made.  Its journal is closed again.
        """
        try:
            # Neither needs the other, and both wait for placement.
            with futures.ThreadPoolExecutor(1) as pool:
                opening = pool.submit(
                    self._journal.open,
                    plan_number,
                    deadline_epoch,
                    scheduler_host,
                    worker,
                )
                try:
                    self._victims = self._read_victims()
                    if self._move:
                        self._preemptors |= preemptors.read_moved(
                            self.client, self._claimed, self._move
                        )
                finally:
                    # What was opened is closed below if reading has failed, so
                    # the opening must have ended.  Its own error comes first.
                    opening.result()
            rate_limits.check_again(
                self.client, self.preemptions, self._requester[0]
            )
        except (errors.ClaimFailed, errors.LimitReached):
            self.close_journal(self._claimed.keys())
            raise

    @property
    def preemptors(self) -> set[str]:
        """The uuids of the consumers that the claim creates."""
        return set(self._claimed)

    @property
    def takes_from(self) -> set[str]:
        """The victims, and the migrations that hold for them."""
        return set(self._taking.provider_of)

    @property
    def preemptions(self) -> list[journal_names.Preemption]:
        """The preemptions that are in the journal for this claim."""
        return list(self._journal.preemptions.values())

    # It runs beside the opening, so a crash in it leaves the same.
    @steps.step('opens the journal')
    def _read_victims(self) -> dict[str, placement.Consumer]:
        """Read the victims, which must hold what the plan says they do.

        Leaving servers are checked when the claim is about to be written, and
        may serve the next plan.

        :raises errors.ClaimFailed: naming those that do not.
        """
        victims = self.client.consumers(self._taking.provider_of)
        joined.check(self.plan.victims, victims, are_leaving=False)
        return victims

    def read_again(self) -> None:
        """Read leaving servers again, because others may take of them too."""
        self._victims.update(self.client.consumers(self._taking.leaving))

    def bodies(
        self, earlier: Mapping[str, placement.Consumer]
    ) -> dict[str, dict[str, typing.Any]]:
        """Return what writes the claim: consumer uuid to body.

        :param earlier: uuid to victim, as claims leave it that are written in
            the same transaction.
        :raises errors.ClaimFailed: if a leaving server does not hold what the
            plan says it does.
        """
        for uuid in self._victims.keys() & earlier.keys():
            self._victims[uuid] = earlier[uuid]
        joined.check(self.plan.victims, self._victims, are_leaving=True)
        self._shrunk = {
            uuid: self._taking.shrink(consumer, self._journal.preemptions)
            for uuid, consumer in self._victims.items()
        }
        written = {
            preemptor: consumer.body(
                resources.add(consumer.allocations, self._claimed[preemptor])
            )
            for preemptor, consumer in self._preemptors.items()
        }
        for uuid, consumer in self._victims.items():
            written[uuid] = consumer.body(self._shrunk[uuid])
        return written

    @property
    def left(self) -> dict[str, placement.Consumer]:
        """Uuid to victim, as the claim leaves it."""
        return {
            uuid: dataclasses.replace(consumer, allocations=self._shrunk[uuid])
            for uuid, consumer in self._victims.items()
        }

    def confirm_written(self, lost: writing.AnswerLost) -> None:
        """Return if a claim without an answer is there.

        The claim may still be on its way.  It names the journal providers of
        the preemptors that take from victims: it is refused once these are
        deleted, and they cannot be deleted once it has arrived.  A claim that
        takes nothing names none of them, and may arrive at any time.

        :param lost: what writing the claim has raised.
        :raises errors.ClaimFailed: if the claim never will be there.
        :raises writing.AnswerLost: if neither is certain: the reaper decides.
        """
        self._may_arrive = not self._takers
        if self.is_made():
            self._may_arrive = False
            return
        if self._takers and all(
            map(self._journal.close_one, sorted(self._takers))
        ):
            raise errors.ClaimFailed(str(lost), is_race=True)
        if not self.is_made():
            raise lost

    def is_made(self) -> bool:
        """Tell whether the claim is there, as placement says now."""
        return self.holds_for(self.plan.nominations[0])

    def holds_for(self, nomination: model.Nomination) -> bool:
        """Tell whether a preemptor has exactly what was claimed for it.

        What else a server holds that is moved does not matter.
        """
        preemptor = nomination.preemptor
        held = self.client.consumer(preemptor).allocations
        return all(
            held.get(provider) == amounts
            for provider, amounts in self._claimed[preemptor].items()
        )

    def changed(self, victims: Iterable[str]) -> set[str]:
        """Return those victims that hold something else than was left.

        What preemptors have taken since that wait for the same victim counts
        as left.
        """
        victims = list(victims)
        provider_of = self._taking.provider_of
        now = self.client.consumers(self._taking.consumers_of(victims))
        return {
            victim
            for victim in victims
            if any(
                joined.before(
                    self.client, now[uuid].allocations, provider_of[uuid]
                )
                != self._shrunk[uuid]
                for uuid in self._taking.consumers_of([victim])
            )
        }

    def is_evicted_by_another(self, victim: str) -> bool:
        """Tell whether another preemption evicts a leaving server."""
        return joined.is_evicted(self.client.consumer(victim).allocations)

    def is_released(self, victim: str) -> bool:
        """Tell whether a victim holds nothing any more."""
        consumers = self._taking.consumers_of([victim])
        return not any(
            self.client.consumer(uuid).allocations for uuid in consumers
        )

    def have_all_released(self) -> bool:
        """Tell whether no victim holds anything any more.

        Every victim has an entry in the journal, and nova removes all that a
        server holds at once.  When placement does not tell, this is False.
        """
        try:
            return not self._journal.has_entries()
        except placement.PlacementError:
            return False

    def give_back_for(self, some: Collection[str]) -> bool:
        """Give back what some of the preemptors took, and drop their claims.

        :returns: whether that is done; see :func:`give_back.give_back`.
        """
        preemptions = [
            preemption
            for preemptor, preemption in self._journal.preemptions.items()
            if preemptor in some
        ]
        dropped = [
            dropping.Dropped(one.preemptor, one.provider, self._move)
            for one in self.plan.nominations
            if one.preemptor in some
        ]
        return give_back.give_back(self.client, preemptions, dropped).is_done

    def empty(self, victims: Iterable[str]) -> None:
        """Remove the allocations of victims that nova has deleted."""
        give_back.empty(self.client, self._taking.consumers_of(victims))

    @steps.step('gives back')
    def close_journal(self, some: Iterable[str]) -> bool:
        """Close the journal of preemptors that have no claim, if that can be.

        Their claim was not made, or was dropped.  The reaper closes what is
        left, which is all of it if the claim may still arrive.

        :returns: False if placement has refused it, as it does where the claim
            has just arrived.
        """
        return self._may_arrive or self._journal.close_what_can_be(some)
