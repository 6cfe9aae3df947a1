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

"""When servers were launched first, which no user can change.

nova keeps the time of the last launch only: it is set anew when a server is
rescued, resized, reverted or unshelved.  The end of the build is in the
server's action ``create``.  The build may have begun long before, because it
may wait for its turn or for its volumes, so the server's creation is not the
same.
"""

from __future__ import annotations

import datetime
import typing

from nova.compute import vm_states
import nova.conf
from nova.db.main import models as main_models
from oslo_utils import timeutils
import sqlalchemy as sa

CONF = nova.conf.CONF

# NOTE: nova/compute/utils.py names an event after the method of
# nova/compute/manager.py that it tells of.
_BUILD_EVENT = 'compute__do_build_and_run_instance'
_CREATE_ACTION = 'create'
_EPOCH = datetime.datetime(1970, 1, 1)


def columns() -> tuple[typing.Any, ...]:
    """Return what a query of servers needs for :func:`protected_since`.

    The database reads the action only of servers that were launched so lately
    that it matters.  Indices of both tables serve that.
    """
    server = main_models.Instance
    return server.created_at, _built_at(server).label('built_at')


def _built_at(server: typing.Any) -> typing.Any:
    seconds = CONF.opie.min_runtime_seconds
    if not seconds:
        return sa.null()
    action, event = main_models.InstanceAction, main_models.InstanceActionEvent
    # The last one of a build that was tried on several hosts.
    built_at = (
        sa.select(sa.func.max(event.finish_time))
        .join(action, event.action_id == action.id)
        .where(
            action.instance_uuid == server.uuid,
            action.action == _CREATE_ACTION,
            event.event == _BUILD_EVENT,
        )
        .correlate(server)
        .scalar_subquery()
    )
    since = timeutils.utcnow() - datetime.timedelta(seconds=seconds)
    return sa.case((server.launched_at >= since, built_at))


def protected_since(row: typing.Any) -> float | None:
    """Return from when on the time of a server's protection counts.

    That is its first launch, or its creation if nova tells of no launch.

    :param row: with :func:`columns`, ``launched_at`` and ``vm_state``.
    :returns: in seconds since the epoch, None while the server is being built.
    """
    if row.launched_at is None and row.vm_state == vm_states.BUILDING:
        return None
    # nova may tell of an end of a build that was followed by no launch.
    built_at = row.launched_at and row.built_at
    times = [row.launched_at, built_at or row.created_at]
    return min(epoch(moment) for moment in times if moment is not None)


def epoch(moment: datetime.datetime) -> float:
    """Return a time of nova's in seconds since the epoch."""
    # NOTE: nova keeps naive times, in UTC.
    return (timeutils.normalize_time(moment) - _EPOCH).total_seconds()
