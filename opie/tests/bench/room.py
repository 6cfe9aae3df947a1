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

While hosts are bigger than what their servers take, or seem to have no
servers, placement's records differ at the same generation.  So only ordinary
scheduling may read them meanwhile, unless generations are raised.
"""

import contextlib
import time

import sqlalchemy as sa

from opie.tests.bench import layout

# A little more than the second to which nova's records tell times.
_TICK_SECONDS = 1.1


@contextlib.contextmanager
def on_every_host(databases):
    """Let the hosts be twice as big until the end of the block.

    :param databases: name of a database to its engine.
    """
    with _bigger(databases, 2, 1):
        yield


@contextlib.contextmanager
def for_ordinary_requests(databases):
    """Let the hosts be bigger by a quarter, which is no room for preemptors.

    Preemptions may go on meanwhile.

    :param databases: name of a database to its engine.
    """
    try:
        with _bigger(databases, 5, 4):
            _raise_generations(databases)
            let_schedulers_forget(databases)
            yield
    finally:
        _raise_generations(databases)
        let_schedulers_forget(databases)


@contextlib.contextmanager
def without_servers(databases):
    """Let the hosts be empty until the end of the block.

    What is claimed in the block must be given back in it.

    :param databases: name of a database to its engine.
    """
    with databases['placement'].begin() as connection:
        connection.execute(sa.text('CREATE TABLE no_servers LIKE allocations'))
        connection.execute(
            sa.text(
                'RENAME TABLE allocations TO servers, '
                'no_servers TO allocations'
            )
        )
    _set_compute_nodes(databases, layout.HOST_VCPUS, 0)
    let_schedulers_forget(databases)
    try:
        yield
    finally:
        with databases['placement'].begin() as connection:
            connection.execute(
                sa.text(
                    'RENAME TABLE allocations TO no_servers, '
                    'servers TO allocations'
                )
            )
            connection.execute(sa.text('DROP TABLE no_servers'))
        _set_compute_nodes(databases, layout.HOST_VCPUS, layout.HOST_VCPUS)
        let_schedulers_forget(databases)


def let_schedulers_forget(databases):
    """Let schedulers forget what they have placed since.

    NOTE: nova/scheduler/host_manager.py counts what it has placed on a host
    until the compute node's record is newer than that.
    """
    with databases['cell'].begin() as connection:
        connection.execute(
            sa.text('UPDATE compute_nodes SET updated_at = UTC_TIMESTAMP()')
        )
    time.sleep(_TICK_SECONDS)


@contextlib.contextmanager
def _bigger(databases, factor, divisor):
    """Let the hosts be bigger until the end of the block."""
    _resize_providers(databases, factor, divisor)
    _set_compute_nodes(
        databases, layout.HOST_VCPUS * factor // divisor, layout.HOST_VCPUS
    )
    try:
        yield
    finally:
        _resize_providers(databases, divisor, factor)
        _set_compute_nodes(databases, layout.HOST_VCPUS, layout.HOST_VCPUS)


def _resize_providers(databases, factor, divisor):
    with databases['placement'].begin() as connection:
        connection.execute(
            sa.text(
                'UPDATE inventories SET total = total * :f DIV :d, '
                'max_unit = max_unit * :f DIV :d '
                'WHERE resource_class_id < 10000'
            ),
            {'f': factor, 'd': divisor},
        )


def _raise_generations(databases):
    with databases['placement'].begin() as connection:
        connection.execute(
            sa.text(
                'UPDATE resource_providers SET generation = generation + 1'
            )
        )


def _set_compute_nodes(databases, vcpus, used_vcpus):
    """Let the compute nodes say what they have and what is used of it."""
    free_vcpus = vcpus - used_vcpus
    with databases['cell'].begin() as connection:
        connection.execute(
            sa.text(
                'UPDATE compute_nodes SET vcpus = :vcpus, '
                'memory_mb = :memory, local_gb = :disk, '
                'vcpus_used = :used_vcpus, memory_mb_used = :used_memory, '
                'local_gb_used = :used_disk, '
                'free_ram_mb = :free_memory, free_disk_gb = :free_disk, '
                'disk_available_least = :free_disk'
            ),
            {
                'vcpus': vcpus,
                'memory': vcpus * layout.MEMORY_MB_PER_VCPU,
                'disk': vcpus * layout.DISK_GB_PER_VCPU,
                'used_vcpus': used_vcpus,
                'used_memory': used_vcpus * layout.MEMORY_MB_PER_VCPU,
                'used_disk': used_vcpus * layout.DISK_GB_PER_VCPU,
                'free_memory': free_vcpus * layout.MEMORY_MB_PER_VCPU,
                'free_disk': free_vcpus * layout.DISK_GB_PER_VCPU,
            },
        )
