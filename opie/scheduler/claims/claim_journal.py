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


"""The journal of one claim: a journal provider for each preemptor."""

from collections.abc import Iterable
import time

from oslo_log import log as logging

from opie.preemption import model
from opie.scheduler import steps
from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import parts
from opie.scheduler.claims import rate_limits
from opie.scheduler.nova_db import moves
from opie.scheduler.placement import client as placement

LOG = logging.getLogger(__name__)

_Entry = dict[str, int]


class ClaimJournal:
    """The journal providers of one claim.

    :param project_id: of the preemptors.
    :param move: what the preemptor needs the room for; None for a boot.
    :ivar preemptions: preemptor to its preemption, of all whose journal
        provider may be there.
    """

    def __init__(
        self,
        client: placement.Client,
        plan: model.Plan,
        project_id: str,
        move: moves.Move | None = None,
    ) -> None:
        self._client = client
        self._plan = plan
        self._project = journal_names.label(project_id)
        self._move = move
        self.preemptions: dict[str, journal_names.Preemption] = {}

    @steps.step('opens the journal')
    def open(
        self,
        plan_number: int,
        deadline_epoch: int,
        scheduler_host: str,
        worker: str,
    ) -> None:
        """Open the providers.

        :param plan_number, deadline_epoch, scheduler_host, worker: attempt,
            deadline, scheduler_host and worker of
            :class:`journal_names.Preemption`.
        """
        began = journal_names.to_millisecond(time.time())
        counted = rate_limits.counted(self._plan)
        for nomination in sorted(
            self._plan.nominations, key=lambda item: item.preemptor
        ):
            preemptor = nomination.preemptor
            preemption = journal_names.Preemption(
                journal_names.new_provider(worker),
                preemptor,
                plan_number,
                deadline_epoch,
                nomination.provider,
                scheduler_host,
                began if preemptor in counted else None,
                self._project if preemptor in counted else None,
                self._move,
            )
            # Known before it is there, so that it is deleted whatever becomes
            # of the call.
            self.preemptions[preemptor] = preemption
            journal.open_provider(
                self._client, preemption, *self._entries(preemption)
            )

    def _entries(
        self, preemption: journal_names.Preemption
    ) -> tuple[list[_Entry], dict[parts.Part, list[_Entry]]]:
        """Return the entries of a preemptor, and part to those in the part.

        A preemptor that takes nothing has none.  It has a provider all the
        same, because its claim may have to be dropped too.
        """
        entries: list[_Entry] = []
        in_parts: dict[parts.Part, list[_Entry]] = {}
        for provider, server in self._plan.victims:
            shares = self._plan.shares[server.uuid]
            if preemption.preemptor not in shares:
                continue
            of_root, of_others = parts.split(
                preemption.journal_provider,
                provider,
                shares[preemption.preemptor],
            )
            is_leaving = server.is_leaving
            entries.append(journal.entry_for(of_root, is_leaving))
            for part, taken in of_others.items():
                in_parts.setdefault(part, []).append(
                    journal.entry_of_part(taken, is_leaving)
                )
        return entries, in_parts

    def has_entries(self) -> bool:
        """Tell whether any victim has an entry."""
        return any(
            journal.entries(self._client, preemption.journal_provider)
            for preemption in self.preemptions.values()
        )

    def close_one(self, preemptor: str) -> bool:
        """Delete a preemptor's provider.

        :returns: False if the provider has to stay for now, see
            :func:`journal.close_provider`.
        """
        provider = self.preemptions[preemptor].journal_provider
        if journal.close_provider(self._client, provider) is None:
            return False
        del self.preemptions[preemptor]
        return True

    def close_what_can_be(self, preemptors: Iterable[str]) -> bool:
        """Delete the providers of several preemptors.

        The reaper deletes what has to stay for now.

        :returns: False if placement has refused to delete one, because there
            are entries on it, for instance.
        """
        are_closed = True
        for preemptor in self.preemptions.keys() & set(preemptors):
            try:
                are_closed &= self.close_one(preemptor)
            except placement.PlacementError as exc:
                LOG.warning(
                    'The resource provider %(provider)s stays in the journal '
                    'for now: %(error)s.',
                    {
                        'provider': (
                            self.preemptions[preemptor].journal_provider
                        ),
                        'error': exc,
                    },
                )
        return are_closed
