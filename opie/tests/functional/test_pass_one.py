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


"""With room, or without potential victims, nova's own answer stands."""

import collections
import contextlib
import threading
from unittest import mock

from nova.scheduler import manager
from nova.scheduler.client import report
from placement import db_api as placement_db
import sqlalchemy as sa

from opie.scheduler import filter_scheduler
from opie.scheduler import host_manager
from opie.scheduler.claims import journal
from opie.tests.functional import base

_NOVA_WEIGHERS = ['nova.scheduler.weights.all_weighers']
_WEIGHERS = 'opie.scheduler.weights.preemptible.'
_COUNT = _WEIGHERS + 'PreemptibleCountWeigher'
_DURATION = _WEIGHERS + 'PreemptibleDurationWeigher'
_HOUR_SECONDS = 3600


@contextlib.contextmanager
def traffic():
    """Record nova's SQL statements and its requests to placement."""
    seen = []

    def on_statement(connection, cursor, statement, *_):
        is_nova = connection.engine is not placement_db.get_placement_engine()
        if is_nova and statement != 'BEGIN':
            seen.append(statement)

    def recording(method):
        real = getattr(report.SchedulerReportClient, method)

        def call(client, url, *args, **kwargs):
            seen.append('%s %s' % (method, url))
            return real(client, url, *args, **kwargs)

        return mock.patch.object(report.SchedulerReportClient, method, call)

    with contextlib.ExitStack() as stack:
        for method in ('get', 'post', 'put', 'delete'):
            stack.enter_context(recording(method))
        sa.event.listen(sa.Engine, 'before_cursor_execute', on_statement)
        stack.callback(
            sa.event.remove, sa.Engine, 'before_cursor_execute', on_statement
        )
        yield seen


class TrafficCase(base.CloudTestCase):
    def configure(self):
        # Nothing else is to talk while traffic is recorded.
        self.flags(report_interval=0, service_down_time=_HOUR_SECONDS)
        self.flags(track_instance_changes=False, group='filter_scheduler')
        self.flags(index_refresh_seconds=0, group='opie')
        self.serve = None

        def intercept(real, scheduler, context, **request):
            serve, self.serve = self.serve, None
            if serve:
                serve(context, request)
            return real(scheduler, context, **request)

        self.wrap(
            filter_scheduler.FilterScheduler, 'select_destinations', intercept
        )

    def boot(self, *args, **kwargs):
        server = super().boot(*args, **kwargs)
        if server.get('status') == 'ACTIVE':
            self.wait_until_built(server)
        return server

    def wait_until_built(self, server):
        """Wait until a compute has written the last of a server's creation."""
        self._wait_for_instance_action_event(
            server, 'create', 'compute__do_build_and_run_instance', 'success'
        )

    def by_nova(self):
        self.flags(weight_classes=_NOVA_WEIGHERS, group='filter_scheduler')
        with mock.patch(
            'nova.scheduler.host_manager.HostManager',
            host_manager.HostManager.__base__,
        ):
            return manager.SchedulerManager()

    def by_opie(self, *weighers):
        self.flags(
            weight_classes=[*_NOVA_WEIGHERS, *weighers],
            group='filter_scheduler',
        )
        return filter_scheduler.FilterScheduler()

    def traffic_of(self, schedulers, act):
        """Let each scheduler serve the request that an act leads to.

        :param act: called without arguments; it may not wait.
        :returns: what :func:`traffic` recorded, for each scheduler.
        """
        recorded = []
        is_over = threading.Event()

        def serve(context, request):
            try:
                for scheduler in schedulers:
                    recorded.append(_serve(scheduler, context, request))
            finally:
                is_over.set()

        self.serve = serve
        act()
        self.assertTrue(is_over.wait(base.WAIT_SECONDS))
        self.assertEqual(len(schedulers), len(recorded))
        return recorded


def _serve(scheduler, context, request):
    """Schedule, undo the claims, and return the traffic."""
    spec = request['spec_obj'].obj_clone()
    with traffic() as seen:
        scheduler.select_destinations(context, **dict(request, spec_obj=spec))
    for uuid in request['instance_uuids']:
        scheduler.placement_client.delete_allocation_for_instance(
            context, uuid, force=True
        )
    return seen


class SameTrafficTest(TrafficCase):
    def test_a_boot_with_room_costs_no_more_calls_than_novas(self):
        self.boot_preemptible(1, 'host1')
        by_nova, by_opie = self.traffic_of(
            [self.by_nova(), self.by_opie()], lambda: self.boot(1, state=None)
        )
        self.assertSame(by_nova, by_opie)

    def test_a_member_of_a_group_costs_one_call_more(self):
        group = self.api.post_server_groups(
            {'name': 'a', 'policy': 'anti-affinity'}
        )
        by_nova, by_opie = self.traffic_of(
            [self.by_nova(), self.by_opie()],
            lambda: self.boot(1, hints={'group': group['id']}, state=None),
        )
        more = collections.Counter(by_opie) - collections.Counter(by_nova)
        (call,) = more.elements()
        self.assertEqual(
            'get /resource_providers?in_tree=%s' % journal.ROOT_UUID, call
        )

    def test_a_resize_costs_no_more_calls_than_novas(self):
        server = self.boot(1, 'host1')
        resize = {'resize': {'flavorRef': self.flavor(2)}}
        by_nova, by_opie = self.traffic_of(
            [self.by_nova(), self.by_opie()],
            lambda: self.api.post_server_action(server['id'], resize),
        )
        self.assertSame(by_nova, by_opie)
        self._wait_for_state_change(server, 'VERIFY_RESIZE')

    def test_a_cold_migration_costs_no_more_calls_than_novas(self):
        server = self.boot(1, 'host1')
        by_nova, by_opie = self.traffic_of(
            [self.by_nova(), self.by_opie()],
            lambda: self.api.post_server_action(
                server['id'], {'migrate': None}
            ),
        )
        self.assertSame(by_nova, by_opie)
        self._wait_for_state_change(server, 'VERIFY_RESIZE')

    def assertSame(self, by_nova, by_opie):
        # A candidate query, a claim, and the hosts: there is some at least.
        self.assertTrue([item for item in by_nova if item.startswith('get ')])
        self.assertTrue([item for item in by_nova if 'compute_nodes' in item])
        self.assertEqual(by_nova, by_opie)


class WeigherTrafficTest(TrafficCase):
    NUMBER_OF_CELLS = 2

    def start_hosts(self):
        self.start_compute('host1', 'cell1')
        self.start_compute('host2', 'cell2')

    def test_weighers_add_one_query_for_each_cell(self):
        self.assertEqual([3, 2], self.additional())
        for host in ('host3', 'host4'):
            self.start_compute(host, 'cell1')
        # However many hosts there are.
        self.assertEqual([3, 2], self.additional())

    def additional(self):
        """Return by how many queries the first and the second boot differ.

        The first one has to learn the hints, and the second knows them.
        """
        for host in self.computes:
            self.boot_preemptible(1, host)
        opie = self.by_opie(_COUNT, _DURATION)
        booted = []
        by_nova, first, second = self.traffic_of(
            [self.by_nova(), opie, opie],
            lambda: booted.append(self.boot(1, state=None)),
        )
        self.wait_until_built(*booted)
        by_nova = collections.Counter(by_nova)
        return [
            (collections.Counter(seen) - by_nova).total()
            for seen in (first, second)
        ]
