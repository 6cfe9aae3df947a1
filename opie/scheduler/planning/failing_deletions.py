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

"""Whether deletions fail everywhere, so that no server is to be evicted.

Where neutron or cinder is away, nova destroys the guest of each victim and
then fails to delete the server.  Every eviction would cost a server and make
no room.  nova's records of the victims that failed tell every worker.
"""

from collections.abc import Iterable
import time

import nova.conf
from oslo_log import log as logging

from opie.scheduler.nova_db import preemptibles

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

# One host with a fault has more failures than one.  Within so long what fails
# on several hosts has one cause, and afterwards it may be over.
_WINDOW_MINUTES = 5
_WINDOW_SECONDS = _WINDOW_MINUTES * 60


class FailingDeletions:
    """What one worker has found of deletions that fail."""

    def __init__(self) -> None:
        self._is_told = False

    def why_not(
        self, servers: Iterable[preemptibles.PreemptibleServer]
    ) -> str | None:
        """Return why no server is to be evicted for now, or None.

        :param servers: those that opie has asked nova to delete.
        """
        failed = {
            server.host: server.uuid
            for server in servers
            if _has_failed(server)
        }
        most = CONF.opie.failed_deletions_hosts
        if not most or len(failed) < most:
            if self._is_told:
                LOG.info('Servers may be evicted again.')
            self._is_told = False
            return None
        if not self._is_told:
            LOG.error(
                'No server is evicted for now: within the last %(minutes)d '
                'minutes nova has failed to delete victims on %(hosts)d hosts '
                '([opie] failed_deletions_hosts), %(victims)s. The logs of '
                'nova-compute there say why; neutron or cinder may be away. '
                'Evictions go on by themselves when fewer hosts have failed '
                'within that time. If the cause is mended, delete these '
                'servers to let evictions go on at once.',
                {
                    'minutes': _WINDOW_MINUTES,
                    'hosts': len(failed),
                    'victims': ', '.join(
                        '%s on %s' % (uuid, host)
                        for host, uuid in sorted(failed.items())
                    ),
                },
            )
        self._is_told = True
        return (
            'nova has failed to delete victims on %d hosts within %d minutes '
            '([opie] failed_deletions_hosts)' % (len(failed), _WINDOW_MINUTES)
        )


def _has_failed(server: preemptibles.PreemptibleServer) -> bool:
    return (
        server.is_undeletable
        and server.asked_to_delete_at is not None
        and time.time() < server.asked_to_delete_at + _WINDOW_SECONDS
    )
