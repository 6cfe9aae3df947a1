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

"""What a cell's database says of the states and the migrations of servers.

Every function takes a context that is targeted at the cell.
"""

from collections.abc import Collection

from nova import context as nova_context
from nova.db.main import api as main_db
from nova.db.main import models as main_models

# NOTE: as nova/db/main/api.py lists them for
# MigrationList.get_in_progress_by_instance.
_MIGRATION_IN_PROGRESS = ('queued', 'preparing', 'running', 'post-migrating')
# NOTE: as nova/compute/api.py looks for a resize to confirm.
_MIGRATION_UNCONFIRMED = ('finished', 'confirming')


@main_db.pick_context_manager_reader
def states_of(
    context: nova_context.RequestContext, uuids: Collection[str]
) -> dict[str, tuple[str, str | None]]:
    """Return uuid to (vm_state, task_state) of the servers not yet gone."""
    columns = main_models.Instance
    query = context.session.query(
        columns.uuid, columns.vm_state, columns.task_state
    ).filter(columns.uuid.in_(uuids), columns.deleted == 0)
    return {row.uuid: (row.vm_state, row.task_state) for row in query}


@main_db.pick_context_manager_reader
def deleted_of(
    context: nova_context.RequestContext, uuids: Collection[str]
) -> set[str]:
    """Return those of some uuids whose servers have been deleted."""
    server = main_models.Instance
    query = context.session.query(server.uuid).filter(
        server.uuid.in_(uuids), server.deleted != 0
    )
    return {row.uuid for row in query}


@main_db.pick_context_manager_reader
def in_migration(
    context: nova_context.RequestContext, uuids: Collection[str] | None = None
) -> set[str]:
    """Return the uuids of servers with a migration in progress.

    The migration may be a stale one, of a server whose state was reset.

    :param uuids: servers to ask about, None for all of the cell.
    """
    migration = main_models.Migration
    query = context.session.query(migration.instance_uuid).filter(
        migration.deleted == 0, migration.status.in_(_MIGRATION_IN_PROGRESS)
    )
    if uuids is not None:
        query = query.filter(migration.instance_uuid.in_(uuids))
    return {row.instance_uuid for row in query}


@main_db.pick_context_manager_reader
def resized_from(context: nova_context.RequestContext, uuid: str) -> set[str]:
    """Return the hosts that a server's unconfirmed resizes came from."""
    migration = main_models.Migration
    query = context.session.query(migration.source_compute).filter(
        migration.deleted == 0,
        migration.instance_uuid == uuid,
        migration.status.in_(_MIGRATION_UNCONFIRMED),
    )
    return {row.source_compute for row in query}
