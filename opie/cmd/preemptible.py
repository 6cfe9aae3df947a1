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

"""``opie-manage preemptible list``: which servers may give way, and why not.

It tells what a plan of this moment would know.  Whether a server frees
anything on its host, only placement's answer about the host tells.
"""

from __future__ import annotations

from collections.abc import Collection
import dataclasses
import time
import typing

from nova import context as nova_context
from nova import exception
from nova import objects
from nova import servicegroup
import nova.conf
from nova.scheduler.client import report

from opie.scheduler.claims import journal_reader
from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import compute_services
from opie.scheduler.nova_db import flavors
from opie.scheduler.nova_db import index
from opie.scheduler.nova_db import instances
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.placement import client as placement
from opie.scheduler.planning import costs
from opie.scheduler.planning import protection
from opie.scheduler.planning import stuck_deletions
from opie.scheduler.planning import victims

CONF = nova.conf.CONF

_IN_JOURNAL = 'goes for another request already'
_IN_MIGRATION = 'is being migrated'
_YOUNG = 'was launched first less than [opie] min_runtime_seconds ago'


@dataclasses.dataclass(frozen=True)
class Listed:
    """A preemptible server.

    :ivar age_seconds: since its first launch, or since its creation where nova
        does not tell that; None while it is being built.
    :ivar cost: of its eviction now.
    :ivar reason: why it is no potential victim; None if it is one.
    """

    server: preemptibles.PreemptibleServer
    age_seconds: float | None
    cost: float
    reason: str | None

    def row(self) -> dict[str, typing.Any]:
        """Return what is shown."""
        return {
            'server': self.server.uuid,
            'project': self.server.project_id,
            'host': self.server.host,
            'state': self.server.vm_state,
            'age_seconds': self.age_seconds and int(self.age_seconds),
            'cost': self.cost,
            'is_potential_victim': self.reason is None,
            'reason': self.reason,
        }


def find() -> tuple[list[Listed], list[str]]:
    """Return (preemptible servers by host, a text for what went wrong each).

    The servers of a cell that does not answer are missing.
    """
    context = nova_context.get_admin_context()
    enabled = [
        cell
        for cell in objects.CellMappingList.get_all(context)
        if not (cell.is_cell0() or cell.disabled)
    ]
    its_index = index.Index()
    silent = set(its_index.refresh(enabled))
    by_cell = its_index.by_cell()
    answers, silent_too = cells.ask(
        [cell for cell in enabled if by_cell.get(cell.uuid)],
        lambda context: instances.in_migration(
            context, sorted(by_cell[context.cell_uuid])
        ),
    )
    servers = [one for found in by_cell.values() for one in found.values()]
    failed = [
        'Cell %s does not answer' % cell
        for cell in sorted(silent.union(silent_too))
    ]
    try:
        placement.limit_waiting()
        client = placement.Client(report.report_client_singleton())
        in_flight = journal_reader.Reader().read(client).victims
    except Exception as error:
        in_flight = frozenset()
        failed.append('Cannot see what is in flight: %s' % error)
    reasons = _Reasons(
        protection.Protection.read({one.host for one in servers})._replace(
            unmarked_flavors=flavors.unmarked(context, its_index.flavors()),
            stuck_hosts=stuck_deletions.StuckDeletions().hosts(
                its_index.asked_to_delete()
            ),
        ),
        set().union(*answers.values()),
        in_flight,
    )
    found = [reasons.listed(server) for server in servers]
    return sorted(found, key=_order), failed


def _order(one: Listed) -> tuple[str, str, str]:
    return one.server.host, one.server.node, one.server.uuid


class _Reasons:
    """Why servers are no potential victims.

    :param in_migration: uuids of servers with a migration in progress.
    :param in_flight: uuids of victims in the journal.
    """

    def __init__(
        self,
        protected: protection.Protection,
        in_migration: Collection[str],
        in_flight: Collection[str],
    ) -> None:
        self._protected = protected
        self._in_migration = in_migration
        self._in_flight = in_flight
        self._services = compute_services.ComputeServices(servicegroup.API())
        self._of_hosts: dict[str, str | None] = {}
        self._cost = costs.now()

    def listed(self, server: preemptibles.PreemptibleServer) -> Listed:
        """Return what is shown of a server."""
        value = victims.estimate(server, {}, {}, ())
        since = server.protected_since
        return Listed(
            server,
            None if since is None else max(0.0, time.time() - since),
            0.0 if value.costs_nothing else self._cost.cost_of(value),
            self._why_none(server, value),
        )

    def _why_none(
        self, server: preemptibles.PreemptibleServer, value: typing.Any
    ) -> str | None:
        """Return the first reason, those that last longest first."""
        if server.host not in self._of_hosts:
            self._of_hosts[server.host] = self._why_not_on(server.host)
        reason = self._of_hosts[server.host] or self._protected.why_excluded(
            server
        )
        if reason:
            return reason
        if server.uuid in self._in_flight:
            return _IN_JOURNAL
        if server.uuid in self._in_migration:
            return _IN_MIGRATION
        if not (value.costs_nothing or self._cost.may_evict(value)):
            return _YOUNG
        return None

    def _why_not_on(self, host: str) -> str | None:
        reason = self._protected.why_protected(host)
        if reason:
            return reason
        try:
            reason = self._services.why_unfit(host)
        except exception.NotFound:
            return 'its host has no compute service'
        return reason and 'the compute service of its host is %s' % reason
