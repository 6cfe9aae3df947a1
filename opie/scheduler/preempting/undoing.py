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

"""Gives back what an attempt has taken.

It is one transaction where placement has room for all of it, and it is tried
for up to a minute.  What is left then is the reaper's.
"""

from __future__ import annotations

import typing

from nova import context as nova_context
from oslo_log import log as logging

from opie.scheduler import steps
from opie.scheduler.claims import rate_limits
from opie.scheduler.nova_db import instances

if typing.TYPE_CHECKING:
    from opie.scheduler.preempting import attempt as attempts

LOG = logging.getLogger(__name__)


class Undoing:
    """The giving back of one attempt."""

    def __init__(self, attempt: attempts.Attempt) -> None:
        self._attempt = attempt
        self._claim = attempt.placement_claim

    def run(self) -> bool:
        """Give everything back; return whether it was.

        Victims whose deletion was asked for get everything back as well: nova
        may take long over a deletion, or fail, and the guest runs meanwhile.
        """
        self._let_deletions_end()
        is_undone = self.give_back(self._attempt.preemptors)
        self._empty_deleted()
        return is_undone

    @steps.step('gives back')
    def give_back(self, preemptors: set[str]) -> bool:
        """Give back what some preemptors took; return whether it is done.

        As long as a claim may be there its journal has to stay, because
        nothing else tells the reaper of it once the victims are gone.  So has
        the journal of a preemption that has cost a server and counts.
        """
        is_counted = self._attempt.sent and rate_limits.are_limited()
        # Once more for a claim that has arrived late: no other comes after it.
        for _ in range(2):
            if not self._claim.give_back_for(preemptors):
                return False
            if is_counted or self._claim.close_journal(preemptors):
                break
        return True

    def _let_deletions_end(self) -> None:
        """Wait a moment for victims that are on their way out.

        What they are given back while nova removes it may stay, and once the
        journal is closed nothing else tells of them; see give_back.empty.
        """
        instances.wait_until_gone(self._attempt.sent)

    @steps.polling
    def _empty_deleted(self) -> None:
        """Leave nothing to victims that nova was just deleting."""
        victims = self._attempt.victims
        try:
            context = nova_context.get_admin_context()
            instances.wait_until_gone(instances.ending(context, victims))
            self._claim.empty(instances.without_record(victims))
        except Exception:
            LOG.exception(
                'Cannot see whether any of %s is deleted and has allocations '
                'all the same.',
                ', '.join(sorted(victims)),
            )
