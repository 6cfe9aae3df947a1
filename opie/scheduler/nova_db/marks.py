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

"""The marks of servers, as nova's databases keep them.

A cell's database tells what flavors and system metadata say.  Hints are in the
API database, never change, and are read once per server.  All are column
queries, because an Instance object costs twenty times as much.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import json
import typing

from nova import context as nova_context
from nova.db.api import api as api_db
from nova.db.api import models as api_models
from nova.db.main import api as main_db
from nova.db.main import models as main_models
import sqlalchemy as sa

from opie.preemption import marks
from opie.scheduler import steps

# How many uuids or host names one query names at the most.
_BATCH = 1000
# A process forgets all hints when it knows this many; about 60 MB.
_MAX_CACHED_HINTS = 500_000


class HintCache:
    """Which servers have a true hint, for the life of a process."""

    def __init__(self) -> None:
        self._is_marked: dict[str, bool] = {}

    @steps.remembering
    def marked(
        self, context: nova_context.RequestContext, uuids: Collection[str]
    ) -> set[str]:
        """Return those of the uuids whose request had a true hint.

        :param context: a context for the API database.
        """
        if len(self._is_marked) > _MAX_CACHED_HINTS:
            self._is_marked = {}
        # A thread that is reading keeps its dict when another starts anew.
        is_marked = self._is_marked
        unknown = [uuid for uuid in uuids if uuid not in is_marked]
        for batch in batches(unknown):
            found = dict.fromkeys(batch, False)
            for uuid, spec in _specs_that_mention_it(context, batch):
                found[uuid] = _has_true_hint(spec)
            is_marked.update(found)
        return {uuid for uuid in uuids if is_marked[uuid]}


@main_db.pick_context_manager_reader
def read_servers(
    context: nova_context.RequestContext,
    columns: Sequence[typing.Any],
    *conditions: typing.Any,
) -> list[typing.Any]:
    """Return rows of a cell's servers, with what their marks could be.

    The rows are for :func:`has_flavor_mark` and :func:`has_metadata_mark`.

    :param context: a context targeted at the cell.
    :param columns: columns of ``instances`` that the rows begin with.
    :param conditions: which servers; all of these must hold.
    """
    server = main_models.Instance
    extra = main_models.InstanceExtra
    metadata = main_models.InstanceSystemMetadata
    mentions_it = extra.flavor.like('%"' + marks.FLAVOR_EXTRA_SPEC + '"%')
    return (
        context.session.query(
            *columns,
            sa.case((mentions_it, extra.flavor)).label('marked_flavor'),
            metadata.value.label('metadata_mark'),
        )
        .outerjoin(extra, extra.instance_uuid == server.uuid)
        .outerjoin(
            metadata,
            sa.and_(
                metadata.instance_uuid == server.uuid,
                metadata.key == marks.SYSTEM_METADATA_KEY,
                sa.or_(metadata.deleted == 0, server.deleted != 0),
            ),
        )
        .filter(*conditions)
        .all()
    )


@main_db.pick_context_manager_reader
def system_metadata(
    context: nova_context.RequestContext, uuid: str, key: str
) -> str | None:
    """Return an entry of the system metadata of a server.

    :param context: a context targeted at the server's cell.
    """
    metadata = main_models.InstanceSystemMetadata
    query = context.session.query(metadata.value).filter(
        metadata.instance_uuid == uuid,
        metadata.key == key,
        metadata.deleted == 0,
    )
    row = query.first()
    return row and row.value


def has_flavor_mark(row: typing.Any) -> bool:
    """Tell whether the flavor that a server has now makes it preemptible."""
    return marked_flavor_of(row) is not None


def marked_flavor_of(row: typing.Any) -> str | None:
    """Return the id of the flavor that makes a server preemptible, or None.

    That is by the copy which nova made when the server got the flavor.
    """
    if not row.marked_flavor:
        return None
    # NOTE: nova/objects/instance.py keeps the current, old and new flavor.
    flavor = json.loads(row.marked_flavor)['cur']
    if not flavor_is_marked(flavor):
        return None
    return flavor['nova_object.data']['flavorid']


def has_metadata_mark(row: typing.Any) -> bool:
    """Tell whether a server's system metadata makes it preemptible."""
    return bool(row.metadata_mark) and marks.is_marked(
        system_metadata={marks.SYSTEM_METADATA_KEY: row.metadata_mark}
    )


def flavor_is_marked(serialized_flavor: Mapping[str, typing.Any]) -> bool:
    """Tell whether a serialized Flavor object makes servers preemptible."""
    return marks.is_marked(
        extra_specs=serialized_flavor['nova_object.data'].get('extra_specs')
    )


@api_db.context_manager.reader
def _specs_that_mention_it(context, uuids):
    spec = api_models.RequestSpec
    return (
        context.session.query(spec.instance_uuid, spec.spec)
        .filter(
            spec.instance_uuid.in_(uuids),
            spec.spec.like('%"' + marks.HINT + '"%'),
        )
        .all()
    )


def _has_true_hint(spec):
    # NOTE: nova/objects/request_spec.py saves the serialized object.
    return marks.is_marked(
        hints=json.loads(spec)['nova_object.data'].get('scheduler_hints')
    )


def batches(items: list[str]) -> Iterator[list[str]]:
    """Yield slices of a list, each short enough for one query."""
    return (
        items[start : start + _BATCH] for start in range(0, len(items), _BATCH)
    )
