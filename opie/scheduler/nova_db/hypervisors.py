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

"""Which hosts nova would not migrate a running server to.

NOTE: nova/conductor/tasks/live_migrate.py compares the hypervisors once a host
is selected.  Servers that were evicted there would be lost in vain.
"""

from __future__ import annotations

from nova import context as nova_context
import nova.conf
from nova.db.main import api as main_db
from nova.db.main import models as main_models

CONF = nova.conf.CONF


@main_db.pick_context_manager_reader
def unfit_ones(
    cell_context: nova_context.RequestContext, host: str, node: str
) -> dict[str, str]:
    """Return provider to why nova would not migrate there, of a cell's hosts.

    :param host, node: where the server is.  Without a record of it, every
        host may do.
    """
    column = main_models.ComputeNode
    rows = (
        cell_context.session.query(
            column.uuid,
            column.host,
            column.hypervisor_hostname,
            column.hypervisor_type,
            column.hypervisor_version,
        )
        .filter(column.deleted == 0)
        .all()
    )
    for row in rows:
        if (row.host, row.hypervisor_hostname) == (host, node):
            kind, version = row.hypervisor_type, row.hypervisor_version
            return _unfit_among(rows, kind, version)
    return {}


def _unfit_among(rows, kind: str, version: int) -> dict[str, str]:
    unfit = {}
    for row in rows:
        if row.hypervisor_type != kind:
            unfit[row.uuid] = 'its hypervisor is no %s' % kind
        elif (
            row.hypervisor_version < version
            and not CONF.workarounds.skip_hypervisor_version_check_on_lm
        ):
            unfit[row.uuid] = 'its hypervisor is older than the server has it'
    return unfit
