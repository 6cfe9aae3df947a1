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
and once more when its own journal providers are there; see rivals.py.
"""

from collections.abc import Iterable
import time
import typing

import nova.conf

from opie.preemption import model
from opie.scheduler import errors
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import rivals
from opie.scheduler.placement import client as placement

CONF = nova.conf.CONF

WINDOW_SECONDS = 60
# All requests of the worker wait meanwhile.
_PATIENCE_SECONDS = 1.0

_OVERALL = 'max_preemptions_per_minute'
_PER_PROJECT = _OVERALL + '_per_project'


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


def counted(plan: model.Plan) -> set[str]:
    """Return the preemptors of a plan that count.

    Those that only wait for servers that leave anyway do not.
    """
    leaving = {one.uuid for _, one in plan.victims if one.is_leaving}
    return {
        preemptor
        for victim, takers in plan.shares.items()
        if victim not in leaving
        for preemptor in takers
    }


def check_plan(
    plan: model.Plan,
    preemptions: Iterable[journal_names.Preemption],
    project_id: str,
) -> None:
    """Check the limits for all preemptors of a plan that would count.

    :param preemptions: all that are in the journal.
    :raises errors.LimitReached: if they are too many.
    """
    number = len(counted(plan))
    if number:
        reason = why_not(preemptions, project_id, number)
        if reason:
            raise errors.LimitReached(reason)


def check_again(
    client: placement.Client,
    opened: Iterable[journal_names.Preemption],
    project_id: str,
) -> None:
    """Check the limits for a request whose journal providers are there.

    :param opened: the request's own preemptions.
    :raises errors.LimitReached: if the request has to withdraw, see
        :func:`rivals.why_withdraw`.
    """
    own = [one for one in opened if one.began is not None]
    if not own or not are_limited():
        return

    def why_not_beside(
        others: Iterable[journal_names.Preemption], _: typing.Any
    ) -> str | None:
        return why_not(others, project_id, len(own))

    reason = rivals.why_withdraw(
        client, own, why_not_beside, _PATIENCE_SECONDS
    )
    if reason:
        raise errors.LimitReached(reason)
