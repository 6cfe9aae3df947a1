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

import typing

from nova.compute import task_states
from nova.compute import vm_states
from nova.db.main import models as main_models
import sqlalchemy as sa

from opie.scheduler.nova_db import first_launches
from opie.scheduler.nova_db import instances


def column() -> typing.Any:
    """Return what a query of servers needs for :func:`asked_at`.

    The database reads the actions only of servers that are being deleted or
    are in ERROR, by the index of their uuids.
    """
    server, action = main_models.Instance, main_models.InstanceAction
    began = (
        sa.select(sa.func.max(action.start_time))
        .where(
            action.instance_uuid == server.uuid,
            action.action == instances.ACTION,
        )
        .correlate(server)
        .scalar_subquery()
    )
    may_be_one = sa.or_(
        server.task_state == task_states.DELETING,
        server.vm_state == vm_states.ERROR,
    )
    return sa.case((may_be_one, began)).label('asked_to_delete_at')


def asked_at(row: typing.Any) -> float | None:
    """Return when opie has asked to delete a server, None if it has not.

    :param row: with :func:`column`.
    :returns: in seconds since the epoch; of a server that is neither being
        deleted nor in ERROR, None in any case.
    """
    if row.asked_to_delete_at is None:
        return None
    return first_launches.epoch(row.asked_to_delete_at)
