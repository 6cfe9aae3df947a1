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


"""Reads host aggregates, which nova tells schedulers of by messages.

A scheduler that is about to reconnect misses a message, and an older one may
come late.
"""

from __future__ import annotations

import collections
from collections.abc import Collection
import copy
import typing

from nova import context as nova_context
from nova.db.api import api as api_db
from nova.db.api import models as api_models
from nova.scheduler import host_manager as nova_host_manager
from oslo_log import log as logging

LOG = logging.getLogger(__name__)


class Mark(typing.NamedTuple):
    """What the metadata of an aggregate says of hosts.

    :ivar aggregate: the name of the aggregate.
    :ivar hosts: names of compute services.
    """

    aggregate: str
    value: str
    hosts: frozenset[str]


@api_db.context_manager.reader
def marks_on(
    context: nova_context.RequestContext, hosts: Collection[str], key: str
) -> list[Mark]:
    """Return what aggregates say of some hosts now.

    :param context: a context for the API database.
    :param hosts: names of compute services.
    :param key: of their metadata.
    """
    aggregate = api_models.Aggregate
    member, metadata = api_models.AggregateHost, api_models.AggregateMetadata
    query = (
        context.session.query(aggregate.name, metadata.value, member.host)
        .join(member, member.aggregate_id == aggregate.id)
        .join(metadata, metadata.aggregate_id == aggregate.id)
        .filter(member.host.in_(hosts), metadata.key == key)
    )
    return [Mark(row.name, row.value, frozenset([row.host])) for row in query]


def marks_known(
    host_manager: nova_host_manager.HostManager, key: str
) -> list[Mark]:
    """Return what aggregates say of all hosts, as nova has told it."""
    return [
        Mark(one.name, one.metadata[key], frozenset(one.hosts))
        # A copy: other threads change it as aggregates change.
        for one in list(host_manager.aggs_by_id.values())
        if key in one.metadata
    ]


def reread(host_manager: nova_host_manager.HostManager) -> None:
    """Let a HostManager know the aggregates as they are now.

    NOTE: nova/scheduler/host_manager.py reads them before workers fork, and a
    change is told to the workers that live then.  So a worker that is forked
    later, on SIGHUP for instance, knows the aggregates of the service's start.
    """
    before = dict(host_manager.aggs_by_id)
    # A copy, because other threads look at the aggregates meanwhile.
    own = copy.copy(host_manager)
    own.aggs_by_id = {}
    own.host_aggregates_map = collections.defaultdict(set)
    try:
        own._init_aggregates()
    except Exception:
        # Old ones are better than none: they may protect servers.
        LOG.exception('Cannot read the host aggregates.')
        return
    _follow(own, before, dict(host_manager.aggs_by_id))
    host_manager.aggs_by_id = own.aggs_by_id
    host_manager.host_aggregates_map = own.host_aggregates_map


def _follow(
    host_manager: nova_host_manager.HostManager,
    before: dict[int, typing.Any],
    now: dict[int, typing.Any],
) -> None:
    """Note what nova has told while the aggregates were read."""
    for number, aggregate in before.items():
        if number not in now:
            host_manager.delete_aggregate(aggregate)
    for number, aggregate in now.items():
        if before.get(number) is not aggregate:
            host_manager.update_aggregates(aggregate)
