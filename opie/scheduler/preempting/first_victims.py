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

"""Lets one victim of a host go first, unless the host is known to work.

A host that hangs is up for nova for a while, and deletes the servers that it
was asked to delete when it returns.  So where no guest was deleted just now,
one victim is sent away at first.  The victims of other requests and schedulers
there wait until its guest is gone.  If the host does not delete it in time,
these requests plan elsewhere, and none of their victims is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import typing

from nova import context as nova_context
import nova.conf

from opie.conf import hosts
from opie.preemption import model
from opie.scheduler import errors
from opie.scheduler import steps
from opie.scheduler import waiting
from opie.scheduler.claims import rivals
from opie.scheduler.nova_db import own_deletions
from opie.scheduler.planning import stuck_deletions
from opie.scheduler.preempting import still_wanted

if typing.TYPE_CHECKING:
    from opie.scheduler.preempting import attempt as attempts

CONF = nova.conf.CONF

# How often a request that waits checks that it is still wanted.
_CHECK_SECONDS = 1.0
# (provider, server) of each.
Victims = list[tuple[str, model.Server]]


class FirstVictims:
    """The waits of one attempt for its turn on its hosts."""

    def __init__(self, attempt: attempts.Attempt) -> None:
        self._attempt = attempt
        self._worker = attempt.sources.worker
        self._context = nova_context.get_admin_context()

    @contextlib.contextmanager
    def queued(self, victims: Victims) -> Iterator[None]:
        """Let the other requests of the worker see for which hosts this waits.

        It ends when the victims were sent away, or will not be.
        """
        if not victims:
            yield
            return
        providers = {provider for provider, _ in victims}
        with self._worker.queues.joined(providers, self._place):
            yield

    def wait_for_turns(self, victims: Victims) -> tuple[Victims, Victims]:
        """Wait until victims may go on their hosts.

        :returns: (those that may go at once, those that have to wait until
            these are gone).
        :raises errors.AttemptVoid: if a host does not delete the victim of
            another request in time.
        :raises errors.NoRoomMade: if the request is over meanwhile.
        """
        at_once: Victims = []
        later: Victims = []
        for provider in sorted({provider for provider, _ in victims}):
            here = [one for one in victims if one[0] == provider]
            # One that costs nothing goes first.
            here.sort(key=lambda one: not one[1].costs_nothing)
            number = 1 if self._is_to_go_alone(provider) else len(here)
            at_once += here[:number]
            later += here[number:]
        return at_once, later

    @steps.polling
    def _is_to_go_alone(self, provider: str) -> bool:
        """Wait until a victim may go, and return whether it is to go alone."""
        patience = waiting.Deadline.after(hosts.timeout_seconds(CONF))
        checks_at = waiting.Deadline.after(_CHECK_SECONDS)
        earlier = found = self._read(provider)
        for _ in waiting.tries(waiting.FOR_FIRST_VICTIMS):
            if _works(earlier, found):
                return False
            if not found.asked and self._is_first_on(provider):
                # Another request may have gone just before.
                found = self._read(provider, is_fresh=True)
                if not found.asked:
                    return not _works(earlier, found)
            self._check_host(provider, found, patience)
            if checks_at.is_over:
                self._check_request()
                checks_at = waiting.Deadline.after(_CHECK_SECONDS)
            found = self._read(provider)
        raise AssertionError('the tries have no end')

    def _read(
        self, provider: str, is_fresh: bool = False
    ) -> own_deletions.OnHost:
        return self._worker.deletions.on_host(
            self._context, self._attempt.shot.states[provider].host, is_fresh
        )

    @property
    def _place(self) -> tuple[float, str]:
        return rivals.place(self._attempt.placement_claim.preemptions)

    def _is_first_on(self, provider: str) -> bool:
        if not self._worker.queues.is_next(provider, self._place):
            return False
        claim = self._attempt.placement_claim
        return rivals.is_first_on(claim.client, claim.preemptions, provider)

    def _check_request(self) -> None:
        still_wanted.check_switch()
        still_wanted.note_unwanted(self._attempt, self._attempt.preemptors)

    def _check_host(
        self,
        provider: str,
        found: own_deletions.OnHost,
        patience: waiting.Deadline,
    ) -> None:
        self._attempt.deadline.check()
        if patience.is_over or any(
            map(stuck_deletions.is_overdue, found.asked.values())
        ):
            raise errors.AttemptVoid(
                '%s does not delete the victim of another request'
                % self._attempt.shot.states[provider].host,
                providers=[provider],
            )


def _works(earlier: own_deletions.OnHost, found: own_deletions.OnHost) -> bool:
    """Tell whether a host deletes guests.

    It does not while the oldest one that it was asked to delete is still there
    and none has gone since.

    :param earlier: what was found at first.
    """
    if found.ended_at is None:
        return False
    if found.ended_at != earlier.ended_at:
        return True
    oldest = min(found.asked.values(), default=0)
    return found.has_ended_lately and found.ended_at > oldest
