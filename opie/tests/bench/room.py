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

"""Room on every host, switched on and off.

With room, each host has twice the size of what its servers take.  placement's
inventories then differ at the same generation, so only ordinary scheduling may
read them meanwhile.
"""

import contextlib

import sqlalchemy as sa

from opie.tests.bench import layout

_MEMORY_MB = layout.HOST_VCPUS * layout.MEMORY_MB_PER_VCPU
_DISK_GB = layout.HOST_VCPUS * layout.DISK_GB_PER_VCPU


@contextlib.contextmanager
def on_every_host(databases):
    """Let the hosts be twice as big until the end of the block.

    :param databases: name of a database to its engine.
    """
    _resize(databases, 2, 1)
    try:
        yield
    finally:
        _resize(databases, 1, 2)


def _resize(databases, factor, divisor):
    with databases['placement'].begin() as connection:
        connection.execute(
            sa.text(
                'UPDATE inventories SET total = total * :f DIV :d, '
                'max_unit = max_unit * :f DIV :d '
                'WHERE resource_class_id < 10000'
            ),
            {'f': factor, 'd': divisor},
        )
    free = factor - 1
    with databases['cell'].begin() as connection:
        connection.execute(
            sa.text(
                'UPDATE compute_nodes SET vcpus = :vcpus, '
                'memory_mb = :memory, local_gb = :disk, '
                'free_ram_mb = :free_memory, free_disk_gb = :free_disk, '
                'disk_available_least = :free_disk'
            ),
            {
                'vcpus': layout.HOST_VCPUS * factor,
                'memory': _MEMORY_MB * factor,
                'disk': _DISK_GB * factor,
                'free_memory': _MEMORY_MB * free,
                'free_disk': _DISK_GB * free,
            },
        )
