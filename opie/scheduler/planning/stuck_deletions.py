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

"""Which hosts do not delete what they were asked to.

A compute that hangs is up for nova for a while, and so is one whose hypervisor
hangs.  What such a host was asked to delete it deletes when it returns.  So no
other server is evicted there as long as a victim of opie's is stuck.  nova's
records tell every worker.
"""

from collections.abc import Iterable
import time

from nova.compute import task_states
import nova.conf
from oslo_log import log as logging

from opie.scheduler.nova_db import preemptibles

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)


class StuckDeletions:
    """The victims that are stuck, as one worker has found them."""

    def __init__(self) -> None:
        self._logged: frozenset[str] = frozenset()

    def hosts(
        self, servers: Iterable[preemptibles.PreemptibleServer]
    ) -> frozenset[str]:
        """Return the names of the hosts where a victim is stuck.

        :param servers: those that opie has asked nova to delete.
        """
        stuck = {
            server.uuid: server for server in servers if _is_stuck(server)
        }
        for uuid in sorted(stuck.keys() - self._logged):
            LOG.warning(
                '%(host)s has not deleted %(victim)s within [opie] '
                'stuck_deletion_seconds (%(seconds)d): no other server is '
                'evicted there until it has.',
                {
                    'host': stuck[uuid].host,
                    'victim': uuid,
                    'seconds': CONF.opie.stuck_deletion_seconds,
                },
            )
        self._logged = frozenset(stuck)
        return frozenset(server.host for server in stuck.values())


def is_overdue(asked_at: float) -> bool:
    """Tell whether a deletion takes so long that it counts as stuck.

    :param asked_at: when it was asked for, in seconds since the epoch.
    """
    return time.time() >= asked_at + CONF.opie.stuck_deletion_seconds


def _is_stuck(server: preemptibles.PreemptibleServer) -> bool:
    return (
        server.task_state == task_states.DELETING
        and server.asked_to_delete_at is not None
        and is_overdue(server.asked_to_delete_at)
    )
