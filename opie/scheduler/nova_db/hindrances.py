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

"""What keeps servers from giving way: tasks that last, guests that take long.

Only the servers that were found to be preemptible are asked about.
"""

from __future__ import annotations

from collections.abc import Collection
import datetime
import typing

from nova import context as nova_context
from nova.compute import task_states
from nova.db.main import api as main_db
from nova.db.main import models as main_models

from opie.scheduler.nova_db import marks

# NOTE: nova/utils.py keeps a property of the image under this name.
_SHUTDOWN_TIMEOUT = 'image_os_shutdown_timeout'
_LEAVING = (task_states.DELETING, task_states.SOFT_DELETING)


class Task(typing.NamedTuple):
    """A task that nova is at with a server.

    :ivar since: when the server's record has changed last; naive, in UTC.
    """

    server: str
    host: str
    name: str
    since: datetime.datetime


def tasks_since(
    context: nova_context.RequestContext,
    servers: Collection[str],
    before: datetime.datetime,
) -> list[Task]:
    """Return tasks of some servers that have lasted long, but no deletions.

    :param context: a context targeted at the servers' cell.
    :param servers: their uuids.
    :param before: when a task has to have begun; naive, in UTC.
    """
    return [
        Task(row.uuid, row.host, row.task_state, row.updated_at)
        for batch in marks.batches(sorted(servers))
        for row in _read_tasks(context, batch, before)
    ]


@main_db.pick_context_manager_reader
def _read_tasks(
    context: nova_context.RequestContext,
    servers: list[str],
    before: datetime.datetime,
) -> list[typing.Any]:
    server = main_models.Instance
    return (
        context.session.query(
            server.uuid, server.host, server.task_state, server.updated_at
        )
        .filter(
            server.uuid.in_(servers),
            server.deleted == 0,
            server.task_state.isnot(None),
            server.task_state.notin_(_LEAVING),
            server.updated_at < before,
        )
        .all()
    )


def shutdown_timeouts(
    context: nova_context.RequestContext, servers: Collection[str]
) -> dict[str, int]:
    """Return server to seconds, of those whose images set a time.

    :param context: a context targeted at the servers' cell.
    :param servers: their uuids.
    """
    seconds = {}
    for batch in marks.batches(sorted(servers)):
        for row in _read_timeouts(context, batch):
            try:
                seconds[row.instance_uuid] = int(row.value)
            except (TypeError, ValueError):
                # nova takes its own option instead.
                continue
    return seconds


@main_db.pick_context_manager_reader
def _read_timeouts(
    context: nova_context.RequestContext, servers: list[str]
) -> list[typing.Any]:
    metadata = main_models.InstanceSystemMetadata
    return (
        context.session.query(metadata.instance_uuid, metadata.value)
        .filter(
            metadata.instance_uuid.in_(servers),
            metadata.key == _SHUTDOWN_TIMEOUT,
            metadata.deleted == 0,
        )
        .all()
    )
