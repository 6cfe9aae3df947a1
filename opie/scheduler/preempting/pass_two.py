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

One thread of a worker plans and claims at a time, for requests that come
together would all choose the same victims.  Waiting for victims to be gone,
and undoing what failed, is done by as many at once as the options allow.
"""

import collections
import contextlib
import dataclasses
import threading
import time

from nova import exception
import nova.conf
from nova.scheduler import request_filter

from opie.preemption import cost
from opie.preemption import model
from opie.preemption import planner
from opie.scheduler import errors
from opie.scheduler import report
from opie.scheduler import waiting
from opie.scheduler.claims import journal
from opie.scheduler.claims import rate_limits
from opie.scheduler.nova_db import compute_nodes
from opie.scheduler.placement import client as placement
from opie.scheduler.placement import providers
from opie.scheduler.planning import host_values
from opie.scheduler.planning import snapshot
from opie.scheduler.preempting import attempt as executor
from opie.scheduler.preempting import refusal_cache

CONF = nova.conf.CONF

# How often a request may plan again because somebody else was faster; beyond
# this something must be wrong.
_MAX_LOST_RACES = 20
# How many providers are read at a time before anybody needs them.
_READS_AHEAD = 200


@dataclasses.dataclass
class Job:
    """A plan on its way through the steps.

    :ivar spec: the RequestSpec it was made from.
    :ivar selections: a Selection for each preemptor, in order.
    """

    spec: object
    shot: snapshot.Snapshot
    plan: model.Plan
    selections: list
    execution: executor.Execution | None = None


class PassTwo:
    """Makes room, in one scheduler worker.

    It holds locks, so it must be made after workers have forked.

    :param host_manager: opie's HostManager.
    :param servicegroup: nova's servicegroup API.
    """

    def __init__(self, host_manager, servicegroup):
        self._host_manager = host_manager
        self._servicegroup = servicegroup
        self._providers = providers.ProviderCache()
        self._hosts = host_values.HostValues(self._providers)
        self._journal = journal.Reader()
        self._refusals = refusal_cache.Refusals()
        self._planning = threading.Lock()
        self._slots = threading.BoundedSemaphore(
            CONF.opie.max_concurrent_preemptions
        )

    def make_room(self, context, spec, uuids, report_client, is_room_hidden):
        """Make room for a request and claim it.

        :param spec: a RequestSpec as it was before pass 1.
        :param uuids: the uuids of the preemptors, in order.
        :param report_client: nova's SchedulerReportClient.
        :param is_room_hidden: whether pass 1 may have missed hosts with room.
        :returns: the :class:`Job` that was carried out.
        :raises errors.NoRoomMade: if none can be made.
        """
        try:
            return self._make_room(
                context, spec, uuids, report_client, is_room_hidden
            )
        except (
            placement.PlacementError,
            # The request names a host that is not there.
            exception.NoValidHost,
            # The tenant may not be served.
            exception.RequestFilterFailed,
        ) as exc:
            raise errors.NoRoomMade(str(exc)) from exc

    def _make_room(self, context, spec, uuids, report_client, is_room_hidden):
        deadline = waiting.Deadline.after(CONF.opie.preemption_timeout_seconds)
        request_filter.process_reqspec(context, spec)
        key = refusal_cache.key_of(spec, len(uuids), is_room_hidden)
        known = self._refusals.find(key)
        if known:
            raise errors.NoRoomMade(known)
        sources = snapshot.Sources(
            self._host_manager,
            placement.Client(report_client, context.global_id),
            self._providers,
            self._hosts,
            self._journal,
            self._servicegroup,
            deadline,
            is_room_hidden,
        )
        try:
            with self._slot():
                return self._try_plans(context, spec, uuids, sources, deadline)
        except errors.NoPlan as exc:
            self._refusals.note(key, str(exc))
            raise

    def read_ahead(self, report_client):
        """Read some of the providers that were never read.

        A host of which placement's word is known is estimated better.
        """
        nodes, _ = compute_nodes.read(self._host_manager.enabled_cells)
        unread = [
            uuid for uuid in sorted(nodes) if not self._providers.last(uuid)
        ]
        client = placement.Client(report_client)
        for uuid in unread[:_READS_AHEAD]:
            with contextlib.suppress(
                placement.ErrorResponse, providers.Unstable
            ):
                self._providers.read(client, uuid)

    @contextlib.contextmanager
    def _slot(self):
        if not self._slots.acquire(blocking=False):
            raise errors.NoRoomMade(
                '[opie] max_concurrent_preemptions are under way'
            )
        try:
            yield
        finally:
            self._slots.release()

    def _try_plans(self, context, spec, uuids, sources, deadline):
        spared = set()
        tried = collections.Counter()
        with report.wasted_unless_served(uuids) as evicted:
            while (
                tried['plan'] < CONF.opie.max_plans_per_request
                and tried['race'] < _MAX_LOST_RACES
            ):
                attempt = tried.total() + 1
                try:
                    with self._alone(deadline):
                        job = self._plan(
                            context,
                            spec.obj_clone(),
                            uuids,
                            sources,
                            spared,
                            attempt,
                        )
                        self._claim(context, job, sources, attempt, deadline)
                    job.execution.evict()
                    return job
                except executor.PlanAgain as exc:
                    report.void(uuids, attempt, exc)
                    spared |= exc.victims
                    evicted |= exc.evicted
                    tried['race' if exc.is_race else 'plan'] += 1
                    waiting.FOR_NEXT_PLAN.sleep()
            raise errors.NoRoomMade('no plan could be carried out')

    @contextlib.contextmanager
    def _alone(self, deadline):
        if not self._planning.acquire(timeout=deadline.seconds_left()):
            raise errors.TooLate
        try:
            yield
        finally:
            self._planning.release()

    def _plan(self, context, spec, uuids, sources, spared, attempt):
        """Return a :class:`Job` with a feasible plan, not yet claimed.

        :raises errors.NoRoomMade: if no host can serve, or in a dry run.
        """
        check_switch()
        shot = snapshot.take(context.elevated(), spec, uuids, sources, spared)
        limit = rate_limits.why_not(shot.preemptions, spec.project_id)
        # An earlier attempt of its own may have made room.
        if limit and attempt == 1 and not sources.is_room_hidden:
            raise errors.LimitReached(limit)
        request = shot.request
        if limit:
            request = dataclasses.replace(request, most_victims=0)
        plan = planner.make_plan(request, shot.hosts, _cost_now(), shot.cloud)
        if not plan.is_feasible and shot.cloud.has_changed:
            raise executor.PlanAgain('a host changed', is_race=True)
        if not plan.is_feasible and limit:
            raise errors.LimitReached(limit)
        if not plan.is_feasible:
            # Another request could do with those that are spared in this one.
            refusal = errors.NoRoomMade if spared else errors.NoPlan
            raise refusal(report.refused(shot, plan))
        rate_limits.check_plan(plan, shot.preemptions, spec.project_id)
        report.planned(shot, plan, CONF.opie.dry_run)
        if CONF.opie.dry_run:
            raise errors.NoRoomMade('[opie] dry_run is on')
        return Job(spec, shot, plan, shot.cloud.select(plan))

    def _claim(self, context, job, sources, attempt, deadline):
        """Claim what was planned.

        :raises executor.PlanAgain: if the facts are not the same any more.
        """
        deadline.check()
        check_switch()
        job.execution = executor.Execution(
            job.shot,
            job.plan,
            sources.placement,
            self._servicegroup,
            (job.spec.project_id, _user_id(context, job.spec)),
            attempt,
            deadline,
            has_group=job.spec.instance_group is not None,
        )
        job.execution.claim()


def check_switch():
    """Check that preemption is not switched off.

    :raises errors.SwitchedOff: if it is.
    """
    if not CONF.opie.enabled:
        raise errors.SwitchedOff


def _user_id(context, spec):
    # NOTE: as nova/scheduler/utils.py, for specs older than Rocky.
    if 'user_id' in spec and spec.user_id:
        return spec.user_id
    return context.user_id


def _cost_now():
    return cost.Cost(
        CONF.preemptible_count_weight_multiplier,
        CONF.preemptible_duration_weight_multiplier,
        CONF.opie.billing_period_seconds,
        CONF.opie.age_cost_multiplier,
        CONF.opie.min_runtime_seconds,
        CONF.opie.min_runtime_strict,
        now=time.time(),
    )
