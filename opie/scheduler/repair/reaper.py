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

Whatever stopped a scheduler, the journal tells which preemptions it has left
in flight.  Every worker reads the whole journal now and then.  Each repair is
refused if what it was decided from has changed, so any number of workers may
try the same one.  The reaper never asks nova for the deletion of a server,
because what it reads may be wrong, after an old backup of placement was
restored for instance.  By nova's own records it repeats a request that nova
has accepted and lost.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import contextlib
import functools
import typing

from nova import context as nova_context
import nova.conf
from oslo_log import log as logging

from opie.scheduler import report
from opie.scheduler import steps
from opie.scheduler.claims import dropping
from opie.scheduler.claims import give_back
from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import waste
from opie.scheduler.nova_db import ended_migrations
from opie.scheduler.nova_db import instances
from opie.scheduler.placement import client as placement
from opie.scheduler.placement import names
from opie.scheduler.repair import findings
from opie.scheduler.repair import lost_deletions
from opie.scheduler.repair import preemptor_fate

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

_NumberChosen = Callable[[journal_names.Preemption], int]


class Reaper:
    """Reads the journal and repairs.

    :param servicegroup: nova's servicegroup API.
    """

    def __init__(
        self, client: placement.Client, servicegroup: typing.Any
    ) -> None:
        self._client = client
        self._context = nova_context.get_admin_context()
        self._deletions = lost_deletions.LostDeletions(servicegroup)

    def run(self) -> None:
        """Repair whatever there is to repair."""
        try:
            self.repair(self.in_flight())
        except Exception:
            LOG.exception('Cannot read which preemptions are in flight.')
        # Afterwards, because what is given back must not meet a deletion.
        try:
            victims, _ = self.find_lost_deletions()
            self.delete_again(victims)
        except Exception:
            LOG.exception('Cannot find deletions that were lost.')

    @steps.step('the reaper reads')
    def in_flight(self) -> list[journal_names.Preemption]:
        """Return every preemption in the journal."""
        return journal.in_flight(self._client)

    @steps.step('the reaper repeats deletions')
    def find_lost_deletions(self) -> tuple[dict[str, typing.Any], list[str]]:
        """Return the victims whose deletion nova has accepted and lost.

        :returns: (uuid to cell mapping, for :meth:`delete_again`; uuids of the
            cells that did not answer).
        """
        return self._deletions.find(_ages_of_lost())

    @steps.step('the reaper repeats deletions')
    def delete_again(self, victims: Mapping[str, typing.Any]) -> set[str]:
        """Repeat lost deletions; return the uuids of those that are."""
        return self._deletions.repeat(victims, _ages_of_lost())

    @steps.step('the reaper reads')
    def finding(
        self, preemption: journal_names.Preemption
    ) -> findings.Finding:
        """Return what is to be done about a preemption; change nothing."""
        entries = journal.entries(self._client, preemption.journal_provider)
        claim = self._client.consumer(preemption.preemptor)
        fate = preemptor_fate.of(self._context, preemption)
        return findings.Finding(
            preemption,
            fate,
            bool(claim.allocations),
            entries,
            findings.repair_for(
                fate,
                bool(claim.allocations),
                bool(entries),
                findings.is_long_over(preemption, fate),
                findings.still_counts(preemption),
            ),
        )

    @steps.step('the reaper repairs')
    def repair(self, preemptions: Iterable[journal_names.Preemption]) -> None:
        """Do for each preemption what is to be done about it.

        What cannot be done is logged, and the preemption stays in flight.
        """
        closing: list[findings.Finding] = []
        ending: set[str] = set()
        number_chosen = functools.cache(self._number_chosen)
        wasted, served = [], []
        for preemption in preemptions:
            with _others_go_on(preemption):
                finding = self.finding(preemption)
                if finding.is_served:
                    served.append(preemption)
                elif self._is_wasted_by_project(finding, number_chosen):
                    wasted.append(preemption)
                if self._give_back_what_is_due(finding, number_chosen):
                    ending |= self._ending(finding)
                    closing.append(finding)
        # What was given back may have come too late for these victims, and
        # their deletion may have missed it.
        instances.wait_until_gone(ending)
        # Before the journal is closed, so that the next reaper can do it.
        if not self._note_outcomes(wasted, served):
            return
        for finding in closing:
            with _others_go_on(finding.preemption):
                self._close_and_report(finding)

    def _is_wasted_by_project(
        self, finding: findings.Finding, number_chosen: _NumberChosen
    ) -> bool:
        """Tell whether victims were lost in vain, by fault of the project."""
        return finding.is_by_fault_of_project and (
            number_chosen(finding.preemption) > self._number_alive(finding)
        )

    @steps.step('the reaper closes')
    def _note_outcomes(
        self,
        wasted: Collection[journal_names.Preemption],
        served: Collection[journal_names.Preemption],
    ) -> bool:
        """Note which projects have to wait, and which ones not any more.

        :returns: whether that is done.
        """
        try:
            waste.note(self._client, wasted, served)
        except placement.PlacementError:
            LOG.exception('Cannot note which preemptions were in vain.')
            return False
        return True

    def _give_back_what_is_due(
        self, finding: findings.Finding, number_chosen: _NumberChosen
    ) -> bool:
        """Give back to victims, and report those that were lost in vain.

        :returns: whether the preemption's journal can be closed.
        """
        if finding.repair in (findings.Repair.WAIT, findings.Repair.CLOSE):
            return finding.repair is findings.Repair.CLOSE
        self._empty_deleted(finding.entries.keys())
        self._empty_deleted_preemptor(finding)
        chosen = number_chosen(finding.preemption)
        result = self._give_back_once(finding)
        # Of all reapers that try, only one changes anything.
        if result.changed and not finding.is_counted_when_closed:
            _report_waste(finding, chosen - self._number_alive(finding))
        return result.is_done and not findings.still_counts(finding.preemption)

    def _number_alive(self, finding: findings.Finding) -> int:
        """Return how many of the victims live, and go on living.

        A victim that nova has deleted has no entry any more, so the victims
        that live are counted, and the others are lost.
        """
        victims = {
            uuid
            for uuid, entry in finding.entries.items()
            if journal.is_of_victim(entry)
        }
        lost = instances.being_deleted(self._context, victims)
        lost |= instances.deleted_servers(self._context, victims)
        return len(victims - lost)

    def _ending(self, finding: findings.Finding) -> set[str]:
        """Return the victims that will be gone in a moment."""
        if finding.repair is findings.Repair.CLOSE:
            return set()
        return instances.ending(self._context, finding.entries.keys())

    def _number_chosen(self, preemption: journal_names.Preemption) -> int:
        """Return how many victims a preemption chose, 0 if it is closed."""
        try:
            _, totals = self._client.inventories(preemption.journal_provider)
        except placement.ErrorResponse as exc:
            if exc.status != 404:
                raise
            return 0
        return journal.victims_of(totals)

    def _empty_deleted(self, consumers: Collection[str]) -> None:
        """Remove what victims still hold that nova has deleted.

        So is removed what their migrations hold, and those of confirmed moves.
        """
        gone = instances.deleted_servers(self._context, consumers)
        gone |= ended_migrations.among(self._context, consumers)
        give_back.empty(self._client, gone)

    def _empty_deleted_preemptor(self, finding: findings.Finding) -> None:
        """Remove what a server holds that was deleted while it was to move.

        NOTE: nova/conductor/tasks/migrate.py hands its old place back to it,
        deleted or not.
        """
        preemptor, move = finding.preemption.preemptor, finding.preemption.move
        if move and instances.deleted_servers(self._context, [preemptor]):
            holders = filter(None, (preemptor, move.migration))
            give_back.empty(self._client, holders)

    def _give_back_once(self, finding: findings.Finding) -> give_back.Result:
        preemption = finding.preemption
        LOG.info(
            'Repairing the preemption %(name)s on %(host)s, whose preemptor '
            'is %(fate)s: %(repair)s.',
            {
                'name': preemption.name,
                'host': self._host(preemption),
                'fate': finding.fate.value,
                'repair': finding.repair.value,
            },
        )
        is_undone = finding.repair is findings.Repair.UNDO
        return give_back.give_back(
            self._client,
            [preemption],
            dropped=[_claim_of(preemption)] if is_undone else [],
            patience_seconds=0,
        )

    def _host(self, preemption: journal_names.Preemption) -> str:
        """Return the name of the nominated host, for the log."""
        provider = preemption.nominated_provider
        return names.of_hosts(self._client, provider).get(provider, provider)

    @steps.step('the reaper closes')
    def _close_and_report(self, finding: findings.Finding) -> None:
        """Delete a journal provider, and report what was lost in vain."""
        preemption = finding.preemption
        self._empty_deleted(finding.entries.keys())
        chosen = journal.close_provider(
            self._client, preemption.journal_provider
        )
        if chosen is None:
            LOG.warning(
                'The preemption %(name)s on %(host)s stays in the journal for '
                'now: it was changed in this moment.',
                {
                    'name': preemption.name,
                    'host': self._host(preemption),
                },
            )
            return
        if finding.is_counted_when_closed:
            _report_waste(finding, chosen - self._number_alive(finding))
        if finding.repair is findings.Repair.UNDO:
            self._drop_late_claim(preemption)

    def _drop_late_claim(self, preemption: journal_names.Preemption) -> None:
        """Drop a claim that was made after all was given back.

        Its scheduler was suspended, and its victims have gone since.  Without
        the journal no other claim of the preemption can follow.  Meanwhile
        nova may have begun something else with the preemptor, so what has
        become of it is asked again.
        """
        if self.finding(preemption).repair is findings.Repair.UNDO:
            give_back.give_back(
                self._client, [], [_claim_of(preemption)], patience_seconds=0
            )


def _claim_of(preemption: journal_names.Preemption) -> dropping.Dropped:
    return dropping.Dropped(
        preemption.preemptor, preemption.nominated_provider, preemption.move
    )


@contextlib.contextmanager
def _others_go_on(preemption: journal_names.Preemption) -> Iterator[None]:
    """Log what goes wrong with a preemption, which the next run repairs."""
    try:
        yield
    except Exception:
        LOG.exception('Cannot repair the preemption %s.', preemption.name)


def _report_waste(finding: findings.Finding, wasted: int) -> None:
    if finding.is_in_vain and wasted > 0:
        report.wasted(wasted, [finding.preemption.preemptor])


def _ages_of_lost() -> lost_deletions.Ages:
    return lost_deletions.Ages(
        CONF.opie.stuck_deletion_seconds,
        CONF.opie.preemption_timeout_seconds + findings.MARGIN_SECONDS,
    )
