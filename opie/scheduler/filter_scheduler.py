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

import time

from nova import context as nova_context
from nova import exception
from nova.compute import utils as compute_utils
import nova.conf
from nova.objects import fields
from nova.scheduler import manager
from oslo_log import log as logging
import oslo_messaging as messaging
from oslo_service import periodic_task

import opie.conf
from opie.conf import threads
from opie.scheduler import errors
from opie.scheduler import host_parts
from opie.scheduler import startup
from opie.scheduler import steps
from opie.scheduler.nova_db import aggregates
from opie.scheduler.placement import client as placement
from opie.scheduler.preempting import alternates
from opie.scheduler.preempting import eligibility
from opie.scheduler.preempting import pass_one
from opie.scheduler.preempting import pass_two
from opie.scheduler.preempting import pending_in_pass_one
from opie.scheduler.preempting import still_wanted
from opie.scheduler.repair import reaper
from opie.scheduler.repair import served
from opie.scheduler.repair import unyielding

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

opie.conf.register_opts(CONF)

_INDEX_SPACING_SECONDS = 60
_NAMING_SPACING_SECONDS = 3600
# How often it is asked whether the interval of the option is over.
_REAPER_SPACING_SECONDS = 5


class FilterScheduler(manager.SchedulerManager):
    """The scheduler service's manager."""

    def __init__(self, *args, **kwargs):
        threads.widen_pool(CONF)
        startup.check_options()
        placement.limit_waiting()
        self._watch = pass_one.Watch()
        self._next_reap = 0
        super().__init__(*args, **kwargs)
        startup.check_host_manager(self)

    def init_host(self, service_ref):
        """Make what a worker keeps, once the worker is a process of its own.

        Nothing of it is made in __init__, because workers fork after that.
        """
        super().init_host(service_ref)
        aggregates.reread(self.host_manager)
        self._pass_two = pass_two.PassTwo(
            self.host_manager, self.servicegroup_api
        )
        self._served = served.Served()
        try:
            self._keep_index_fresh(nova_context.get_admin_context())
        except Exception:
            # A database that is away now may be back for the first request.
            LOG.exception(
                'Cannot read which servers are preemptible on which host.'
            )
        startup.announce(self)

    def set_shutdown_in_progress(self):
        """Read the options once more before the worker ends.

        NOTE: where services run in threads, oslo.service replaces the workers
        on SIGHUP and lets only the new ones know the options: see cotyledon's
        oslo_config_glue.py.  Preemption may have been switched off, and then
        this worker is to stop what it is at.  nova before 34 does not know
        of this.
        """
        parent = getattr(super(), 'set_shutdown_in_progress', lambda: None)
        parent()
        try:
            CONF.mutate_config_files()
        except Exception:
            LOG.exception('Cannot read the options again.')

    @periodic_task.periodic_task(spacing=_INDEX_SPACING_SECONDS)
    def _keep_index_fresh(self, context):
        """Read which servers are preemptible before a request waits for it."""
        self.host_manager.index.refresh(
            self.host_manager.enabled_cells, is_routine=True
        )

    @periodic_task.periodic_task(spacing=_INDEX_SPACING_SECONDS)
    def _keep_aggregates_fresh(self, context):
        """Read the aggregates, because a message about one may get lost."""
        aggregates.reread(self.host_manager)

    @periodic_task.periodic_task(spacing=_INDEX_SPACING_SECONDS)
    def _read_ahead(self, context):
        """Read what placement knows of hosts before a request waits for it."""
        self._pass_two.read_ahead(self.placement_client)

    @periodic_task.periodic_task(spacing=_NAMING_SPACING_SECONDS)
    def _name_unyielding(self, context):
        """Name preemptible servers that do not give way."""
        unyielding.name_them(self.host_manager)

    @periodic_task.periodic_task(spacing=_REAPER_SPACING_SECONDS)
    def _reap(self, context):
        """Finish or undo preemptions whose scheduler has stopped."""
        if time.monotonic() >= self._next_reap:
            self._next_reap = (
                time.monotonic() + CONF.opie.reaper_interval_seconds
            )
            self._reaper().run()

    @periodic_task.periodic_task(spacing=_REAPER_SPACING_SECONDS)
    def _look_after_served(self, context):
        """Give back what was claimed for preemptors that nova refused."""
        self._served.give_back_refused(self._reaper())

    def _reaper(self):
        client = placement.Client(self.placement_client)
        return reaper.Reaper(client, self.servicegroup_api)

    @property
    def placement_client(self):
        """nova's report client, with the watch of pass 1 around it."""
        return self._watch.client(super().placement_client)

    def _get_all_host_states(self, context, spec_obj, provider_summaries):
        """Return what nova does, with pending preemptors that matter."""
        seen = pending_in_pass_one.find(
            placement.Client(self.placement_client, context.global_id),
            context,
            spec_obj,
            self.host_manager,
        )
        states = super()._get_all_host_states(
            context, spec_obj, provider_summaries
        )
        return pending_in_pass_one.count(states, seen) if seen else states

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
        """Run pass 1, and pass 2 if pass 1 ends with NoValidHost.

        The parameters, the answer and what is raised are nova's.

        NOTE: nova/scheduler/manager.py lets oslo.messaging expect NoValidHost,
        so that it arrives here wrapped in ExpectedException.
        """
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
                selections = self._run_pass_two(
                    context, untouched, instance_uuids, return_alternates
                )
            if selections is None:
                raise
            return selections

    def _run_pass_two(self, context, spec, uuids, return_alternates):
        """Return selections, or None if the NoValidHost of pass 1 stands.

        :raises messaging.ExpectedException: if quota does not allow the
            servers; then the request ends as after nova's own check of that.
        """
        try:
            still_wanted.check_switch()
            preemptors = eligibility.preemptors(context, uuids)
            if preemptors is None:
                return None
            eligibility.check_operation(preemptors)
            if not self._watch.has_placement_answered:
                raise errors.NoRoomMade('placement did not answer')
            eligibility.check_policy(context, spec)
            attempt = self._pass_two.make_room(
                context,
                spec,
                preemptors,
                self.placement_client,
                self._watch.is_room_hidden,
            )
        except errors.NoRoomMade as exc:
            LOG.info(
                'No room is made for %(preemptors)s: %(reason)s.',
                {'preemptors': ', '.join(uuids), 'reason': exc},
            )
            if isinstance(exc, errors.QuotaExceeded):
                _raise_expected(exc.answer)
            return None
        except Exception:
            LOG.exception('Failed to make room for %s.', ', '.join(uuids))
            return None
        self._served.follow(attempt.placement_claim.preemptions)
        self._consume_and_notify(context, attempt)
        others = self._alternates(context, attempt, return_alternates)
        return _one_for_each(uuids, attempt, others)

    @steps.step('answers')
    def _alternates(self, context, attempt, are_wanted):
        """Return cell to alternates, empty if none are wanted."""
        return alternates.find(self, context, attempt) if are_wanted else {}

    @steps.step('answers')
    def _consume_and_notify(self, context, attempt):
        """Do what nova's own scheduling does once hosts are selected.

        The room is made and claimed by now, so nothing of this may fail the
        request.
        """
        spec = attempt.shot.spec
        try:
            if not self._watch.has_notified_start:
                self._notify(
                    context, spec, 'start', fields.NotificationPhase.START
                )
            for nomination in attempt.plan.nominations:
                self._consume(attempt.shot.states, spec, nomination)
            self._notify(context, spec, 'end', fields.NotificationPhase.END)
        except Exception:
            LOG.exception('Failed to note or notify a selection.')

    def _consume(self, states, spec, nomination):
        spec.instance_uuid = nomination.preemptor
        spec.obj_reset_changes(['instance_uuid'])
        state = states[nomination.provider]
        if host_parts.are_asked_for(spec):
            # The parts that the preemptor gets are those of its victims.
            state = state.without_parts()
        self._consume_selected_host(
            state, spec, instance_uuid=nomination.preemptor
        )

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
        if eligibility.may_preempt(spec, uuids, return_objects):
            return spec.obj_clone()
    except Exception:
        # nova may well be able to serve it.
        LOG.exception('Cannot tell whether a request may preempt.')
    return None


def _raise_expected(error):
    """Raise an error as one that oslo.messaging does not log."""
    try:
        raise error
    except Exception as exc:
        raise messaging.ExpectedException from exc


def _one_for_each(uuids, attempt, others):
    """Return, for each server in order, its Selection and its alternates.

    NOTE: nova/conductor/manager.py matches them by position, and builds no
    server that was deleted meanwhile, so any Selection does for one of these.

    :param others: uuid of a cell to the alternates there.
    """
    selections = {
        nomination.preemptor: selection
        for nomination, selection in zip(
            attempt.plan.nominations, attempt.selections, strict=True
        )
    }
    chosen = [selections.get(uuid, attempt.selections[0]) for uuid in uuids]
    return [[one, *others.get(one.cell_uuid, ())] for one in chosen]
