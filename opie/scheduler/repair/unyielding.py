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

"""Names preemptible servers that do not give way, or not soon.

A server that nova is busy with is no victim.  An operator has to know of those
that stay so for long, and of those whose users can keep nova busy.
"""

from __future__ import annotations

from collections.abc import Sequence
import datetime

from nova import context as nova_context
import nova.conf
from oslo_log import log as logging
from oslo_utils import timeutils

from opie.scheduler import host_manager as host_managers
from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import hindrances
from opie.scheduler.nova_db import preemptibles

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

# How many servers a line of the log names at the most.
_MOST_NAMED = 50

_Servers = dict[str, preemptibles.PreemptibleServer]


def name_them(host_manager: host_managers.HostManager) -> None:
    """Name them in the log, as far as their cells answer."""
    by_cell = host_manager.index.by_cell()
    busy: list[str] = []
    slow: list[str] = []

    def read(context: nova_context.RequestContext) -> None:
        here = by_cell[context.cell_uuid]
        busy.extend(_busy_ones(context, here))
        slow.extend(_slow_ones(context, here))

    cells.ask(
        [
            cell
            for cell in host_manager.enabled_cells
            if by_cell.get(cell.uuid)
        ],
        read,
    )
    _warn(
        'nova has been busy with preemptible servers, which are no victims '
        'meanwhile, for longer than [opie] busy_warning_seconds (%(most)d): '
        '%(servers)s.',
        CONF.opie.busy_warning_seconds,
        busy,
    )
    _warn(
        'The guests of preemptible servers may take longer to shut down than '
        '[opie] max_shutdown_timeout_seconds (%(most)d), by the property '
        'os_shutdown_timeout of their images: %(servers)s.',
        CONF.opie.max_shutdown_timeout_seconds,
        slow,
    )


def _busy_ones(
    context: nova_context.RequestContext, here: _Servers
) -> list[str]:
    """Return texts about the servers of a cell that nova is busy with."""
    most = CONF.opie.busy_warning_seconds
    some = [uuid for uuid, server in here.items() if server.task_state]
    if not most or not some:
        return []
    now = timeutils.utcnow()
    before = now - datetime.timedelta(seconds=most)
    return [
        '%s on %s (%s, for %d s)'
        % (
            task.server,
            task.host,
            task.name,
            (now - timeutils.normalize_time(task.since)).total_seconds(),
        )
        for task in hindrances.tasks_since(context, some, before)
    ]


def _slow_ones(
    context: nova_context.RequestContext, here: _Servers
) -> list[str]:
    """Return texts about the servers of a cell whose guests may take long."""
    most = CONF.opie.max_shutdown_timeout_seconds
    if not most:
        return []
    found = hindrances.shutdown_timeouts(context, here)
    return [
        '%s on %s (%d s)' % (uuid, here[uuid].host, seconds)
        for uuid, seconds in sorted(found.items())
        if seconds > most
    ]


def _warn(text: str, most: int, servers: Sequence[str]) -> None:
    if not servers:
        return
    named = ', '.join(servers[:_MOST_NAMED])
    if len(servers) > _MOST_NAMED:
        named += ' and %d more' % (len(servers) - _MOST_NAMED)
    LOG.warning(text, {'most': most, 'servers': named})
