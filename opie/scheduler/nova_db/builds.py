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

"""Reads the build requests of servers that wait for their first host."""

from __future__ import annotations

from collections.abc import Collection
import json
import typing

from nova import context as nova_context
from nova.db.api import api as api_db
from nova.db.api import models as api_models


class Usage(typing.NamedTuple):
    """What nova's quota counts of a user, by nova's names; RAM is in MB."""

    user_id: str
    instances: int
    cores: int
    ram: int


@api_db.context_manager.reader
def waiting(
    context: nova_context.RequestContext,
    project_id: str,
    uuids: Collection[str],
) -> dict[str, Usage]:
    """Return those of some servers that a project still waits for.

    :param context: a context for the API database.
    :returns: uuid to what nova will count when the server has a record.
    """
    build = api_models.BuildRequest
    query = context.session.query(build.instance_uuid, build.instance).filter(
        build.project_id == project_id, build.instance_uuid.in_(uuids)
    )
    return {row.instance_uuid: _usage(row.instance) for row in query}


def _usage(serialized: str) -> Usage:
    # NOTE: nova/objects/build_request.py keeps the serialized Instance.
    data = json.loads(serialized)['nova_object.data']
    return Usage(data['user_id'], 1, data['vcpus'], data['memory_mb'])
