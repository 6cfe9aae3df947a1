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

"""Which of several requests withdraws, or waits, that cannot all go on.

A request asks once its own journal providers are there.  So of all such
requests the one that opens its journal last sees the others.  Those that began
first go on.
"""

from collections.abc import Callable
from collections.abc import Sequence
import time
import typing

from opie.scheduler import waiting
from opie.scheduler.claims import journal
from opie.scheduler.claims import journal_names
from opie.scheduler.placement import client as placement

# How long to wait for requests that began later to withdraw, where a caller
# does not say.  It is over only where such a request does not, because it had
# asked too early.  Two requests that both withdraw would meet again, so it is
# long enough for a placement that has much to do.
_PATIENCE_SECONDS = 5.0
# How long after its beginning other requests may not have seen a request.
_UNSEEN_SECONDS = 1.0

_Preemptions = Sequence[journal_names.Preemption]
_Reason = typing.TypeVar('_Reason')


def why_withdraw(
    client: placement.Client,
    own: _Preemptions,
    why_not: Callable[[_Preemptions, _Preemptions], _Reason | None],
    patience_seconds: float = _PATIENCE_SECONDS,
) -> _Reason | None:
    """Return why a request has to withdraw, or None if it may go on.

    If it cannot go on beside the preemptions that began before, it withdraws.
    Otherwise requests that began later see this one and are about to withdraw,
    unless they had asked before its journal was there.

    :param own: the request's own preemptions that take from victims.
    :param why_not: given other preemptions that go on, and others that
        withdraw, returns why the request cannot go on, None if it can.
    :param patience_seconds: how long those that began later may take.
    """
    patience = waiting.Deadline.after(patience_seconds)
    reason = None
    for _ in waiting.tries(waiting.FOR_RIVALS, patience):
        others = _others(client, own)
        reason = why_not(others, [])
        if reason is None:
            return None
        earlier, later = _by_beginning(others, own)
        lasting_reason = why_not(earlier, later)
        if lasting_reason is not None:
            return lasting_reason
    return reason


def place(own: _Preemptions) -> tuple[float, str]:
    """Return what orders a request among those that began with it.

    :param own: its own preemptions; some take from victims.
    """
    return _order(_first_of(own))


def is_first_on(
    client: placement.Client, own: _Preemptions, provider: str
) -> bool:
    """Tell whether no other request goes first on a host.

    A request goes first that began before and has victims there.  So does one
    that began later, until it must have seen this one.

    :param own: the request's own preemptions; some take from victims.
    :param provider: of the host.
    """
    first = _first_of(own)
    are_seen = time.time() >= (first.began or 0.0) + _UNSEEN_SECONDS
    return not any(
        one.nominated_provider == provider
        and one.began is not None
        and one.deadline >= time.time()
        and (
            _order(one) < _order(first)
            # Those of one worker are claimed together, or one after the other.
            or not (are_seen or one.worker == first.worker)
        )
        and _has_victims(client, one)
        for one in sorted(_others(client, own), key=_order)
    )


def _first_of(own: _Preemptions) -> journal_names.Preemption:
    return min((one for one in own if one.began is not None), key=_order)


def _has_victims(
    client: placement.Client, preemption: journal_names.Preemption
) -> bool:
    entries = journal.entries(client, preemption.journal_provider)
    return any(map(journal.is_of_victim, entries.values()))


def _others(client: placement.Client, own: _Preemptions) -> _Preemptions:
    providers = {one.journal_provider for one in own}
    return [
        one
        for one in journal.in_flight(client)
        if one.journal_provider not in providers
    ]


def _by_beginning(
    others: _Preemptions, own: _Preemptions
) -> tuple[_Preemptions, _Preemptions]:
    """Return those that began first, and the later ones.

    Those that do not tell when they began are among the first.
    """
    first = min(map(_order, own))
    return (
        [one for one in others if _order(one) < first],
        [one for one in others if _order(one) > first],
    )


def _order(preemption: journal_names.Preemption) -> tuple[float, str]:
    return preemption.began or 0.0, preemption.journal_provider
