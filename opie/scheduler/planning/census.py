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


"""Counts the preemptible servers that a plan could have evicted, or why not.

An operator who reads that a request is refused wants to know where the
preemptible servers are that were to make room.
"""

from __future__ import annotations

import collections
from collections.abc import Collection
from collections.abc import Sequence

from opie.preemption import cost
from opie.preemption import model
from opie.scheduler.nova_db import index
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.planning import snapshot

_TAKEN = 'is evicted for another request'
_IN_MIGRATION = 'is being migrated'
_REFUSED = 'could not be evicted a moment ago'
_YOUNG = 'is younger than [opie] min_runtime_seconds'


def describe(
    shot: snapshot.Snapshot,
    known: index.Index,
    its_cost: cost.Cost,
    excluded: Collection[str],
) -> str:
    """Return how many preemptible servers there are, and why they stay.

    :param known: the preemptible servers of hosts that were not read.
    :param excluded: uuids of servers that the plan was not to evict.
    """
    kinds = {
        **dict.fromkeys(excluded, _REFUSED),
        **dict.fromkeys(shot.shared.in_migration, _IN_MIGRATION),
        **dict.fromkeys(shot.shared.taken, _TAKEN),
    }
    hosts = 0
    reasons: collections.Counter[str | None] = collections.Counter()
    for provider in shot.node_names:
        servers = _servers(shot, known, provider)
        hosts += bool(servers)
        why_protected = _why_protected(shot, provider)
        reasons.update(
            why_protected
            or shot.shared.protected.why_excluded(server)
            or kinds.get(server.uuid)
            or _why_young(server, its_cost)
            for server in servers
        )
    return _text(hosts, reasons)


def _text(hosts: int, reasons: collections.Counter[str | None]) -> str:
    number = reasons.total()
    if not number:
        return 'there is no preemptible server on these hosts'
    may_go = reasons.pop(None, 0)
    kinds = [
        '%d %s' % (count, reason if count == 1 else _plural(reason or ''))
        for reason, count in sorted(
            reasons.items(), key=lambda item: (-item[1], str(item[0]))
        )
    ]
    return '%d preemptible server%s on %d host%s: %s' % (
        number,
        '' if number == 1 else 's',
        hosts,
        '' if hosts == 1 else 's',
        ', '.join([*kinds, '%d may be evicted' % may_go]),
    )


def _plural(reason: str) -> str:
    for one, several in (('is ', 'are '), ('has ', 'have ')):
        if reason.startswith(one):
            return several + reason.removeprefix(one)
    return reason


def _servers(
    shot: snapshot.Snapshot, known: index.Index, provider: str
) -> Sequence[preemptibles.PreemptibleServer]:
    """Return the preemptible servers of a host, as it was read last."""
    state = shot.states.get(provider)
    if state is not None and state.preemptibles is not None:
        return state.preemptibles
    node = shot.shared.nodes[provider]
    return known.on(node.cell_uuid, node.host, node.hypervisor_hostname)


def _why_protected(shot: snapshot.Snapshot, provider: str) -> str | None:
    host = shot.shared.nodes[provider].host
    reason = shot.shared.protected.why_protected(host)
    return reason and 'is where %s' % reason.replace(' there:', ':')


def _why_young(
    server: preemptibles.PreemptibleServer, its_cost: cost.Cost
) -> str | None:
    if not its_cost.is_min_runtime_strict:
        return None
    young = its_cost.is_young(
        model.Server(
            server.uuid,
            {},
            server.launched_at,
            protected_since=server.protected_since,
        )
    )
    return _YOUNG if young else None
