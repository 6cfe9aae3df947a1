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

"""What nova's databases say of the hosts, read for all of them at once.

There is a column query for each cell, because ComputeNode objects cost twenty
times as much.
"""

from __future__ import annotations

from collections.abc import Iterable
import dataclasses
import datetime
import re
import sys
import typing

from nova import context as nova_context
from nova import objects
import nova.conf
from nova.db.main import api as main_db
from nova.db.main import models as main_models
import sqlalchemy as sa

from opie.scheduler.nova_db import cells

CONF = nova.conf.CONF


@dataclasses.dataclass(frozen=True, slots=True)
class Compute:
    """A compute node as its cell's database has it.

    Sizes are VCPUs, MiB of memory and GiB of disk.
    """

    cell_uuid: str
    uuid: str
    host: str
    hypervisor_hostname: str
    vcpus: int
    memory_mb: int
    local_gb: int
    vcpus_used: int
    memory_mb_used: int
    local_gb_used: int
    cpu_allocation_ratio: float | None
    ram_allocation_ratio: float | None
    disk_allocation_ratio: float | None
    # How many builds have failed there since the last one that succeeded, or
    # since the compute has started.
    failed_builds: int = 0
    # When the record changed last, naive and in UTC.
    changed_at: datetime.datetime | None = dataclasses.field(
        default=None, compare=False
    )

    def amounts(self) -> dict[str, tuple[int, int, float]]:
        """Return resource class to (total, in use, allocation ratio)."""
        # NOTE: as nova/objects/compute_node.py does where a ratio is not set.
        return {
            'VCPU': (
                self.vcpus,
                self.vcpus_used,
                self.cpu_allocation_ratio
                or CONF.cpu_allocation_ratio
                or CONF.initial_cpu_allocation_ratio,
            ),
            'MEMORY_MB': (
                self.memory_mb,
                self.memory_mb_used,
                self.ram_allocation_ratio
                or CONF.ram_allocation_ratio
                or CONF.initial_ram_allocation_ratio,
            ),
            'DISK_GB': (
                self.local_gb,
                self.local_gb_used,
                self.disk_allocation_ratio
                or CONF.disk_allocation_ratio
                or CONF.initial_disk_allocation_ratio,
            ),
        }


def read(
    cell_mappings: Iterable[objects.CellMapping],
) -> tuple[dict[str, Compute], list[str]]:
    """Return (uuid to compute node, cells that did not answer)."""

    def read_cell(context: nova_context.RequestContext) -> list[Compute]:
        return [
            Compute(
                context.cell_uuid,
                row.uuid,
                sys.intern(row.host),
                sys.intern(row.hypervisor_hostname),
                *_others(row),
            )
            for row in _rows(context)
        ]

    answers, silent = cells.ask(cell_mappings, read_cell)
    return (
        {
            compute.uuid: compute
            for computes in answers.values()
            for compute in computes
        },
        silent,
    )


_COLUMNS = tuple(
    getattr(main_models.ComputeNode, field.name)
    for field in dataclasses.fields(Compute)
    if field.name not in ('cell_uuid', 'failed_builds', 'changed_at')
)
# NOTE: nova/scheduler/host_manager.py takes it from the same statistics.
_FAILED_BUILDS = re.compile(r'"failed_builds": "?(\d+)')


def _others(row: typing.Any) -> list[typing.Any]:
    *others, stats, changed_at = row[3:]
    return [*others, _failed_builds(stats), changed_at]


def _failed_builds(stats: str | None) -> int:
    """Return what the statistics of a record say, in JSON.

    Only this number is read, because the records of all hosts are.
    """
    found = _FAILED_BUILDS.search(stats or '')
    return int(found[1]) if found else 0


@main_db.pick_context_manager_reader
def _rows(context: nova_context.RequestContext) -> list[typing.Any]:
    node = main_models.ComputeNode
    return (
        context.session.query(
            *_COLUMNS,
            node.stats,
            sa.func.coalesce(node.updated_at, node.created_at),
        )
        .filter(
            node.deleted == 0,
            node.host.isnot(None),
            node.hypervisor_hostname.isnot(None),
        )
        .all()
    )
