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

"""Which of nova's functional tests involve scheduling.

Modules and classes under nova.tests.functional.  A name that nova has not any
more is a failed test.
"""

# Filters, weighers, server groups, zones, aggregates, traits, several cells,
# and bugs that scheduling has had.
CORE = (
    'regressions.test_bug_1628606',
    'regressions.test_bug_1702454',
    'regressions.test_bug_1713783',
    'regressions.test_bug_1718455',
    'regressions.test_bug_1718512',
    'regressions.test_bug_1732947',
    'regressions.test_bug_1746483',
    'regressions.test_bug_1781710',
    'regressions.test_bug_1790204',
    'regressions.test_bug_1815153',
    'regressions.test_bug_1823370',
    'regressions.test_bug_1830747',
    'regressions.test_bug_1843090',
    'regressions.test_bug_1848343',
    'regressions.test_bug_1852458',
    'regressions.test_bug_1890244',
    'regressions.test_bug_1978983',
    'regressions.test_bug_2098496',
    'regressions.test_bug_2102038',
    'regressions.test_bug_2108974',
    'regressions.test_bug_2111440',
    'test_aggregates.AggregateMultiTenancyIsolationColdMigrateTest',
    'test_aggregates.IsolateAggregateFilterTest',
    'test_aggregates.TenantAggregateFilterTest',
    'test_aggregates.TestAggregateFiltersTogether',
    'test_aggregates.TestAggregateMultiTenancyIsolationFilter',
    'test_availability_zones',
    'test_cold_migrate',
    'test_cross_az_attach',
    'test_json_filter',
    'test_scheduler',
    'test_server_group.ServerGroupAffinityConfTest',
    'test_server_group.ServerGroupAntiAffinityConfTest',
    'test_server_group.ServerGroupSoftAffinityConfTest',
    'test_server_group.ServerGroupSoftAntiAffinityConfTest',
    'test_server_group.ServerGroupTestMultiCell',
    'test_server_group.ServerGroupTestV295',
    'test_server_group.TestAntiAffinityLiveMigration',
    'test_servers.CreateServerConstraintsTest',
    'test_servers.ServerRescheduleTests',
    'test_servers.ServerTestV256MultiCellTestCase',
    'test_servers.ServerTestV256RescheduleTestCase',
    'test_servers.ServerTestV256SingleCellMultiHostTestCase',
    'test_servers.TraitsBasedSchedulingTest',
    'test_servers.VolumeBackedServerTest',
)

# Moves, resources of ports and devices, NUMA: what takes long.
REST = (
    'libvirt.test_numa_servers',
    'test_cross_cell_migrate',
    'test_routed_networks',
    'test_server_group.ServerGroupTestV215',
    'test_server_group.ServerGroupTestV264',
    'test_servers.ConsumerGenerationConflictTest',
    'test_servers.ServerLiveMigrateForceAndAbort',
    'test_servers.ServerMovingTests',
    'test_servers.ServerMovingTestsFromFlatToNested',
    'test_servers.ServersTest',
    'test_servers_resource_request.MultiGroupResourceRequestBasedSchedulingTest',
    'test_servers_resource_request.PortResourceRequestBasedSchedulingTest',
    'test_servers_resource_request.PortResourceRequestReSchedulingTest',
    'test_servers_resource_request.ServerMoveWithPortResourceRequestTest',
)


def names(is_whole):
    """Return the dotted paths of the core, or of all.

    :param is_whole: whether it is to be all.
    """
    chosen = CORE + REST if is_whole else CORE
    return ['nova.tests.functional.' + name for name in chosen]
