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

"""Requests for new servers, with the records that nova's API leaves."""

import contextlib

from nova import exception
from nova import objects
from nova.scheduler.client import report
from oslo_utils import uuidutils

from opie.tests.bench import servers
from opie.tests.bench import tenant


class Boot:
    """A request for a normal server, waiting for its host.

    :param flavor: a Flavor.
    :param hints: scheduler hints, name to list of values.
    :ivar uuid: of the server that is to be.
    """

    def __init__(self, flavor, hints=None):
        self._context = tenant.context()
        self.uuid = uuidutils.generate_uuid()
        self._spec = servers.request_spec(
            self._context, self.uuid, flavor, hints or {}
        )
        server = servers.new_instance(self._context, self._spec, flavor)
        self._build = objects.BuildRequest(
            self._context,
            instance=server,
            instance_uuid=self.uuid,
            project_id=self._context.project_id,
            block_device_mappings=objects.BlockDeviceMappingList(objects=[]),
            tags=objects.TagList(objects=[]),
        )
        self._mapping = objects.InstanceMapping(
            self._context,
            instance_uuid=self.uuid,
            cell_mapping=None,
            project_id=self._context.project_id,
            user_id=self._context.user_id,
        )
        for record in (self._spec, self._build, self._mapping):
            record.create()

    def schedule(self, manager):
        """Ask a scheduler as nova's conductor does.

        :returns: the name of the host.
        :raises oslo_messaging.ExpectedException: with NoValidHost.
        """
        selections = manager.select_destinations(
            self._context,
            spec_obj=self._spec,
            instance_uuids=[self.uuid],
            return_objects=True,
            return_alternates=True,
        )
        return selections[0][0].service_host

    def claimed(self):
        """Return the providers on which placement has allocations of it."""
        client = report.report_client_singleton()
        return set(
            client.get_allocs_for_consumer(self._context, self.uuid)[
                'allocations'
            ]
        )

    def land(self, cell):
        """Do what nova's conductor does once it knows the host.

        The server itself has no record.

        :param cell: the CellMapping of the host's cell.
        """
        self._mapping.cell_mapping = cell
        self._mapping.save()
        self._build.destroy()

    def forget(self):
        """Remove the request, and what was claimed for it."""
        report.report_client_singleton().delete_allocation_for_instance(
            self._context, self.uuid, force=True
        )
        with contextlib.suppress(exception.BuildRequestNotFound):
            self._build.destroy()
        self._mapping.destroy()
        self._spec.destroy()
