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

"""Which reason a host is given that cannot serve."""

import types
import unittest.mock as mock

import testtools

from opie.preemption import model
from opie.scheduler.nova_db import index as nova_index
from opie.scheduler.planning import cloud_snapshot
from opie.scheduler.planning import leaving
from opie.scheduler.planning import live_cloud

_HOST = 'host', 'node'


class _State(types.SimpleNamespace):
    uuid, host, nodename, service = 'provider', *_HOST, None
    preemptibles = (
        types.SimpleNamespace(
            uuid='server',
            project_id='project',
            vm_state='active',
            task_state=None,
            locked_by=None,
            disable_terminate=False,
            flavor_id=None,
            is_undeletable=False,
            why_user_bound=None,
        ),
    )
    is_whole = True

    def without(self, gone, others):
        return _State(is_whole=not gone)


class _HostManager:
    """Has one host, which may pass only while no server is gone."""

    enabled_filters = ()

    aggs_by_id = {}
    index = nova_index.Index()

    enabled_cells = ()

    def __init__(self, passes_as_it_is):
        self._passes_as_it_is = passes_as_it_is

    def states_and_silent_cells(self, *args):
        return [_State()], []

    def load_preemptibles(self, states):
        return []

    def servers_in_migration(self, states):
        return set(), []

    def may_ask_about_parts(self, spec):
        return False

    def filter_hosts(self, states, spec):
        if self._passes_as_it_is and all(state.is_whole for state in states):
            return states, {}
        return [], {_HOST: 'TheFilter'}


class ReasonTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.enterContext(
            mock.patch.object(
                leaving, 'read', lambda worker, *_: leaving.Leaving(worker, {})
            )
        )

    def check(self, passes_as_it_is, expected):
        sources = mock.Mock()
        sources.worker.host_manager = _HostManager(passes_as_it_is)
        sources.worker.journal.read.return_value.preemptions = []
        sources.worker.servicegroup.service_is_up.return_value = False
        sources.worker.stuck.hosts.return_value = frozenset()
        sources.worker.journal.read.return_value.preemptions = []
        cloud = live_cloud.NovaCloud(
            sources,
            mock.MagicMock(asked=None),
            cloud_snapshot.CloudSnapshot(
                sources.worker,
                mock.Mock(),
                {
                    'provider': types.SimpleNamespace(
                        uuid='provider', cell_uuid='cell', host='host'
                    )
                },
            ),
            frozenset(),
        )
        self.assertEqual(
            {'provider': model.Unfit(expected)}, cloud.read(('provider',))
        )

    def test_a_filter_that_refuses_a_host_in_any_case_is_the_reason(self):
        self.check(False, 'TheFilter')

    def test_a_service_that_is_down_is_the_reason_where_filters_pass(self):
        self.check(True, 'its compute service is down')
