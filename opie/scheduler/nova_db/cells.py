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

"""Asks several of nova's cells at once."""

from nova import context as nova_context
from oslo_log import log as logging

LOG = logging.getLogger(__name__)


def ask(cell_mappings, read):
    """Call a function in the context of each cell, at the same time.

    :param cell_mappings: the cells.
    :param read: called with a context targeted at a cell.
    :returns: (cell uuid to what was returned, uuids of the cells that did not
        answer).
    """
    results = nova_context.scatter_gather_cells(
        nova_context.get_admin_context(),
        list(cell_mappings),
        nova_context.CELL_TIMEOUT,
        read,
    )
    answers, silent = {}, []
    for uuid, result in results.items():
        if nova_context.is_cell_failure_sentinel(result):
            LOG.warning('Cell %s does not answer.', uuid)
            silent.append(uuid)
        else:
            answers[uuid] = result
    return answers, silent
