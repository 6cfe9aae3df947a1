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

"""Pass 2: makes room for a request, again on fresh facts while that can help.

Planning and claiming are done in turns, for all requests that wait; see
turns.py.  Evicting, and undoing what failed, is done by as many threads at
once as the options allow.
"""

from __future__ import annotations

import contextlib
import typing

from nova import context as nova_context
from nova import exception
from nova import objects
import nova.conf
from nova.scheduler import request_filter

from opie.conf import threads
from opie.scheduler import errors
from opie.scheduler import host_manager as host_managers
from opie.scheduler import report
from opie.scheduler import waiting
from opie.scheduler.claims import journal_names
from opie.scheduler.claims import journal_reader
from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.placement import client as placement
from opie.scheduler.placement import providers
from opie.scheduler.planning import inputs
from opie.scheduler.preempting import attempt as attempts
from opie.scheduler.preempting import eligibility
from opie.scheduler.preempting import group
from opie.scheduler.preempting import move_checks
from opie.scheduler.preempting import quota
from opie.scheduler.preempting import refusal_cache
from opie.scheduler.preempting import seats
from opie.scheduler.preempting import turns
from opie.scheduler.preempting import waiting_request

CONF = nova.conf.CONF

# How many providers are read at a time before a request needs them.
_READS_AHEAD = 200


class PassTwo:
    """Makes room, in one scheduler worker.

    It holds locks, so it must be made after workers have forked.

    :param servicegroup: nova's servicegroup API.
    """

    def __init__(
        self,
        host_manager: host_managers.HostManager,
        servicegroup: typing.Any,
    ) -> None:
        self._worker = inputs.Worker(
            host_manager,
            servicegroup,
            journal_reader.Reader(),
            journal_names.new_worker(),
        )
        self._refusals = refusal_cache.RefusalCache()
        planner = group.GroupPlanner(self._worker, self._refusals)
        self._turns = turns.Turns(planner.serve, threads.slots(CONF))
        self._seats = seats.Seats(threads.seats(CONF))

    def make_room(
        self,
        context: nova_context.RequestContext,
        spec: objects.RequestSpec,
        preemptors: eligibility.Preemptors,
        report_client: typing.Any,
        is_room_hidden: bool,
    ) -> attempts.Attempt:
        """Make room for a request and claim it.

        :param spec: a RequestSpec as it was before pass 1.
        :param preemptors: the servers that wait for a host.
        :param report_client: nova's SchedulerReportClient.
        :param is_room_hidden: whether pass 1 may have missed hosts with room.
        :returns: the attempt that was carried out.
        :raises errors.NoRoomMade: if no room can be made.
        """
        deadline = waiting.Deadline.after(CONF.opie.preemption_timeout_seconds)
        try:
            sources = inputs.Sources(
                self._worker,
                placement.Client(report_client, context.global_id),
                deadline,
                is_room_hidden,
            )
            requester = eligibility.requester_of(context, spec)
            with self._seats.taken(requester[0]):
                return self._carry_out_a_plan(
                    self._request(
                        context, spec, preemptors, sources, requester
                    )
                )
        except (
            placement.PlacementError,
            # The request names a host that is not there.
            exception.NoValidHost,
            # The project may not be served.
            exception.RequestFilterFailed,
        ) as exc:
            raise errors.NoRoomMade(str(exc)) from exc

    def _request(
        self,
        context: nova_context.RequestContext,
        spec: objects.RequestSpec,
        preemptors: eligibility.Preemptors,
        sources: inputs.Sources,
        requester: tuple[str, str],
    ) -> waiting_request.WaitingRequest:
        uuids, moving = preemptors.uuids, preemptors.moving
        if moving:
            move_checks.narrow(spec, moving)
        request_filter.process_reqspec(context, spec)
        key = refusal_cache.key_of(spec, len(uuids), sources.is_room_hidden)
        move = moving.move if moving else None
        request = waiting_request.WaitingRequest(
            context,
            spec,
            uuids,
            sources,
            requester,
            quota.of(context, spec, requester, uuids, sources.placement, move),
            key,
            move,
        )
        if moving:
            request.budget.why_no_victims = move_checks.check(
                context, spec, moving.move, sources
            )
            request.budget.excluded_providers = move_checks.excluded(moving)
        return request

    def read_ahead(self, report_client: typing.Any) -> None:
        """Read some of the host states and providers that are not known.

        A host of which placement's word is known is estimated better.
        """
        nodes, _ = compute_nodes.read(self._worker.host_manager.enabled_cells)
        with contextlib.suppress(errors.SilentCells):
            self._worker.states.read_ahead(self._worker.host_manager, nodes)
        known = self._worker.hosts.providers
        unread = [uuid for uuid in sorted(nodes) if not known.last(uuid)]
        client = placement.Client(report_client)
        for uuid in unread[:_READS_AHEAD]:
            with contextlib.suppress(
                placement.ErrorResponse, providers.Unstable
            ):
                known.read(client, uuid)

    def _check_refusals(self, request: waiting_request.WaitingRequest) -> None:
        known = self._refusals.find(request.refusal_key)
        if known:
            raise errors.NoRoomMade(known)

    def _carry_out_a_plan(
        self, request: waiting_request.WaitingRequest
    ) -> attempts.Attempt:
        """Make plans, until one is carried out.

        :returns: the attempt that was.
        :raises errors.NoRoomMade: if none can be; also out of undoing an
            attempt, where another plan would not help.
        """
        with report.wasted_unless_used(request.preemptors) as evicted:
            while request.budget.is_left():
                # First, because what ends may take quota of what is pending.
                request.quota.check(request.deadline)
                self._check_refusals(request)
                try:
                    # 1. to 4. Snapshot, plan, claim and verify: see group.py.
                    with self._turns.claimed(request) as attempt:
                        # 5. Evict: ask nova to delete the victims.
                        attempt.evict()
                        # 6. Confirm: wait until they are gone.
                        attempt.confirm()
                        evicted.note_served(attempt.providers)
                        report.served(
                            request.preemptors, attempt.plan_number - 1
                        )
                        return attempt
                except errors.NextTurn:
                    continue
                except errors.AttemptVoid as void:
                    if request.attempt:
                        # It raises unless another plan may help, which
                        # begins with the room of victims that have gone.
                        self._undo(request.attempt, void)
                        evicted.add(request.attempt.sent_from, void.victims)
                        request.budget.evicted = len(evicted)
                    request.note_void(void)
                    waiting.FOR_NEXT_PLAN.sleep()
                except Exception as error:
                    if request.attempt:
                        self._undo(request.attempt, error)
                    raise
            raise errors.NoRoomMade('no plan could be carried out')

    def _undo(self, attempt: attempts.Attempt, error: Exception) -> None:
        """Undo an attempt, and forget who was refused because of it."""
        try:
            attempt.undo(error)
        finally:
            self._refusals.forget()
