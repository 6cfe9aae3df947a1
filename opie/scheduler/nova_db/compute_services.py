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

"""Whether compute services are up and enabled."""

from __future__ import annotations

from collections.abc import Iterable
import typing

from nova import context as nova_context
from nova import objects
from nova.db.main import api as main_db
from nova.db.main import models as main_models

from opie.scheduler.nova_db import cells
from opie.scheduler.nova_db import instances


class ComputeServices:
    """Compute services, by host; it remembers in which cells they are.

    :param servicegroup: nova's servicegroup API.
    """

    def __init__(self, servicegroup: typing.Any) -> None:
        self._servicegroup = servicegroup
        self._context = nova_context.get_admin_context()
        self._cells: dict[str, objects.CellMapping] = {}

    def is_up(self, host: str) -> bool:
        """Tell whether a host's compute service is up.

        :raises nova.exception.NotFound: if there is none.
        """
        return self._servicegroup.service_is_up(self._read(host))

    def why_unfit(self, host: str) -> str | None:
        """Return why a host's compute service is to get no server, or None.

        :raises nova.exception.NotFound: if there is none.
        """
        service = self._read(host)
        if not self._servicegroup.service_is_up(service):
            return 'down'
        return 'disabled' if service.disabled else None

    def _read(self, host: str) -> objects.Service:
        if host not in self._cells:
            self._cells[host] = instances.cell_of_host(self._context, host)
        with nova_context.target_cell(
            self._context, self._cells[host]
        ) as cell_context:
            return objects.Service.get_by_compute_host(cell_context, host)


def states(
    cell_mappings: Iterable[objects.CellMapping],
) -> tuple[dict[tuple[str, str], dict[str, typing.Any]], list[str]]:
    """Return what changes all the time of all compute services.

    :returns: ((cell uuid, host) to field of the service to its value, cells
        that did not answer).
    """
    answers, silent = cells.ask(cell_mappings, _rows)
    return {
        (cell_uuid, row.host): dict(row._mapping)
        for cell_uuid, rows in answers.items()
        for row in rows
    }, silent


@main_db.pick_context_manager_reader
def _rows(context: nova_context.RequestContext) -> list[typing.Any]:
    service = main_models.Service
    return (
        context.session.query(
            service.host,
            service.disabled,
            service.disabled_reason,
            service.forced_down,
            service.last_seen_up,
            service.version,
        )
        .filter(service.deleted == 0, service.binary == 'nova-compute')
        .all()
    )
