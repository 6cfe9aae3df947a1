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

"""The places that servers have left by a resize or a migration for now.

Until its user confirms the move, the migration holds the old place, so that
the server can go back there.
"""

from __future__ import annotations

from collections.abc import Collection
import typing

from nova import context as nova_context
from nova.db.main import api as main_db
from nova.db.main import models as main_models

from opie.scheduler.nova_db import marks

# NOTE: nova/compute/manager.py ends a live migration or an evacuation with
# other states than this.
_UNCONFIRMED = 'finished'
_TYPES = ('resize', 'migration')


class OldPlace(typing.NamedTuple):
    """An old place.

    :ivar server: uuid of the server.
    :ivar migration: uuid of the migration, which is a consumer of placement.
    :ivar host: the compute service.
    :ivar node: the hypervisor's name.
    """

    server: str
    migration: str
    host: str
    node: str


def read(
    context: nova_context.RequestContext, servers: Collection[str]
) -> list[OldPlace]:
    """Return the old places of some servers.

    :param context: a context targeted at the servers' cell.
    :param servers: uuids of servers that are resized.
    """
    return [
        OldPlace(*row)
        for batch in marks.batches(sorted(servers))
        for row in _read(context, batch)
    ]


@main_db.pick_context_manager_reader
def _read(
    context: nova_context.RequestContext, servers: list[str]
) -> list[typing.Any]:
    # NOTE: nova/db/main/models.py has an index of the first three.
    migration = main_models.Migration
    return (
        context.session.query(
            migration.instance_uuid,
            migration.uuid,
            migration.source_compute,
            migration.source_node,
        )
        .filter(
            migration.deleted == 0,
            migration.instance_uuid.in_(servers),
            migration.status == _UNCONFIRMED,
            migration.migration_type.in_(_TYPES),
        )
        .all()
    )
