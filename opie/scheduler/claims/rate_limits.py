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

"""How many preemptions may begin within a minute, by the journal's count.

All workers share the journal.  A request counts what is there before it plans,
and once more when its own journal providers are there.  Of requests that are
too many together, the one that opens its journal last sees all of them.
"""

from collections.abc import Collection
from collections.abc import Iterable
import time

import nova.conf

from opie.preemption import model
from opie.scheduler import errors
from opie.scheduler import waiting
from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.placement import client as placement

CONF = nova.conf.CONF

WINDOW_SECONDS = 60

_OVERALL = 'max_preemptions_per_minute'
_PER_PROJECT = _OVERALL + '_per_project'

# How long to wait for requests that began later to withdraw.
_PATIENCE_SECONDS = 1.0


def are_limited() -> bool:
    """Tell whether there is any limit."""
    return bool(CONF.opie[_OVERALL] or CONF.opie[_PER_PROJECT])


def is_recent(preemption: journal_names.Preemption) -> bool:
    """Tell whether a preemption still counts.

    A clock that is more than a minute ahead is as wrong as one behind.
    """
    if preemption.began is None:
        return False
    return abs(time.time() - preemption.began) < WINDOW_SECONDS


def why_not(
    preemptions: Iterable[journal_names.Preemption],
    project_id: str,
    number: int = 1,
) -> str | None:
    """Return why no more preemptions of a project may begin.

    :param preemptions: all that are in the journal.
    :param number: how many would begin.
    :returns: a text that names the option, or None if they may begin.
    """
    recent = list(filter(is_recent, preemptions))
    project = journal_names.label(project_id)
    same_project = [one for one in recent if one.project == project]
    for option, counted in ((_PER_PROJECT, same_project), (_OVERALL, recent)):
        most = CONF.opie[option]
        if most and len(counted) + number > most:
            return (
                '[opie] %s (%d) does not allow %d more: %d began within the '
                'last minute' % (option, most, number, len(counted))
            )
    return None


def check_plan(
    plan: model.Plan,
    preemptions: Iterable[journal_names.Preemption],
    project_id: str,
) -> None:
    """Check the limits for all preemptors of a plan that would count.

    :param preemptions: all that are in the journal.
    :raises errors.LimitReached: if they are too many.
    """
    takers = set().union(*plan.shares.values())
    if takers:
        reason = why_not(preemptions, project_id, len(takers))
        if reason:
            raise errors.LimitReached(reason)


def check_again(
    client: placement.Client,
    opened: Iterable[journal_names.Preemption],
    project_id: str,
) -> None:
    """Check the limits for a request whose journal providers are there.

    All other preemptions count.  If those that began before are too many, the
    request has to withdraw.  Otherwise requests that began later see this one
    and are about to withdraw, unless they had counted before it was there.

    :param opened: the request's own preemptions.
    :raises errors.LimitReached: if the request has to withdraw.
    """
    own = [one for one in opened if one.began is not None]
    if not own or not are_limited():
        return
    patience = waiting.Deadline.after(_PATIENCE_SECONDS)
    for _ in waiting.tries(waiting.FOR_RIVALS, patience):
        others = _others(client, own)
        reason = why_not(others, project_id, len(own))
        if reason is None:
            return
        if why_not(_begun_before(others, own), project_id, len(own)):
            break
    raise errors.LimitReached(reason)


def _others(
    client: placement.Client, own: Iterable[journal_names.Preemption]
) -> list[journal_names.Preemption]:
    providers = {one.journal_provider for one in own}
    return [
        one
        for one in journal.in_flight(client)
        if one.journal_provider not in providers
    ]


def _begun_before(
    others: Iterable[journal_names.Preemption],
    own: Collection[journal_names.Preemption],
) -> list[journal_names.Preemption]:
    first = min(map(_order, own))
    return [
        one for one in others if one.began is not None and _order(one) < first
    ]


def _order(preemption: journal_names.Preemption) -> tuple[float, str]:
    return preemption.began or 0.0, preemption.journal_provider
