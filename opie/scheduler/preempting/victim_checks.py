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

"""What is looked at immediately before a victim is sent away.

The first doubt stops the eviction.
"""

from nova import context as nova_context
from nova import exception
from nova.compute import task_states
from nova.compute import vm_states
import nova.conf

from opie.scheduler import errors
from opie.scheduler.nova_db import compute_services
from opie.scheduler.nova_db import preemptibles
from opie.scheduler.planning import protection

CONF = nova.conf.CONF


class Stopped(Exception):
    """The eviction cannot go on.

    :ivar victims: uuids of the victims in doubt.
    :ivar is_final: whether another plan would not help either.
    :ivar is_room_free: whether all victims are gone, so that another plan
        finds their room.
    """

    def __init__(self, reason, *victims, is_final=False, is_room_free=False):
        super().__init__(reason)
        self.victims = frozenset(victims)
        self.is_final = is_final
        self.is_room_free = is_room_free


def check_deadline(deadline):
    """Check that there is time left.

    :param deadline: a :class:`waiting.Deadline`.
    :raises Stopped: if there is none.
    """
    try:
        deadline.check()
    except errors.TooLate as exc:
        raise Stopped(str(exc), is_final=True) from exc


def check_switch():
    """Check that the operator has not stopped all preemption.

    :raises Stopped: if that is so.
    """
    if not CONF.opie.enabled:
        raise Stopped(str(errors.SwitchedOff()), is_final=True)


class LastLook:
    """The checks of one plan's victims and of their hosts.

    :param claim: the :class:`opie.scheduler.claims.claim.Claim` of the plan.
    :param servicegroup: nova's servicegroup API.
    """

    def __init__(self, claim, servicegroup):
        self._claim = claim
        self._services = compute_services.ComputeServices(servicegroup)
        self._context = nova_context.get_admin_context()

    def check_service(self, host, may_be_disabled=False):
        """Check that a host's compute service is up and enabled.

        :param may_be_disabled: whether it is too late to mind that it is not
            enabled; nova would let who is on its way there arrive.
        :raises Stopped: if it is not.
        :raises nova.exception.NotFound: if there is none.
        """
        # NOTE: nova/compute/api.py deletes the record of a server whose
        # compute is down, and leaves its guest running.
        reason = self._services.why_unfit(host)
        if reason == 'down' or reason and not may_be_disabled:
            raise Stopped('the compute service of %s is %s' % (host, reason))

    def doubts(self, cells, states):
        """Check several victims at once, in fewer steps than one by one.

        :param cells: uuid to the cell of each victim that is in one.
        :param states: uuid to the state of the host that each is to be on.
        :returns: uuid to the reason of those that must not go.
        :raises Stopped: if a compute service is down or disabled.
        """
        doubts = self._doubts_of_hosts(states)
        for victim in states.keys() - cells.keys() - doubts.keys():
            doubts[victim] = 'the victim is in no cell'
        by_cell = {}
        for victim in sorted(states.keys() - doubts.keys()):
            cell = cells[victim]
            by_cell.setdefault(cell.uuid, (cell, []))[1].append(victim)
        for cell, victims in by_cell.values():
            with nova_context.target_cell(self._context, cell) as context:
                doubts.update(self._doubts_in_cell(context, victims, states))
        return doubts

    def _doubts_of_hosts(self, states):
        doubts = {}
        for host in sorted({state.host for state in states.values()}):
            try:
                self.check_service(host)
            except exception.NotFound as exc:
                doubts.update(
                    (victim, str(exc))
                    for victim, state in states.items()
                    if state.host == host
                )
        return doubts

    def _doubts_in_cell(self, context, victims, states):
        doubts = {}
        migrating = preemptibles.in_migration(context, victims)
        touched = self._claim.touched(victims)
        for row in preemptibles.rows_of(context, victims):
            if row.task_state == task_states.DELETING:
                continue
            try:
                self._check(context, row, states[row.uuid], migrating, touched)
            except Stopped as exc:
                doubts[row.uuid] = str(exc)
        return doubts

    def check_victim(self, context, instance, state):
        """Check that a victim is still what was planned with.

        :param context: a context targeted at its cell.
        :param state: the state of the host that it is to be on.
        :raises Stopped: if it is not.
        """
        migrating = preemptibles.in_migration(context, [instance.uuid])
        touched = self._claim.touched([instance.uuid])
        self._check(context, instance, state, migrating, touched)

    def _check(self, context, record, state, migrating, touched):
        """Check a victim.

        :param record: an Instance, or a row of ``preemptibles``.
        :param migrating: uuids of servers in migration.
        :param touched: uuids of victims whose allocations changed.
        """
        victim = record.uuid
        self.check_record(record, state)
        if victim in migrating:
            raise Stopped('the victim is being migrated', victim)
        if record.vm_state == vm_states.RESIZED:
            self._check_source(context, victim)
        if victim in touched:
            raise Stopped('allocations of the victim changed', victim)

    def check_record(self, record, state):
        """Check what a victim's own record says.

        :param record: an Instance, or a row of ``preemptibles``.
        :param state: the state of the host that it is to be on.
        :raises Stopped: if it is not what was planned with.
        """
        victim = record.uuid
        if (record.host, record.node) != (state.host, state.nodename):
            raise Stopped('the victim was moved', victim)
        reason = (
            preemptibles.why_excluded(record)
            or preemptibles.why_postponed(record)
            or protection.why_never(record)
        )
        if reason:
            raise Stopped('the victim %s' % reason, victim)

    def _check_source(self, context, victim):
        """Check the host that a victim was resized from.

        NOTE: nova/compute/api.py confirms the resize before it deletes the
        server, waits for the source's compute to answer, and leaves the server
        in task state deleting when that does not.
        """
        for host in preemptibles.resized_from(context, victim):
            try:
                is_up = self._services.is_up(host)
            except exception.NotFound:
                is_up = False
            if not is_up:
                raise Stopped(
                    'the victim was resized from %s, whose compute service '
                    'is down' % host,
                    victim,
                )
