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

All workers share the journal.  A request counts before it plans, and once more
when its own journal is open: of requests that are too many together, the one
that opens its journal last sees all of them.
"""

import time

import nova.conf

from opie.scheduler import errors
from opie.scheduler import waiting
from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names

CONF = nova.conf.CONF

WINDOW_SECONDS = 60

_OVERALL = 'max_preemptions_per_minute'
_PER_PROJECT = _OVERALL + '_per_project'

# How long to wait for requests that began later to withdraw.
_PATIENCE_SECONDS = 1.0


def are_limited():
    """Tell whether there is any limit."""
    return bool(CONF.opie[_OVERALL] or CONF.opie[_PER_PROJECT])


def is_recent(preemption):
    """Tell whether a preemption still counts.

    A clock that is more than a minute ahead is as wrong as one behind.
    """
    if preemption.began is None:
        return False
    return abs(time.time() - preemption.began) < WINDOW_SECONDS


def why_not(preemptions, project_id, number=1):
    """Return why no more preemptions of a project may begin, or None.

    :param preemptions: every :class:`journal.Preemption` in the journal.
    :param number: how many would begin.
    """
    recent = list(filter(is_recent, preemptions))
    project = journal_names.label(project_id)
    of_project = [one for one in recent if one.project == project]
    for option, counted in ((_PER_PROJECT, of_project), (_OVERALL, recent)):
        most = CONF.opie[option]
        if most and len(counted) + number > most:
            return (
                '[opie] %s (%d) does not allow %d more: %d began within the '
                'last minute' % (option, most, number, len(counted))
            )
    return None


def check_plan(plan, preemptions, project_id):
    """Check the limits for all of a plan that would count.

    :raises errors.LimitReached: if they are too many.
    """
    takers = set().union(*plan.shares.values())
    if takers:
        reason = why_not(preemptions, project_id, len(takers))
        if reason:
            raise errors.LimitReached(reason)


def check_again(client, own, project_id):
    """Check the limits of preemptions whose journal is open by now.

    All others count.  If those that began before are too many this one has to
    withdraw.  Otherwise those that began later, as they see this one, are
    about to withdraw, unless they had looked before it was there.

    :param client: a :class:`opie.scheduler.placement.client.Client`.
    :param own: each :class:`journal.Preemption` of one request.
    :raises errors.LimitReached: if it has to withdraw.
    """
    own = [one for one in own if one.began is not None]
    if not own or not are_limited():
        return
    providers = {one.journal_provider for one in own}
    began = min(map(_order, own))
    patience = waiting.Deadline.after(_PATIENCE_SECONDS)
    for _ in waiting.tries(waiting.FOR_RIVALS, patience):
        others = [
            one
            for one in journal.in_flight(client)
            if one.journal_provider not in providers
        ]
        reason = why_not(others, project_id, len(own))
        if reason is None:
            return
        before = [
            one
            for one in others
            if one.began is not None and _order(one) < began
        ]
        if why_not(before, project_id, len(own)):
            break
    raise errors.LimitReached(reason)


def _order(preemption):
    return preemption.began, preemption.journal_provider
