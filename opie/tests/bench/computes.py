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

"""A stand-in for all nova-compute services, as far as deletions go.

What nova's API casts to a host is executed by a thread of this process: it
waits as long as a hypervisor takes to destroy a guest and then does with
placement, the schedulers and the database what nova-compute does.
"""

import contextlib
import threading
import time
from unittest import mock

from nova import context as nova_context
from nova import objects
from nova.compute import power_state
from nova.compute import rpcapi
from nova.compute import vm_states
from nova.scheduler.client import report
from oslo_utils import timeutils

DESTROY_SECONDS = 0.5


class Computes:
    """The hosts' compute services.

    :param managers: the scheduler managers, which hear of what happens.
    :ivar managers: those managers.
    :ivar deleted: uuids of the servers deleted since it was last emptied.
    """

    def __init__(self, cell, managers):
        self._cell = cell
        self.managers = managers
        self._threads = []
        self.deleted = []

    @contextlib.contextmanager
    def listening(self):
        """Catch what would be cast to them until the end of the block."""

        def cast(_rpcapi, context, instance, bdms):
            self.terminate(instance.uuid)

        with mock.patch.object(rpcapi.ComputeAPI, 'terminate_instance', cast):
            yield
            self.finish()

    def terminate(self, uuid):
        """Begin to delete a server, as its host's service would."""
        thread = threading.Thread(target=self._delete, args=[uuid])
        self._threads.append(thread)
        thread.start()

    def finish(self):
        """Wait until everything that was cast is done."""
        while self._threads:
            self._threads.pop().join()

    def _delete(self, uuid):
        time.sleep(DESTROY_SECONDS)
        # NOTE: as nova/compute/manager.py does in _delete_instance.
        admin = nova_context.get_admin_context()
        with nova_context.target_cell(admin, self._cell) as context:
            server = objects.Instance.get_by_uuid(context, uuid)
            server.vm_state = vm_states.DELETED
            server.task_state = None
            server.power_state = power_state.NOSTATE
            server.terminated_at = timeutils.utcnow()
            server.save()
            report.report_client_singleton().delete_allocation_for_instance(
                context, uuid, force=True
            )
            for manager in self.managers:
                manager.delete_instance_info(admin, server.host, uuid)
            server.destroy()
        self.deleted.append(uuid)

    def tell_of(self, server):
        """Tell the schedulers of a new server, as its host would."""
        admin = nova_context.get_admin_context()
        for manager in self.managers:
            manager.update_instance_info(
                admin, server.host, objects.InstanceList(objects=[server])
            )
