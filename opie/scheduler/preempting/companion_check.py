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

"""Asks once more, before the first eviction, whether each host is allowed.

The group and the hints of a request say beside which servers its preemptors
may be, and beside which they may not.  Since the plan was made, another
scheduler may have nominated such a companion for the same host, or nova may
have placed one there.

The journal and the claim of a preemptor are there before it asks.  So of two
companions that are preemptors, at least the one that asks last sees the other,
and the order in claims/rivals.py says which of them withdraws.  Both never
stay.  Both may withdraw, but not for ever: each plans again after a pause of
random length, and the one that plans last sees the other while it plans.  A
companion that nova has placed stays in any case.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from collections.abc import Set
import functools
import typing

from opie.scheduler import errors
from opie.scheduler import host_state
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import rivals
from opie.scheduler.nova_db import whereabouts
from opie.scheduler.planning import companions
from opie.scheduler.planning import filter_trial
from opie.scheduler.planning import pending
from opie.scheduler.planning import snapshot

if typing.TYPE_CHECKING:
    from opie.scheduler.preempting import attempt as attempts


def check(attempt: attempts.Attempt) -> None:
    """Check that no companion makes a nominated host a wrong one.

    :raises errors.AttemptVoid: if one does.
    """
    if not companions.matter_to(attempt.shot.spec):
        return
    reason = rivals.why_withdraw(
        attempt.sources.placement,
        attempt.placement_claim.preemptions,
        functools.partial(_why_not, attempt),
    )
    if reason:
        raise errors.AttemptVoid(
            'a server that came meanwhile is in the way: %s' % reason,
            is_race=True,
        )


def _why_not(
    attempt: attempts.Attempt,
    others: Sequence[journal_names.Preemption],
    withdrawing: Sequence[journal_names.Preemption],
) -> str | None:
    """Return why the filters refuse a nominated host, or None.

    :param others: preemptions whose preemptors count.
    :param withdrawing: preemptions whose preemptors do not count.
    """
    sources, shot = attempt.sources, attempt.shot
    uncounted = attempt.preemptors | {one.preemptor for one in withdrawing}
    seen = sources.worker.pending_reader.read(others, shot.shared.hosts)
    others_now = seen.but(uncounted)
    spec = shot.spec.obj_clone()
    # Of a server that moves, its own host counts, as nova counts it.
    own = attempt.preemptors if attempt.move else set()
    members = companions.read_group(spec, uncounted - own)
    companions.add_pending(spec, others_now)
    # Only affinity looks at other hosts than the nominated ones.
    if spec.instance_group and spec.instance_group.policy == 'affinity':
        companions.add_hosts(spec, _hosts_by_claim(attempt, members))
    there = _companions_there(attempt, companions.of(spec) - uncounted)
    trial = filter_trial.FilterTrial(
        spec,
        shot.request,
        _CloudNow(shot, others_now, there),
        sources.worker.host_manager,
    )
    return trial.why_plan_failed(attempt.plan)


def _hosts_by_claim(
    attempt: attempts.Attempt, members: whereabouts.Whereabouts
) -> set[str]:
    """Return the hosts on which members without a record have claims."""
    hosts = attempt.shot.shared.hosts
    consumers = attempt.sources.placement.consumers(members.without_host)
    return {
        hosts[provider]
        for consumer in consumers.values()
        for provider in consumer.allocations
        if provider in hosts
    }


def _companions_there(
    attempt: attempts.Attempt, counted: Set[str]
) -> dict[str, Set[str]]:
    """Return nominated provider to the companions that hold any of it.

    Placement knows a server on its host before nova has a record of it there.
    """
    client = attempt.sources.placement
    return {
        provider: client.provider_allocations(provider)[1].keys() & counted
        for provider in {one.provider for one in attempt.plan.nominations}
    }


class _CloudNow:
    """The hosts that a plan was made with, and the companions of today.

    :param there: nominated provider to the companions that are on it.
    """

    def __init__(
        self,
        shot: snapshot.Snapshot,
        others: pending.Pending,
        there: Mapping[str, Collection[str]],
    ) -> None:
        self.nodes = shot.shared.nodes
        self._states = shot.states
        self._others = others
        self._there = there

    def state_without(
        self, provider: str, gone: Collection[str]
    ) -> host_state.HostState:
        """See :class:`cloud_snapshot.CloudSnapshot`."""
        state = self._states[provider].without(gone)
        self._others.count_on(state)
        state.note(set(self._there[provider]) - set(gone))
        return state
