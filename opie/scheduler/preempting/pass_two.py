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

One thread of a worker plans and claims at a time, because requests that come
together would all choose the same victims.  Evicting, and undoing what failed,
is done by as many threads at once as the options allow.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
import contextlib
import threading
import typing

from nova import context as nova_context
from nova import exception
from nova import objects
import nova.conf
from nova.scheduler import request_filter

from opie.scheduler import errors
from opie.scheduler import host_manager as host_managers
from opie.scheduler import report
from opie.scheduler import waiting
from opie.scheduler.claims import journal
from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.placement import client as placement
from opie.scheduler.placement import providers
from opie.scheduler.planning import inputs
from opie.scheduler.planning import snapshot
from opie.scheduler.preempting import attempt as attempts
from opie.scheduler.preempting import eligibility
from opie.scheduler.preempting import plans
from opie.scheduler.preempting import refusal_cache
from opie.scheduler.preempting import still_wanted

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
            host_manager, servicegroup, journal.Reader()
        )
        self._refusals = refusal_cache.RefusalCache()
        self._planning = threading.Lock()
        self._slots = threading.BoundedSemaphore(
            CONF.opie.max_concurrent_preemptions
        )

    def make_room(
        self,
        context: nova_context.RequestContext,
        spec: objects.RequestSpec,
        preemptors: Sequence[str],
        report_client: typing.Any,
        is_room_hidden: bool,
    ) -> attempts.Attempt:
        """Make room for a request and claim it.

        :param spec: a RequestSpec as it was before pass 1.
        :param preemptors: their uuids, in order.
        :param report_client: nova's SchedulerReportClient.
        :param is_room_hidden: whether pass 1 may have missed hosts with room.
        :returns: the attempt that was carried out.
        :raises errors.NoRoomMade: if no room can be made.
        """
        deadline = waiting.Deadline.after(CONF.opie.preemption_timeout_seconds)
        try:
            request_filter.process_reqspec(context, spec)
            key = refusal_cache.key_of(spec, len(preemptors), is_room_hidden)
            known = self._refusals.find(key)
            if known:
                raise errors.NoRoomMade(known)
            sources = inputs.Sources(
                self._worker,
                placement.Client(report_client, context.global_id),
                deadline,
                is_room_hidden,
            )
            with self._slot():
                return self._carry_out_a_plan(
                    context, spec, preemptors, sources
                )
        except errors.NoPlan as exc:
            self._refusals.note(key, str(exc))
            raise
        except (
            placement.PlacementError,
            # The request names a host that is not there.
            exception.NoValidHost,
            # The project may not be served.
            exception.RequestFilterFailed,
        ) as exc:
            raise errors.NoRoomMade(str(exc)) from exc

    def read_ahead(self, report_client: typing.Any) -> None:
        """Read some of the providers that were never read.

        A host of which placement's word is known is estimated better.
        """
        nodes, _ = compute_nodes.read(self._worker.host_manager.enabled_cells)
        known = self._worker.hosts.providers
        unread = [uuid for uuid in sorted(nodes) if not known.last(uuid)]
        client = placement.Client(report_client)
        for uuid in unread[:_READS_AHEAD]:
            with contextlib.suppress(
                placement.ErrorResponse, providers.Unstable
            ):
                known.read(client, uuid)

    @contextlib.contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(blocking=False):
            raise errors.NoRoomMade(
                '[opie] max_concurrent_preemptions are under way'
            )
        try:
            yield
        finally:
            self._slots.release()

    def _carry_out_a_plan(
        self,
        context: nova_context.RequestContext,
        spec: objects.RequestSpec,
        preemptors: Sequence[str],
        sources: inputs.Sources,
    ) -> attempts.Attempt:
        """Make plans, until one is carried out.

        :returns: the attempt that was.
        :raises errors.NoRoomMade: if none can be; also out of undoing an
            attempt, where another plan would not help.
        """
        budget = plans.PlanBudget()
        requester = eligibility.requester_of(context, spec)
        with report.wasted_unless_served(preemptors) as evicted:
            while budget.is_left():
                attempt = None
                try:
                    with self._turn_to_plan(sources.deadline):
                        # 1. Snapshot: all hosts, maybe a moment behind.
                        shot = snapshot.take(
                            context.elevated(),
                            spec.obj_clone(),
                            preemptors,
                            sources,
                            budget.excluded,
                        )
                        # 2. Plan: the host and the victims of least cost.
                        plan = plans.make(shot, sources, budget)
                        attempt = attempts.Attempt(
                            shot, plan, sources, requester, budget.plan_number
                        )
                        # 3. Claim: move the capacity in placement.
                        attempt.claim()
                        # 4. Verify: read again what was written.
                        attempt.verify()
                    # 5. Evict: ask nova to delete the victims.
                    attempt.evict()
                    # 6. Confirm: wait until they are gone.
                    attempt.confirm()
                    return attempt
                except errors.AttemptVoid as void:
                    if attempt:
                        # It raises unless another plan may help.  Where
                        # victims were sent away, the next line is only
                        # reached if their room is free.
                        attempt.undo(void)
                        evicted |= attempt.sent
                    report.void(preemptors, budget.plan_number, void)
                    budget.note(void)
                    waiting.FOR_NEXT_PLAN.sleep()
                except Exception as error:
                    if attempt:
                        attempt.undo(error)
                    raise
            raise errors.NoRoomMade('no plan could be carried out')

    @contextlib.contextmanager
    def _turn_to_plan(self, deadline: waiting.Deadline) -> Iterator[None]:
        """Let one thread of the worker plan at a time.

        :raises errors.TooLate: if its turn does not come in time.
        """
        if not self._planning.acquire(timeout=deadline.seconds_left()):
            raise errors.TooLate
        try:
            still_wanted.check_switch()
            yield
        finally:
            self._planning.release()
