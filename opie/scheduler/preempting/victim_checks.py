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

"""What is checked immediately before a victim is sent away.

The first problem stops the eviction.
"""

from __future__ import annotations

from collections.abc import Mapping
import typing

from nova import context as nova_context
from nova import exception
from nova import objects
from nova.compute import task_states
from nova.compute import vm_states

from opie.preemption import model
from opie.scheduler import errors
from opie.scheduler import host_manager as host_managers
from opie.scheduler import host_state
from opie.scheduler.claims import claim
from opie.scheduler.nova_db import aggregates
from opie.scheduler.nova_db import compute_services
from opie.scheduler.nova_db import flavors
from opie.scheduler.nova_db import instances
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.planning import old_places
from opie.scheduler.planning import protection


class VictimChecks:
    """The checks of one plan's victims and of their hosts.

    :param placement_claim: what was claimed for the plan.
    :param servicegroup: nova's servicegroup API.
    :param its_old_places: those that were planned with.
    """

    def __init__(
        self,
        plan: model.Plan,
        placement_claim: claim.Claim,
        servicegroup: typing.Any,
        its_old_places: old_places.OldPlaces,
    ) -> None:
        self._old_places = its_old_places
        self._elsewhere = {
            (provider, place[0])
            for provider, server in plan.victims
            if (place := its_old_places.host_of(server.uuid))
        }
        # The victims that cost nothing, unless their users restore them.
        self._soft_deleted = {
            server.uuid for _, server in plan.victims if server.is_soft_deleted
        }
        self._claim = placement_claim
        self._services = compute_services.ComputeServices(servicegroup)
        self._context = nova_context.get_admin_context()

    def check_service(self, host: str, may_be_disabled: bool = False) -> None:
        """Check that a host's compute service is up and enabled.

        A service that is not voids the attempt, and no victim is excluded from
        the next plan, because that plan leaves the host out.

        :param may_be_disabled: whether it is too late to mind that it is
            disabled; nova lets a server that is on its way there arrive.
        :raises errors.AttemptVoid: if it is not.
        :raises nova.exception.NotFound: if there is none.
        """
        # NOTE: nova/compute/api.py deletes the record of a server whose
        # compute is down, and leaves its guest running.
        reason = self._services.why_unfit(host)
        if reason == 'down' or reason and not may_be_disabled:
            raise errors.AttemptVoid(
                'the compute service of %s is %s' % (host, reason)
            )

    def check_protection(
        self,
        hosts: Mapping[str, str],
        host_manager: host_managers.HostManager,
    ) -> None:
        """Check that servers may be evicted on some hosts.

        Planning knows what nova has told of aggregates, and a message may be
        late, or be lost.  Of victims by their old places, the hosts where they
        are now are checked as well.

        :param hosts: provider to the name of its host.
        :raises errors.AttemptVoid: if they may not be.
        """
        if not hosts:
            return
        all_hosts = self._elsewhere.union(hosts.items())
        now = protection.Protection.read({host for _, host in all_hosts})
        for provider, host in sorted(all_hosts):
            reason = now.why_protected(host)
            if reason:
                aggregates.reread(host_manager)
                raise errors.AttemptVoid(
                    '%s: %s' % (host, reason), providers=[provider]
                )

    def check_flavors(self, its_flavors: Mapping[str, str]) -> None:
        """Check that flavors still make victims preemptible.

        :param its_flavors: uuid to the id of the flavor, of the victims that
            nothing else makes preemptible.
        :raises errors.AttemptVoid: if one does not.
        """
        if not its_flavors:
            return
        unmarked = flavors.unmarked(self._context, set(its_flavors.values()))
        saved = sorted(
            victim for victim, one in its_flavors.items() if one in unmarked
        )
        if saved:
            raise errors.AttemptVoid(
                'the victim %s' % protection.UNMARKED, *saved
            )

    def problems(
        self,
        cells: Mapping[str, objects.CellMapping],
        states: Mapping[str, host_state.HostState],
    ) -> dict[str, str]:
        """Check several victims at once, in fewer steps than one by one.

        :param cells: uuid to the cell mapping of each victim that is in one.
        :param states: uuid to the state of the host that each is to be on.
        :returns: uuid to the reason of those that must not go; also of all
            victims on a host without any compute service.
        :raises errors.AttemptVoid: if a compute service is down or disabled,
            which excludes no victim, see :meth:`check_service`; or if a
            soft-deleted victim was restored.
        """
        problems = self._problems_of_hosts(states)
        for victim in states.keys() - cells.keys() - problems.keys():
            problems[victim] = 'the victim is in no cell'
        by_cell: dict[str, tuple[objects.CellMapping, list[str]]] = {}
        for victim in sorted(states.keys() - problems.keys()):
            cell = cells[victim]
            by_cell.setdefault(cell.uuid, (cell, []))[1].append(victim)
        for cell, victims in by_cell.values():
            with nova_context.target_cell(self._context, cell) as context:
                problems.update(
                    self._problems_in_cell(context, victims, states)
                )
        return problems

    def _problems_of_hosts(
        self, states: Mapping[str, host_state.HostState]
    ) -> dict[str, str]:
        problems: dict[str, str] = {}
        for host in sorted({state.host for state in states.values()}):
            try:
                self.check_service(host)
            except exception.NotFound as exc:
                problems.update(
                    (victim, str(exc))
                    for victim, state in states.items()
                    if state.host == host
                )
        return problems

    def _problems_in_cell(
        self,
        context: nova_context.RequestContext,
        victims: list[str],
        states: Mapping[str, host_state.HostState],
    ) -> dict[str, str]:
        problems = {}
        migrating = instances.in_migration(context, victims)
        changed = self._claim.changed(victims)
        for row in preemptibles.rows_of(context, victims):
            if row.task_state == task_states.DELETING:
                continue
            try:
                self._check(context, row, states[row.uuid], migrating, changed)
            except errors.AttemptVoid as exc:
                if not exc.victims:
                    raise
                problems[row.uuid] = str(exc)
        return problems

    def check_victim(
        self,
        context: nova_context.RequestContext,
        instance: objects.Instance,
        state: host_state.HostState,
    ) -> None:
        """Check that a victim is still what was planned with.

        :param context: a context targeted at its cell.
        :param state: the state of the host that it is to be on.
        :raises errors.AttemptVoid: if it is not.
        """
        migrating = instances.in_migration(context, [instance.uuid])
        changed = self._claim.changed([instance.uuid])
        self._check(context, instance, state, migrating, changed)

    def _check(
        self,
        context: nova_context.RequestContext,
        record: typing.Any,
        state: host_state.HostState,
        migrating: set[str],
        changed: set[str],
    ) -> None:
        """Check a victim.

        :param record: an Instance, or a row of ``preemptibles``.
        :param migrating: uuids of servers in migration.
        :param changed: uuids of victims whose allocations changed.
        """
        victim = record.uuid
        self.check_record(record, state)
        if victim in migrating:
            raise errors.AttemptVoid('the victim is being migrated', victim)
        if record.vm_state == vm_states.RESIZED:
            self._check_source(context, victim)
            if record.host != state.host:
                # That is the host of its old place.
                self._check_is_up(record.host, victim, 'is on')
        if victim in changed:
            raise errors.AttemptVoid(
                'allocations of the victim changed', victim
            )

    def check_record(
        self, record: typing.Any, state: host_state.HostState
    ) -> None:
        """Check what a victim's own record says.

        :param record: an Instance, or a row of ``preemptibles``.
        :param state: the state of the host that it is to be on.
        :raises errors.AttemptVoid: if it is not what was planned with.
        """
        victim = record.uuid
        expected = self._old_places.host_of(victim) or (
            state.host,
            state.nodename,
        )
        if (record.host, record.node) != expected:
            raise errors.AttemptVoid('the victim was moved', victim)
        if (
            victim in self._soft_deleted
            and record.vm_state != vm_states.SOFT_DELETED
        ):
            # It may be a victim of the next plan, at what it costs now.
            raise errors.AttemptVoid('the victim %s was restored' % victim)
        reason = (
            protection.why_no_victim(record)
            or protection.why_busy(record)
            or protection.why_never(record)
        )
        if reason:
            raise errors.AttemptVoid('the victim %s' % reason, victim)

    def _check_source(
        self, context: nova_context.RequestContext, victim: str
    ) -> None:
        """Check the host that a victim was resized from.

        NOTE: nova/compute/api.py confirms the resize before it deletes the
        server, waits for the source's compute to answer, and leaves the server
        in task state deleting when that does not.
        """
        for host in instances.resized_from(context, victim):
            self._check_is_up(host, victim, 'was resized from')

    def _check_is_up(self, host: str, victim: str, verb: str) -> None:
        try:
            is_up = self._services.is_up(host)
        except exception.NotFound:
            is_up = False
        if not is_up:
            raise errors.AttemptVoid(
                'the victim %s %s, whose compute service is down'
                % (verb, host),
                victim,
            )
