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

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
import typing

from nova import context as nova_context
from nova import objects
from oslo_log import log as logging

from opie.scheduler import errors

_Answer = typing.TypeVar('_Answer')
LOG = logging.getLogger(__name__)


def ask(
    cell_mappings: Iterable[objects.CellMapping],
    read: Callable[[nova_context.RequestContext], _Answer],
) -> tuple[dict[str, _Answer], list[str]]:
    """Call a function in the context of each cell, at the same time.

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
    answers: dict[str, _Answer] = {}
    silent = []
    for uuid, result in results.items():
        if nova_context.is_cell_failure_sentinel(result):
            LOG.warning('Cell %s does not answer.', uuid)
            silent.append(uuid)
        else:
            answers[uuid] = result
    return answers, silent


def check_all_answered(silent: Collection[str]) -> None:
    """Give up if a cell does not answer, before it is asked anything else.

    A database that hangs is waited for as long as nova does, a minute, and
    again for each question.

    :param silent: uuids of the cells that did not answer.
    :raises errors.SilentCells: if there are any.
    """
    if silent:
        raise errors.SilentCells(silent)
