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


"""Gives back to victims what was taken from them, and drops the claim.

All is written in one transaction where placement has room for all, and else
the claims are dropped first and the victims restored one by one.  Each write
has the generations of what was read just before.  An attempt tries for up to a
minute, the reaper once in each of its runs.  A victim whose deletion was asked
for gets everything back too, because its guest runs until nova has destroyed
it.
"""

from collections.abc import Collection
from collections.abc import Iterable
import dataclasses
import typing

from oslo_log import log as logging

from opie.scheduler import report
from opie.scheduler import steps
from opie.scheduler import waiting
from opie.scheduler.claims import dropping
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import restoring
from opie.scheduler.placement import client as placement
from opie.scheduler.placement import names

LOG = logging.getLogger(__name__)

# Placement may just be restarting, and a victim lacks what is not given back.
_PATIENCE_SECONDS = 60
# Other claims, which are about to be dropped, may leave no room for now.
_PATIENCE_WITHOUT_ROOM_SECONDS = 5

_Bodies = dict[str, dict[str, typing.Any]]


class _NoRoom(Exception):
    """The claims are dropped, but placement has no room for some victims."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What giving back has come to.

    :ivar is_done: whether all victims have everything back.  If not, the
        journal tells what is left to do.
    :ivar changed: uuids of the consumers that were written, if it is done.
    """

    is_done: bool
    changed: frozenset[str] = frozenset()


@steps.polling
def give_back(
    client: placement.Client,
    preemptions: Collection[journal_names.Preemption],
    dropped: Collection[dropping.Dropped],
    patience_seconds: float = _PATIENCE_SECONDS,
) -> Result:
    """Give back what preemptors took, and drop their claims.

    :param preemptions: those whose entries in the journal are given back.
    :param dropped: the claims that are dropped.  If a preemptor of the
        preemptions keeps its claim, only what there is room for besides that
        claim can be given back.
    :param patience_seconds: how long to try; 0 for once, as the reaper does,
        which comes again and may meet other reapers.
    """
    patience = waiting.Deadline.after(patience_seconds)
    without_room = waiting.Deadline.after(_PATIENCE_WITHOUT_ROOM_SECONDS)
    for _ in waiting.tries(waiting.FOR_PLACEMENT, patience):
        try:
            return _write_all(client, preemptions, dropped)
        except _NoRoom as exc:
            error: Exception = exc
            if without_room.is_over:
                break
        # Giving up is worse than any error.
        except Exception as exc:
            error = exc
    level = _log_level(error, is_tried_once=not patience_seconds)
    # Placement knows a host by its provider.
    text = report.with_names(str(error), names.of_hosts(client, str(error)))
    _log_failure(level, preemptions, dropped, text)
    return Result(is_done=False)


def _log_level(error: Exception, is_tried_once: bool) -> int:
    if is_tried_once and getattr(error, 'is_overtaken', False):
        return logging.INFO
    if isinstance(error, _NoRoom):
        return logging.WARNING
    return logging.ERROR


def _log_failure(
    level: int,
    preemptions: Iterable[journal_names.Preemption],
    dropped: Iterable[dropping.Dropped],
    error: str,
) -> None:
    preemptors = {one.preemptor for one in preemptions}
    preemptors |= {one.preemptor for one in dropped}
    providers = sorted(one.journal_provider for one in preemptions)
    LOG.log(
        level,
        'Could not give back what %(preemptors)s took: %(error)s. The journal '
        'tells it, in the resource providers %(providers)s.',
        {
            'preemptors': ', '.join(sorted(preemptors)),
            'providers': ', '.join(providers) or '(none)',
            'error': error,
        },
    )


def _write_all(
    client: placement.Client,
    preemptions: Iterable[journal_names.Preemption],
    dropped: Iterable[dropping.Dropped],
) -> Result:
    """Write everything at once, or what placement has room for.

    :raises _NoRoom: if placement has no room for some victims.
    """
    victims = restoring.bodies(client, preemptions)
    claims = dropping.bodies(client, dropped)
    bodies = dict(claims)
    for of_victim in victims.values():
        bodies.update(of_victim)
    if not bodies:
        return Result(True)
    try:
        _write(client, bodies)
    except placement.ErrorResponse as exc:
        if not exc.is_inventory_conflict:
            raise
        _write(client, claims)
        _restore_one_by_one(client, victims)
    return Result(True, frozenset(bodies))


def _restore_one_by_one(
    client: placement.Client, victims: dict[str, _Bodies]
) -> None:
    """Restore victims on hosts that are over their capacity.

    :param victims: see :func:`restoring.bodies`.

    NOTE: before placement 14, placement/objects/allocation.py refuses what
    leaves a provider over capacity, even when it was so before and worse.
    """
    refused = {}
    for uuid, bodies in victims.items():
        try:
            _write(client, bodies)
        except placement.ErrorResponse as exc:
            if not exc.is_inventory_conflict:
                raise
            refused[uuid] = exc
    if refused:
        raise _NoRoom(
            'there is no room for all that the victims %s held (%s)'
            % (', '.join(refused), '; '.join(map(str, refused.values())))
        )


def _write(client: placement.Client, bodies: _Bodies) -> None:
    if bodies:
        client.replace_allocations(bodies)


@steps.polling
def empty(client: placement.Client, uuids: Iterable[str]) -> None:
    """Remove the allocations of servers that nova has deleted.

    NOTE: placement/handlers/allocation.py deletes a consumer's allocations by
    the ids that it has read before.  If they are given back in between it
    finds nothing to delete, says that all is well, and they stay.
    """
    for uuid in sorted(uuids):
        consumer = client.consumer(uuid)
        if consumer.allocations:
            client.replace_allocations({uuid: consumer.body({})})
