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


"""Projects that wait because their preemptions were in vain.

Each time that victims have gone for a preemptor that its project deletes, or
that nova cannot build, the project waits twice as long before it may preempt
again.  All schedulers know of it from the journal, in which the project has
one record.  The record is a provider there without anything in it, whose name
tells all.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
import dataclasses
import datetime
import time
import typing
import uuid

import nova.conf
from oslo_log import log as logging

from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.placement import client as placement

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

_OPTION = 'wasted_preemption_backoff_seconds'
_MOST_OPTION = 'wasted_preemption_backoff_max_seconds'
# More would be too long for any option.
_MOST_DOUBLINGS = 30
# A record of a later time was written by a clock that is wrong.
_MOST_CLOCKS_DIFFER_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Waste:
    """The record of a project.

    Its name is one that earlier releases take for that of a preemption that is
    over, so that they remove it.

    :ivar record_provider: uuid of its provider in the journal.
    :ivar preemptor: uuid of the server whose victims were lost in vain last.
    :ivar times: how often that was so in a row.
    :ivar until: when the project may preempt again, in seconds since the
        epoch.
    :ivar nominated_provider: of the preemptor's host.
    :ivar noted_at: when the record was made, in seconds since the epoch.
    :ivar project: the :func:`journal_names.label` of the project.
    """

    record_provider: str
    preemptor: str
    times: int
    until: int
    nominated_provider: str
    noted_at: float
    project: str

    @property
    def name(self) -> str:
        """The name of its provider."""
        return journal_names.Preemption(
            self.record_provider,
            self.preemptor,
            self.times,
            self.until,
            self.nominated_provider,
            journal_names.WASTED,
            self.noted_at,
            self.project,
        ).name

    @property
    def is_forgotten(self) -> bool:
        """Whether it is time to remove the record.

        When the project may preempt again, the record still tells for as long
        as the longest wait that there have been wasted preemptions before.
        """
        forgotten_at = self.until + CONF.opie[_MOST_OPTION]
        return time.time() >= forgotten_at


def records(its_providers: Iterable[dict[str, typing.Any]]) -> list[Waste]:
    """Return the records in the journal.

    :param its_providers: every provider in the journal.
    """
    found = []
    for provider in its_providers:
        if not journal_names.is_of_waste(provider['name']):
            continue
        named = journal_names.Preemption.from_name(
            provider['uuid'], provider['name']
        )
        # The name of a record has them.
        assert named.began is not None and named.project is not None
        found.append(
            Waste(
                provider['uuid'],
                named.preemptor,
                named.attempt,
                named.deadline,
                named.nominated_provider,
                named.began,
                named.project,
            )
        )
    return found


def why_wait(known: Iterable[Waste], project_id: str) -> str | None:
    """Return why a project may not preempt now, None if it may.

    :param known: the records in the journal.
    """
    if not CONF.opie[_OPTION]:
        return None
    now = time.time()
    project = journal_names.label(project_id)
    for one in known:
        until = min(one.until, one.noted_at + CONF.opie[_MOST_OPTION])
        is_of_future = one.noted_at > now + _MOST_CLOCKS_DIFFER_SECONDS
        if one.project == project and now < until and not is_of_future:
            return (
                '[opie] %s lets project %s preempt again at %s: servers were '
                'evicted for %s, which did not come to run, and so it was %d '
                'times in a row'
                % (_OPTION, project_id, _text(until), one.preemptor, one.times)
            )
    return None


def _text(seconds: float) -> str:
    at = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return at.isoformat(timespec='seconds')


def note(
    client: placement.Client,
    wasted: Collection[journal_names.Preemption],
    served: Collection[journal_names.Preemption] = (),
) -> None:
    """Note what has become of preemptions, and remove what is forgotten.

    :param wasted: those whose victims were lost in vain, by fault of the
        project.
    :param served: those whose preemptors run.
    :raises placement.PlacementError: if that cannot be done.
    """
    known = records(journal.all_providers(client))
    over = {one.record_provider for one in known if one.is_forgotten}
    for preemption in served:
        over.update(
            one.record_provider
            for one in known
            if one.project == preemption.project
            and one.noted_at < (preemption.began or 0)
        )
    left = [one for one in known if one.record_provider not in over]
    for preemption in wasted if CONF.opie[_OPTION] else ():
        before = [one for one in left if one.project == preemption.project]
        new = _next(preemption, before)
        if new:
            _create(client, new)
            over.update(one.record_provider for one in before)
            left.append(new)
    for provider in over:
        journal.close_provider(client, provider)


def _next(
    preemption: journal_names.Preemption, before: Collection[Waste]
) -> Waste | None:
    """Return the record of a wasted preemption, None if it needs none.

    What began before the project had to wait is part of the same waste.

    :param before: the records of the project.
    """
    if preemption.began is None or preemption.project is None:
        return None
    if any(preemption.began <= one.noted_at for one in before):
        return None
    times = 1 + max((one.times for one in before), default=0)
    seconds = min(
        CONF.opie[_OPTION] * 2 ** min(times - 1, _MOST_DOUBLINGS),
        CONF.opie[_MOST_OPTION],
    )
    now = journal_names.to_millisecond(time.time())
    return Waste(
        # Of several workers that note the same one creates it.
        str(uuid.uuid5(uuid.UUID(journal.ROOT_UUID), preemption.preemptor)),
        preemption.preemptor,
        times,
        int(now + seconds),
        preemption.nominated_provider,
        now,
        preemption.project,
    )


def _create(client: placement.Client, record: Waste) -> None:
    try:
        client.create_provider(
            record.record_provider, record.name, journal.ROOT_UUID
        )
    except placement.ErrorResponse as exc:
        if exc.status != 409:
            raise
        return
    LOG.warning(
        'Servers were evicted for %(preemptor)s, which did not come to run: '
        'its project %(project)s may preempt again at %(until)s.',
        {
            'preemptor': record.preemptor,
            'project': record.project,
            'until': _text(record.until),
        },
    )
