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

"""Which servers opie has asked nova to delete, by their actions.

A deletion takes a moment, or hangs, or fails: then nova leaves the server in
ERROR.  The action that each eviction records with its victim tells these
servers from those that their users delete.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
import typing

from nova import context as nova_context
from nova.compute import task_states
from nova.compute import vm_states
from nova.db.main import api as main_db
from nova.db.main import models as main_models
from oslo_utils import timeutils
import sqlalchemy as sa

from opie.scheduler.nova_db import first_launches
from opie.scheduler.nova_db import instances

# How long a guest that is gone tells that its host works.  A host on which
# many servers are evicted deletes one more often, and elsewhere one victim
# more waits for another one.
_LATELY_SECONDS = 5


def column() -> typing.Any:
    """Return what a query of servers needs for :func:`asked_at`.

    The database reads the actions only of servers that are being deleted or
    are in ERROR, by the index of their uuids.
    """
    server = main_models.Instance
    may_be_one = sa.or_(
        server.task_state == task_states.DELETING,
        server.vm_state == vm_states.ERROR,
    )
    return sa.case((may_be_one, _asked_at())).label('asked_to_delete_at')


def _asked_at() -> typing.Any:
    server, action = main_models.Instance, main_models.InstanceAction
    return (
        sa.select(sa.func.max(action.start_time))
        .where(
            action.instance_uuid == server.uuid,
            action.action == instances.ACTION,
        )
        .correlate(server)
        .scalar_subquery()
    )


def asked_at(row: typing.Any) -> float | None:
    """Return when opie has asked to delete a server, None if it has not.

    :param row: with :func:`column`.
    :returns: in seconds since the epoch; of a server that is neither being
        deleted nor in ERROR, None in any case.
    """
    if row.asked_to_delete_at is None:
        return None
    return first_launches.epoch(row.asked_to_delete_at)


@dataclasses.dataclass(frozen=True)
class OnHost:
    """What becomes of deletions on a host.

    Times are in seconds since the epoch.

    :ivar asked: uuid to when opie has asked to delete the server, of those
        that are still being deleted.
    :ivar ended_at: when the compute was last done with the guest of a server
        that it deleted, of any server; None if it was not of late.
    """

    asked: dict[str, float]
    ended_at: float | None

    @property
    def has_ended_lately(self) -> bool:
        """Whether the compute was done with a guest just now."""
        return (
            self.ended_at is not None
            and self.ended_at >= time.time() - _LATELY_SECONDS
        )


@main_db.pick_context_manager_reader
def on_host(
    cell_context: nova_context.RequestContext, host: str, seconds: float
) -> OnHost:
    """Read what becomes of deletions on a host.

    :param cell_context: a context targeted at its cell.
    :param host: the name of its compute service.
    :param seconds: how long ago a deletion may have ended.
    """
    # NOTE: nova/db/main/models.py has indices of the host with "deleted", and
    # of the time of the last change, which is that of the deletion's end.
    server = main_models.Instance
    asked_at = _asked_at()
    asked = cell_context.session.query(
        server.uuid, asked_at.label('asked_to_delete_at')
    ).filter(
        server.host == host,
        server.deleted == 0,
        server.task_state == task_states.DELETING,
        asked_at.isnot(None),
    )
    since = timeutils.utcnow() - datetime.timedelta(seconds=seconds)
    ended_at = (
        cell_context.session.query(sa.func.max(server.updated_at))
        .filter(
            server.updated_at >= since,
            server.host == host,
            # NOTE: nova/compute/manager.py says so once the guest is gone,
            # which may be long before it has freed everything and ends the
            # record.
            sa.or_(
                server.deleted != 0,
                server.vm_state == vm_states.DELETED,
            ),
        )
        .scalar()
    )
    return OnHost(
        {
            row.uuid: first_launches.epoch(row.asked_to_delete_at)
            for row in asked
        },
        ended_at and first_launches.epoch(ended_at),
    )
