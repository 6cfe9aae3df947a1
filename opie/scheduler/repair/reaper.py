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

"""Finishes or undoes preemptions that were interrupted.

Whatever stopped a scheduler, the journal in placement tells what it was at.
Every worker looks at all of it now and then.  Each repair is a
compare-and-swap, so any number of them may try the same one; and none is tried
before the deadline of a preemption is long over, so that nobody repairs what
is under way.  The reaper never asks nova for the deletion of a server: what it
reads may be wrong, after an old backup of placement was restored for instance.
It only repeats, by nova's own records, a request that nova has accepted.
"""

import contextlib
import dataclasses
import enum
import time

from nova import context as nova_context
import nova.conf
from oslo_log import log as logging

from opie.scheduler import report
from opie.scheduler.claims import give_back
from opie.scheduler.claims import journal
from opie.scheduler.claims import rate_limits
from opie.scheduler.nova_db import instances
from opie.scheduler.placement import client as placement
from opie.scheduler.repair import lost_deletions
from opie.scheduler.repair import preemptor_fate

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

# How long after its deadline a preemption is surely over: giving back is tried
# for a minute, nova makes a server's record before it says in which cell that
# is, and clocks differ.
MARGIN_SECONDS = 300


class Repair(enum.Enum):
    """What is to be done about a preemption."""

    WAIT = 'nothing yet'
    # Drop the preemptor's claim and give its victims everything back.
    UNDO = 'undo it'
    # The preemptor has its host, and keeps it.
    GIVE_BACK = 'give back to victims'
    CLOSE = 'delete its journal'


@dataclasses.dataclass(frozen=True)
class Finding:
    """A preemption, and what is to be done about it.

    :ivar has_claim: whether the preemptor holds anything.
    :ivar entries: consumer uuid to what is booked on it in the journal.
    """

    preemption: journal.Preemption
    fate: preemptor_fate.Fate
    has_claim: bool
    entries: dict
    repair: Repair

    @property
    def is_in_vain(self):
        """Whether victims that are gone went in vain."""
        return self.fate in (
            preemptor_fate.Fate.WITHOUT_HOST,
            preemptor_fate.Fate.UNDECIDED,
            preemptor_fate.Fate.FAILED,
        )


class Reaper:
    """Looks at the journal and repairs.

    :param client: a :class:`opie.scheduler.placement.client.Client`.
    :param servicegroup: nova's servicegroup API.
    """

    def __init__(self, client, servicegroup):
        self._client = client
        self._context = nova_context.get_admin_context()
        self._lost_deletions = lost_deletions.LostDeletions(servicegroup)

    def in_flight(self):
        """Return a :class:`journal.Preemption` for each there is."""
        return journal.in_flight(self._client)

    def lost_deletions(self):
        """Return the victims whose deletion nova has accepted and lost.

        :returns: (uuid to cell mapping, for :meth:`delete_again`; uuids of the
            cells that did not answer).
        """
        return self._lost_deletions.find(_lost_after_seconds())

    def delete_again(self, victims):
        """Repeat lost deletions; return the uuids of those that are."""
        return self._lost_deletions.repeat(victims, _lost_after_seconds())

    def run(self):
        """Repair whatever there is to repair."""
        try:
            self.repair(self.in_flight())
        except Exception:
            LOG.exception('Cannot look for preemptions.')
        # Afterwards, for what is given back must not meet a deletion.
        try:
            victims, _ = self.lost_deletions()
            self.delete_again(victims)
        except Exception:
            LOG.exception('Cannot look for deletions that were lost.')

    def repair(self, preemptions):
        """Look at preemptions, and do what is to be done about each.

        What cannot be done is logged, and stays in flight.
        """
        settled, ending = [], set()
        for preemption in preemptions:
            with self._others_go_on(preemption):
                finding = self.finding(preemption)
                going = self._settle(finding)
                if going is not None:
                    settled.append(finding)
                    ending |= going
        # What was given back may have come too late for them.
        instances.wait_until_gone(ending)
        for finding in settled:
            with self._others_go_on(finding.preemption):
                self._close(finding)

    @contextlib.contextmanager
    def _others_go_on(self, preemption):
        """Log what goes wrong; there is another time."""
        try:
            yield
        except Exception:
            LOG.exception('Cannot repair the preemption %s.', preemption.name)

    def finding(self, preemption):
        """Return the :class:`Finding` about a preemption; change nothing."""
        entries = journal.entries(self._client, preemption.journal_provider)
        claim = self._client.consumer(preemption.preemptor)
        fate = preemptor_fate.fate_of(self._context, preemption.preemptor)
        return Finding(
            preemption,
            fate,
            bool(claim.allocations),
            entries,
            repair_for(
                fate,
                bool(entries),
                _is_overdue(preemption, fate),
                rate_limits.are_limited()
                and rate_limits.is_recent(preemption),
            ),
        )

    def _settle(self, finding):
        """Let victims have what is theirs, and report what went in vain.

        :returns: the victims that will be gone in a moment; None if the
            preemption has to stay in the journal.
        """
        if finding.repair is Repair.WAIT:
            return None
        if finding.repair is Repair.CLOSE:
            return set()
        victims = finding.entries.keys()
        self._empty_deleted(victims)
        chosen = self._chosen(finding.preemption)
        changed = self._give_back(finding)
        if changed is None:
            return None
        # Of all reapers that try only one changes anything.
        if changed:
            lost = instances.being_deleted(self._context, victims)
            lost |= instances.deleted_servers(self._context, victims)
            self._report(finding, chosen - len(victims - lost))
        return instances.ending(self._context, victims)

    def _chosen(self, preemption):
        """Return how many victims a preemption chose, 0 if it is closed."""
        try:
            _, totals = self._client.inventories(preemption.journal_provider)
        except placement.ErrorResponse as exc:
            if exc.status != 404:
                raise
            return 0
        return journal.victims_of(totals)

    def _empty_deleted(self, victims):
        give_back.empty(
            self._client, instances.deleted_servers(self._context, victims)
        )

    def _give_back(self, finding):
        """Give back to the victims; see :func:`give_back.give_back`."""
        preemption = finding.preemption
        LOG.info(
            'Repairing the preemption %(name)s, whose preemptor is %(fate)s: '
            '%(repair)s.',
            {
                'name': preemption.name,
                'fate': finding.fate.value,
                'repair': finding.repair.value,
            },
        )
        return give_back.give_back(
            self._client,
            {preemption.preemptor: preemption.nominated_provider},
            {preemption.preemptor: preemption.journal_provider},
            is_claim_dropped=finding.repair is Repair.UNDO,
            patience_seconds=0,
        )

    def _close(self, finding):
        """Delete a preemption's provider, and report what went in vain."""
        preemption = finding.preemption
        self._empty_deleted(finding.entries)
        chosen = journal.Journal(self._client).close(
            preemption.journal_provider
        )
        if chosen is None:
            LOG.warning(
                'The preemption %s stays in the journal for now: it was '
                'changed in this moment.',
                preemption.name,
            )
        elif finding.repair is Repair.CLOSE:
            self._report(finding, chosen)

    def _report(self, finding, wasted):
        if finding.is_in_vain and wasted > 0:
            report.wasted(wasted, [finding.preemption.preemptor])


def repair_for(fate, has_victims, is_overdue, is_counted=False):
    """Return the :class:`Repair` of a preemption.

    :param fate: the :class:`preemptor_fate.Fate` of its preemptor.
    :param has_victims: whether the journal still books any.
    :param is_overdue: whether its deadline is long past.
    :param is_counted: whether others have to see that it began.
    """
    if fate in (
        preemptor_fate.Fate.WITHOUT_HOST,
        preemptor_fate.Fate.UNDECIDED,
    ):
        return Repair.UNDO if is_overdue else Repair.WAIT
    if has_victims:
        return Repair.GIVE_BACK if is_overdue else Repair.WAIT
    if is_counted or (fate is preemptor_fate.Fate.BUILDING and not is_overdue):
        return Repair.WAIT
    return Repair.CLOSE


def _is_overdue(preemption, fate):
    seconds = MARGIN_SECONDS
    if fate is preemptor_fate.Fate.UNDECIDED:
        # A conductor that is slow still builds the preemptor on its host.
        seconds += CONF.long_rpc_timeout
    return time.time() > preemption.deadline + seconds


def _lost_after_seconds():
    return CONF.opie.preemption_timeout_seconds + MARGIN_SECONDS
