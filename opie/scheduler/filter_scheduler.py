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

"""nova's scheduler, which makes room for a request that finds none.

Pass 1 is nova's own scheduling, untouched.  Only when that answers
NoValidHost to a request that may preempt does pass 2 begin; when pass 2
cannot help, nova's answer stands.
"""

import collections
import dataclasses
import random
import threading
import time

from nova import exception
from nova.compute import utils as compute_utils
import nova.conf
from nova.objects import fields
from nova.scheduler import manager
from nova.scheduler import request_filter
from oslo_log import log as logging
import oslo_messaging as messaging

import opie.conf
from opie.conf import checks
from opie.preemption import cost
from opie.preemption import model
from opie.preemption import planner
from opie.scheduler import boot
from opie.scheduler import dry_run
from opie.scheduler import executor
from opie.scheduler import host_manager
from opie.scheduler import pass_one
from opie.scheduler import placement
from opie.scheduler import providers
from opie.scheduler import report
from opie.scheduler import snapshot

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

opie.conf.register_opts(CONF)

# How often a request may plan again because somebody else was faster; beyond
# this something must be wrong.
_MAX_LOST_RACES = 20
_MAX_PAUSE_SECONDS = 0.2
_TOO_LATE = '[opie] preemption_timeout_seconds are over'


class Refused(Exception):
    """Pass 2 cannot help; the text says why, for the operator's log."""


@dataclasses.dataclass
class Job:
    """A plan on its way through the steps.

    :ivar selections: a Selection for each preemptor, in order.
    """

    shot: snapshot.Snapshot
    plan: model.Plan
    selections: list
    execution: executor.Execution | None = None


class FilterScheduler(manager.SchedulerManager):
    """The scheduler service's manager."""

    def __init__(self, *args, **kwargs):
        checks.check(CONF)
        self._watch = pass_one.Watch()
        super().__init__(*args, **kwargs)
        if not isinstance(self.host_manager, host_manager.HostManager):
            raise checks.ConfigError(
                '[DEFAULT] scheduler_host_manager must be '
                'opie.scheduler.host_manager.HostManager or a subclass of it, '
                'and the service must be started by opie-nova-scheduler.'
            )
        self._providers = providers.ProviderCache()

    def init_host(self, service_ref):
        super().init_host(service_ref)
        # Not before: workers fork after __init__.
        self._slots = threading.BoundedSemaphore(
            CONF.opie.max_concurrent_preemptions
        )
        self._planning = threading.Lock()
        LOG.info(
            'Preemption is %(mode)s: %(driver)s with %(host_manager)s.',
            {
                'mode': 'on, as a dry run' if CONF.opie.dry_run else 'on',
                'driver': _dotted_path(self),
                'host_manager': _dotted_path(self.host_manager),
            },
        )

    @property
    def placement_client(self):
        return self._watch.client(super().placement_client)

    def _select_destinations(self, *args, **kwargs):
        self._watch.has_notified_start = True
        return super()._select_destinations(*args, **kwargs)

    def select_destinations(
        self,
        context,
        request_spec=None,
        filter_properties=None,
        spec_obj=manager.SchedulerManager._sentinel,
        instance_uuids=None,
        return_objects=False,
        return_alternates=False,
    ):
        """See nova's; NoValidHost comes wrapped in ExpectedException."""
        untouched = _copy_for_pass_two(
            spec_obj, instance_uuids, return_objects
        )
        self._watch.reset()
        try:
            return super().select_destinations(
                context,
                request_spec=request_spec,
                filter_properties=filter_properties,
                spec_obj=spec_obj,
                instance_uuids=instance_uuids,
                return_objects=return_objects,
                return_alternates=return_alternates,
            )
        except messaging.ExpectedException as exc:
            selections = None
            if untouched is not None and isinstance(
                exc.exc_info[1], exception.NoValidHost
            ):
                selections = self._pass_two(context, untouched, instance_uuids)
            if selections is None:
                raise
            return selections

    def _pass_two(self, context, spec, uuids):
        """Return selections, or None when nova's answer is to stand."""
        try:
            if not self._watch.has_placement_answered:
                raise Refused('placement did not answer')
            if not boot.is_boot(context, uuids):
                return None
            if not self._slots.acquire(blocking=False):
                raise Refused(
                    '[opie] max_concurrent_preemptions are under way'
                )
            try:
                return self._preempt(context, spec, uuids)
            finally:
                self._slots.release()
        except (
            Refused,
            executor.Failed,
            snapshot.NotServed,
            placement.PlacementError,
            exception.NoValidHost,
            exception.RequestFilterFailed,
        ) as exc:
            LOG.info(
                'No room is made for %(preemptors)s: %(reason)s.',
                {'preemptors': ', '.join(uuids), 'reason': exc},
            )
        except Exception:
            LOG.exception('Failed to make room for %s.', ', '.join(uuids))
        return None

    def _preempt(self, context, spec, uuids):
        """Plan and carry out, again on fresh facts while that can help."""
        deadline = time.monotonic() + CONF.opie.preemption_timeout_seconds
        # Raises RequestFilterFailed for a tenant who may not be served.
        request_filter.process_reqspec(context, spec)
        sources = snapshot.Sources(
            self.host_manager,
            placement.Placement(self.placement_client, context.global_id),
            self._providers,
            self.servicegroup_api,
        )
        spared = set()
        tried = collections.Counter()
        while (
            tried['plan'] < CONF.opie.max_plans_per_request
            and tried['race'] < _MAX_LOST_RACES
        ):
            attempt = tried.total() + 1
            own_spec = spec.obj_clone()
            try:
                job = self._plan_and_claim(
                    context,
                    own_spec,
                    uuids,
                    sources,
                    spared,
                    attempt,
                    deadline,
                )
                job.execution.evict()
            except executor.PlanAgain as exc:
                report.void(uuids, attempt, exc)
                spared |= exc.victims
                tried['race' if exc.is_race else 'plan'] += 1
                time.sleep(random.uniform(0, _MAX_PAUSE_SECONDS))
                continue
            self._conclude(context, own_spec, job)
            return [[selection] for selection in job.selections]
        raise Refused('no plan could be carried out')

    def _plan_and_claim(
        self, context, spec, uuids, sources, spared, attempt, deadline
    ):
        """Return a :class:`Job` whose claim is made.

        One thread of a worker does this at a time: requests that come
        together would all choose the same victims.

        :raises Refused: if no host can serve, it is too late, or in a dry run.
        :raises executor.PlanAgain: if the facts have changed meanwhile.
        """
        if not self._planning.acquire(timeout=deadline - time.monotonic()):
            raise Refused(_TOO_LATE)
        try:
            job = self._plan(context, spec, uuids, sources, spared)
            if time.monotonic() >= deadline:
                raise Refused(_TOO_LATE)
            if not snapshot.is_current(job.shot, job.plan, sources):
                raise executor.PlanAgain(
                    'the nominated hosts changed', is_race=True
                )
            job.execution = executor.Execution(
                job.shot,
                job.plan,
                sources.placement,
                self.servicegroup_api,
                (spec.project_id, _user_id(context, spec)),
                attempt,
                deadline,
            )
            job.execution.claim()
        finally:
            self._planning.release()
        return job

    def _plan(self, context, spec, uuids, sources, spared):
        """Return a :class:`Job` with a feasible plan, not yet claimed."""
        shot = snapshot.take(context.elevated(), spec, uuids, sources, spared)
        filters = dry_run.DryRun(spec, shot, self.host_manager)
        plan = planner.make_plan(
            shot.request,
            shot.hosts,
            cost.Cost(
                CONF.preemptible_count_weight_multiplier,
                CONF.preemptible_duration_weight_multiplier,
                CONF.opie.billing_period_seconds,
            ),
            filters,
        )
        if not plan.is_feasible:
            raise Refused(report.refused(shot, plan))
        report.planned(shot, plan, CONF.opie.dry_run)
        if CONF.opie.dry_run:
            raise Refused('[opie] dry_run is on')
        return Job(shot, plan, filters.select(plan))

    def _conclude(self, context, spec, job):
        """Do what nova's own scheduling does once hosts are selected.

        The room is made and claimed by now, so nothing of this may fail the
        request.
        """
        try:
            self._consume_and_notify(context, spec, job)
        except Exception:
            LOG.exception('Failed to note or notify a selection.')

    def _consume_and_notify(self, context, spec, job):
        if not self._watch.has_notified_start:
            self._notify(
                context, spec, 'start', fields.NotificationPhase.START
            )
        for nomination in job.plan.nominations:
            spec.instance_uuid = nomination.preemptor
            spec.obj_reset_changes(['instance_uuid'])
            self._consume_selected_host(
                job.shot.states[nomination.host],
                spec,
                instance_uuid=nomination.preemptor,
            )
        self._notify(context, spec, 'end', fields.NotificationPhase.END)

    def _notify(self, context, spec, phase_name, phase):
        self.notifier.info(
            context,
            'scheduler.select_destinations.%s' % phase_name,
            {'request_spec': spec.to_legacy_request_spec_dict()},
        )
        compute_utils.notify_about_scheduler_action(
            context=context,
            request_spec=spec,
            action=fields.NotificationAction.SELECT_DESTINATIONS,
            phase=phase,
        )


def _copy_for_pass_two(spec, uuids, return_objects):
    """Return a copy of a spec if it may come to pass 2, else None.

    Pass 1 leaves traces in the spec that would mislead pass 2.
    """
    try:
        if boot.is_candidate(spec, uuids, return_objects):
            return spec.obj_clone()
    except Exception:
        # nova may well be able to serve it.
        LOG.exception('Cannot tell whether a request may preempt.')
    return None


def _user_id(context, spec):
    # NOTE: as nova/scheduler/utils.py, for specs older than Rocky.
    if 'user_id' in spec and spec.user_id:
        return spec.user_id
    return context.user_id


def _dotted_path(instance):
    return '%s.%s' % (type(instance).__module__, type(instance).__qualname__)
