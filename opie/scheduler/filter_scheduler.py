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


class Refused(Exception):
    """Pass 2 cannot help; the text says why, for the operator's log."""


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
        is_candidate = boot.is_candidate(
            spec_obj, instance_uuids, return_objects
        )
        # Pass 1 leaves traces in the spec that would mislead pass 2.
        untouched = spec_obj.obj_clone() if is_candidate else None
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
            if is_candidate and isinstance(
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
        client = placement.Placement(self.placement_client, context.global_id)
        spared = set()
        for attempt in range(1, CONF.opie.max_plans_per_request + 1):
            own_spec = spec.obj_clone()
            shot, filters, plan = self._plan(
                context, own_spec, uuids, client, spared
            )
            selections = filters.select(plan)
            try:
                executor.Execution(
                    shot,
                    plan,
                    client,
                    self.servicegroup_api,
                    (spec.project_id, _user_id(context, spec)),
                    attempt,
                    deadline,
                ).run()
            except executor.PlanAgain as exc:
                LOG.info(
                    'Plan %(attempt)d for %(preemptors)s is void: %(reason)s.',
                    {
                        'attempt': attempt,
                        'preemptors': ', '.join(uuids),
                        'reason': exc,
                    },
                )
                spared |= {exc.victim} - {None}
                continue
            self._conclude(context, own_spec, shot, plan)
            return [[selection] for selection in selections]
        raise Refused('[opie] max_plans_per_request were tried')

    def _plan(self, context, spec, uuids, client, spared):
        """Return (snapshot, dry run, feasible plan).

        :raises Refused: if no host can serve, or in a dry run.
        """
        sources = snapshot.Sources(
            self.host_manager, client, self._providers, self.servicegroup_api
        )
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
        return shot, filters, plan

    def _conclude(self, context, spec, shot, plan):
        """Do what nova's own scheduling does once hosts are selected."""
        if not self._watch.has_notified_start:
            self._notify(
                context, spec, 'start', fields.NotificationPhase.START
            )
        for nomination in plan.nominations:
            spec.instance_uuid = nomination.preemptor
            spec.obj_reset_changes(['instance_uuid'])
            self._consume_selected_host(
                shot.states[nomination.host],
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


def _user_id(context, spec):
    # NOTE: as nova/scheduler/utils.py, for specs older than Rocky.
    if 'user_id' in spec and spec.user_id:
        return spec.user_id
    return context.user_id


def _dotted_path(instance):
    return '%s.%s' % (type(instance).__module__, type(instance).__qualname__)
