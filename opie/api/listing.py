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

"""Has nova list only preemptible servers, or only normal ones.

The choice goes into nova's own queries.  So a page is as full as with any
filter of nova's, and limits, markers and links mean what they mean there.
nova knows no such filter: the marks are not where its queries look.

A page costs two reads of nova's, of a page and of a long page.  If both have
too few servers of the kind, the uuids of all servers behind these are read in
nova's order, and their marks; nova then reads what it is to list by uuid.
"""

from nova import exception
from nova.compute import instance_list
from nova.db import utils as db_utils
from nova.db.main import api as main_db
from nova.db.main import models as main_models
from nova.objects import build_request
from oslo_db.sqlalchemy import utils as sqlalchemyutils
from oslo_utils import timeutils

from opie.api import lookup
from opie.scheduler.nova_db import marks

# nova copies the context of a request with what is in it.
_WANTED = 'opie_wanted'
_LONG_PAGE = 1000


def choose(context, wanted):
    """Have all lists of a request show servers of one kind.

    :param wanted: True for preemptible servers, False for normal ones.
    """
    setattr(context, _WANTED, wanted)


class _Choice:
    """Reads the records of one listing, and passes over the other kind.

    :ivar error: why the marks could not be read, None if they could.
    """

    def __init__(self, wanted, lister):
        self._wanted = wanted
        self._sort_context = lister.sort_ctx
        self._read = lister.get_by_filters
        # The uuids of servers behind which there is none of the kind.
        self._last = set()
        self.error = None

    def get_by_filters(self, ctx, filters, limit, marker, **kwargs):
        """Return records of a cell, fewer than the limit at its end only."""

        def read(limit, marker, **more):
            return self._read(
                ctx, {**filters, **more}, limit, marker, **kwargs
            )

        if marker in self._last:
            # nova asks a cell until the cell has nothing more.
            return []
        found = self._page(ctx, filters, limit, marker, read)
        if found and limit and len(found) < limit:
            self._last.add(found[-1]['uuid'])
        return found

    def _page(self, ctx, filters, limit, marker, read):
        found = []
        for size in (limit, limit and max(limit, _LONG_PAGE)):
            rows = read(size, marker)
            kept = set(self._of_kind(ctx, [row['uuid'] for row in rows]))
            found += [row for row in rows if row['uuid'] in kept]
            if not size or len(rows) < size or len(found) >= limit:
                return found[:limit]
            marker = rows[-1]['uuid']
        return found + self._rest(
            ctx, filters, limit - len(found), marker, read
        )

    def _rest(self, context, filters, limit, marker, read):
        """Return records behind a marker, however far away the next one is."""
        scope = _scope(filters)
        uuids = _uuids_behind(context, scope, self._sort_context, marker)
        kept = _allowed(filters, self._of_kind(context, uuids, scope))
        found = []
        for batch in marks.batches(kept):
            found += read(limit - len(found), None, uuid=batch)
            if len(found) >= limit:
                break
        return found

    def _of_kind(self, context, uuids, scope=None):
        try:
            preemptible = lookup.preemptible_in_cell(context, uuids, scope)
        except Exception as error:
            self.error = error
            raise
        return [
            uuid for uuid in uuids if (uuid in preemptible) is self._wanted
        ]


def _allowed(filters, uuids):
    """Return those of the uuids that a filter by uuid lets through."""
    if 'uuid' not in filters:
        return uuids
    of_filter = filters['uuid']
    allowed = {of_filter} if isinstance(of_filter, str) else set(of_filter)
    return [uuid for uuid in uuids if uuid in allowed]


def _scope(filters):
    """Return conditions on the servers that nova would list, and some more.

    Of nova's filters only those count that leave out many, with an index.
    """
    server = main_models.Instance
    conditions = []
    if filters.get('deleted') is False:
        conditions.append(server.deleted == 0)
    if isinstance(filters.get('project_id'), str):
        conditions.append(server.project_id == filters['project_id'])
    if filters.get('changes-since'):
        since = timeutils.normalize_time(filters['changes-since'])
        conditions.append(server.updated_at >= since)
    return conditions


@main_db.pick_context_manager_reader
def _uuids_behind(context, scope, sort_context, marker):
    """Return uuids of servers in nova's order, those behind a marker."""
    server = main_models.Instance
    # NOTE: as nova/db/main/api.py does.
    keys, directions = db_utils.process_sort_params(
        sort_context.sort_keys, sort_context.sort_dirs, default_dir='desc'
    )
    last = (
        context.session.query(*(getattr(server, key) for key in keys))
        .filter(server.uuid == marker)
        .first()
    )
    if last is None:
        raise exception.MarkerNotFound(marker=marker)
    query = sqlalchemyutils.paginate_query(
        context.session.query(server.uuid).filter(*scope),
        server,
        None,
        keys,
        last,
        sort_dirs=directions,
    )
    return [row.uuid for row in query]


def _choosy_records(real):
    """Return what lists servers in cells, of one kind where that is wanted."""

    def get_instances_sorted(ctx, *args, **kwargs):
        lister, records = real(ctx, *args, **kwargs)
        wanted = getattr(ctx, _WANTED, None)
        if wanted is None:
            return lister, records
        choice = _Choice(wanted, lister)
        # Before the first record is read.
        lister.get_by_filters = choice.get_by_filters
        return lister, _checked(records, choice)

    return get_instances_sorted


def _checked(records, choice):
    """Yield the records.

    NOTE: nova/compute/multi_cell_list.py takes every error for that of a cell,
    whose servers it leaves out.

    :raises oslo_db.exception.DBError: when the marks could not be read.
    """
    yield from records
    if choice.error is not None:
        raise choice.error


def _choosy_requests(real):
    """Return what lists build requests, of one kind where that is wanted."""

    def get_by_filters(context, filters, limit=None, **kwargs):
        wanted = getattr(context, _WANTED, None)
        if wanted is None or limit == 0:
            return real(context, filters, limit=limit, **kwargs)
        requests = real(context, filters, **kwargs)
        uuids = [request.instance_uuid for request in requests]
        servers = lookup.find(uuids)
        requests.objects = [
            request
            for request in requests
            if request.instance_uuid in servers
            and servers[request.instance_uuid].is_preemptible is wanted
        ][:limit]
        return requests

    return get_by_filters


instance_list.get_instances_sorted = _choosy_records(
    instance_list.get_instances_sorted
)
build_request.BuildRequestList.get_by_filters = _choosy_requests(
    build_request.BuildRequestList.get_by_filters
)
