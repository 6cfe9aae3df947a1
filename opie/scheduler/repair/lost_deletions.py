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

"""Repeats deletions of victims that nova has accepted and then lost.

NOTE: nova/compute/api.py marks a server as being deleted before it sends a
message to the server's compute, and refuses to delete a marked server.  So
when the message is lost, the server cannot be deleted any more.  A compute
deletes marked servers when it starts, so that this module leaves out servers
whose compute is down.

The journal may not tell of these victims, because what was taken from them may
be given back by now.  What tells is the action that the eviction has recorded
with the server: only opie's own deletions are repeated, by one worker for all.

A deletion that the compute has not begun is repeated early, because no server
is evicted on its host meanwhile.  One that it has begun and that takes long
looks like one that was lost when the compute stopped.  So it is repeated as
well, but late.
"""

from collections.abc import Mapping
import dataclasses
import datetime
import functools
import typing

from nova import context as nova_context
from nova import exception
from nova import objects
from nova.compute import rpcapi
from nova.compute import task_states
from nova.compute import vm_states
from nova.db.main import api as main_db
from nova.db.main import models as main_models
from oslo_log import log as logging
from oslo_utils import timeutils
import sqlalchemy as sa
from sqlalchemy import orm

from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import compute_services
from opie.scheduler.nova_db import instances

LOG = logging.getLogger(__name__)

# NOTE: nova/compute/manager.py records it when it receives the message.
_BEGUN = 'compute_terminate_instance'


@dataclasses.dataclass(frozen=True)
class Ages:
    """How long ago a deletion was asked for before it counts as lost.

    :ivar unbegun_seconds: if the server's compute has not begun it.
    :ivar begun_seconds: if it has.
    """

    unbegun_seconds: float
    begun_seconds: float


class LostDeletions:
    """Finds and repeats lost deletions, in all cells.

    :param servicegroup: nova's servicegroup API.
    """

    def __init__(self, servicegroup: typing.Any) -> None:
        self._context = nova_context.get_admin_context()
        self._services = compute_services.ComputeServices(servicegroup)

    def find(self, ages: Ages) -> tuple[dict[str, typing.Any], list[str]]:
        """Find servers that were marked for deletion long ago.

        :param ages: how long ago they must have been marked.
        :returns: (uuid to cell mapping, uuids of the cells that did not
            answer).
        """
        mappings = {
            cell.uuid: cell
            for cell in objects.CellMappingList.get_all(self._context)
            if not cell.is_cell0()
        }
        answers, silent = cells.ask(
            mappings.values(), lambda context: _marked(context, ages)
        )
        found = {
            uuid: mappings[cell]
            for cell, uuids in answers.items()
            for uuid in uuids
        }
        return found, silent

    def repeat(self, found: Mapping[str, typing.Any], ages: Ages) -> set[str]:
        """Repeat deletions, unless another worker has just done so.

        :param found: uuid to cell mapping, as of :meth:`find`.
        :param ages: as of :meth:`find`.
        :returns: the uuids of the servers whose deletion was repeated.
        """
        repeated = set()
        for uuid, cell in sorted(found.items()):
            try:
                with nova_context.target_cell(self._context, cell) as context:
                    if self._terminate(context, uuid, ages):
                        repeated.add(uuid)
            except Exception:
                # The other deletions go on; this one has its next turn.
                LOG.exception('Cannot ask again to delete %s.', uuid)
        return repeated

    @functools.cached_property
    def _compute_rpc(self):
        # Making it asks all cells for their versions.
        return rpcapi.ComputeAPI()

    def _terminate(self, context, uuid, ages):
        """Repeat a deletion if it is time to; return whether that was done."""
        try:
            instance = objects.Instance.get_by_uuid(context, uuid)
        except exception.InstanceNotFound:
            return False
        if not self._services.is_up(instance.host):
            return False
        if not _take_turn(context, uuid, ages):
            return False
        if instance.vm_state == vm_states.RESIZED:
            # NOTE: nova/compute/api.py confirms the resize first, or else the
            # source's resources are held for ever.
            LOG.warning(
                'The deletion of %s was lost amid a resize: reset its state '
                'and delete it again.',
                uuid,
            )
            return False
        LOG.info(
            'Asking %(host)s again to delete %(victim)s.',
            {'host': instance.host, 'victim': uuid},
        )
        bdms = objects.BlockDeviceMappingList.get_by_instance_uuid(
            context, uuid
        )
        self._compute_rpc.terminate_instance(context, instance, bdms)
        return True


def _before(age_seconds):
    """Return the naive datetime in UTC of some time ago."""
    return timeutils.utcnow() - datetime.timedelta(seconds=age_seconds)


@main_db.pick_context_manager_writer
def _take_turn(context, uuid, ages):
    """Take the turn to repeat a deletion; return whether it could be taken.

    The server then looks as if it was marked now, so that no other worker
    finds it for as long.
    """
    query = context.session.query(main_models.Instance).filter(
        main_models.Instance.uuid == uuid, *_is_lost(ages)
    )
    now = {'updated_at': timeutils.utcnow()}
    return bool(query.update(now, synchronize_session=False))


@main_db.pick_context_manager_reader
def _marked(context, ages):
    """Return the uuids of a cell's victims whose deletion counts as lost."""
    query = context.session.query(main_models.Instance.uuid).filter(
        *_is_lost(ages)
    )
    return {row.uuid for row in query}


def _is_lost(ages):
    """Return what is true of victims whose deletion counts as lost."""
    server, action = main_models.Instance, main_models.InstanceAction
    event, later = main_models.InstanceActionEvent, orm.aliased(action)
    preempted = (
        sa.select(sa.func.max(action.id))
        .where(
            action.instance_uuid == server.uuid,
            action.action == instances.ACTION,
        )
        .correlate(server)
        .scalar_subquery()
    )
    is_begun = (
        sa.exists()
        .where(
            later.instance_uuid == server.uuid,
            later.id >= preempted,
            event.action_id == later.id,
            event.event == _BEGUN,
        )
        .correlate(server)
    )
    return (
        server.deleted == 0,
        server.host.isnot(None),
        server.task_state == task_states.DELETING,
        preempted.isnot(None),
        sa.or_(
            server.updated_at < _before(ages.begun_seconds),
            sa.and_(
                server.updated_at < _before(ages.unbegun_seconds),
                sa.not_(is_begun),
            ),
        ),
    )
